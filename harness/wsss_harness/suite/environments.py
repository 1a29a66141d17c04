"""Methods that a suite gives an environment of their own: where their stages are made."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import ConfigError
from wsss_harness.plugins.environments import python_for
from wsss_harness.stages.elsewhere import Elsewhere
from wsss_harness.suite.spec import Offered, Suite
from wsss_harness.system.similar import did_you_mean

METHODS = ("generators", "refiners", "mask_refiners", "segmentors")
KEYS = ("python", "requirements")


def place_of(offered: Offered) -> Elsewhere | None:
    """Where the stages of a method are made; None in this environment."""
    return None if offered.environment is None else Elsewhere(offered.environment)


def environment_identity(offered: Offered) -> dict[str, str]:
    """What cache keys say of it: its name, so that two rows may compare two environments.

    Versions are in no key, as those of this environment; see ``version_warnings``.
    """
    return {} if offered.environment is None else {"environment": offered.environment.name}


def environments_in(content: Mapping[str, Any], source: Path) -> dict[str, Any]:
    """The content of a suite file where methods have the tables of their environments.

    Paths in it are relative to the file. So a suite, once it is read, needs no file for them.

    Raises:
        ConfigError: an environment is not defined, or not as it should be.
    """
    tables = content.get("environments", {})
    if not isinstance(tables, Mapping):
        raise ConfigError(f"{source}: environments is {tables!r}; expected [environments.NAME]")
    defined = {name: _table(name, table, source) for name, table in tables.items()}
    kept = {key: value for key, value in content.items() if key != "environments"}
    return kept | {key: _expanded(kept[key], defined, source) for key in METHODS if key in kept}


def _expanded(methods: Any, defined: Mapping[str, Any], source: Path) -> Any:
    """A table of methods with the tables of their environments."""
    if not isinstance(methods, Mapping):
        return methods
    named = {
        label: method["environment"]
        for label, method in methods.items()
        if isinstance(method, Mapping) and isinstance(method.get("environment"), str)
    }
    tables = {label: _found(label, name, defined, source) for label, name in named.items()}
    return {
        label: {**method, "environment": tables[label]} if label in tables else method
        for label, method in methods.items()
    }


def _found(label: str, name: str, defined: Mapping[str, Any], source: Path) -> Any:
    if name in defined:
        return defined[name]
    if os.sep in name or "/" in name:
        return _table(name, {"python": name}, source)
    raise ConfigError(
        f"{source}: environment of '{label}' is '{name}'; expected the path of an interpreter, or "
        f"the name of an [environments.NAME]{did_you_mean(name, defined)}"
    )


def _table(name: str, table: Any, source: Path) -> dict[str, str]:
    """The environment of one name, with absolute paths; links stay, as that of a venv to Python."""
    given = {key: table[key] for key in KEYS if key in table} if isinstance(table, Mapping) else {}
    if len(given) != 1 or given != table or not all(isinstance(v, str) for v in given.values()):
        raise ConfigError(
            f"{source}: environments.{name} is {table!r}; expected python, the path of an "
            "interpreter, or requirements, that of a file for pip"
        )
    ((key, text),) = given.items()
    path = Path(os.path.abspath(source.parent / Path(text).expanduser()))
    if key == "python":
        return {"name": name, "python": str(path)}
    if not path.is_file():
        raise ConfigError(f"{source}: environments.{name}.requirements: there is no file {path}")
    return {"name": name, "python": str(python_for(path)), "requirements": str(path)}


def check_environments(suite: Suite, source: str) -> None:
    """Raise ConfigError for an environment of what is no method, or one that parts two rounds."""
    for place, offered in _no_methods(suite):
        if offered.environment is not None:
            raise ConfigError(f"{source}: {place} has an environment; only methods have their own")
    for label, offered in suite.generators.items():
        for before in suite.rounds_of(label):
            if before.environment != offered.environment:
                raise ConfigError(
                    f"{source}: generator '{label}' loads '{before.name}', on which it builds, but "
                    "has another environment; give both the same"
                )


def _no_methods(suite: Suite) -> Iterator[tuple[str, Offered]]:
    yield "dataset", suite.dataset
    for label, weights in suite.weights.items():
        if weights.dataset is not None:
            yield f"weights.{label}.dataset", weights.dataset
