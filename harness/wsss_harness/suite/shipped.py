"""Suites and tables that come with the harness, by their names."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from wsss_harness.contract.errors import ConfigError
from wsss_harness.system.files import configs
from wsss_harness.system.similar import did_you_mean


def suite_file(path: Path) -> Path:
    """The file of a suite, given by its path or by the name of one that comes with the harness.

    Raises:
        ConfigError: neither is there.
    """
    names = named("suites")
    if path.is_file() or (path.exists() and str(path) not in names):
        return path
    if str(path) in names:
        return names[str(path)]
    beside = [str(other) for other in path.parent.glob("*.toml")] if path.suffix else []
    raise ConfigError(
        f"there is no suite file {path}{did_you_mean(str(path), [*beside, *names])}. Give the path "
        "of a file, or a name that `wsss suites` lists"
    )


def named(folder: str) -> dict[str, Path]:
    """The files of a folder of ``configs``, such as suites, by their names."""
    return {path.stem: path for path in sorted((configs() / folder).glob("*.toml"))}


def titles() -> Iterator[tuple[str, str]]:
    """Name and title of each suite."""
    for name, path in named("suites").items():
        yield name, tomllib.loads(path.read_text(encoding="utf-8"))["title"]
