"""Reading suites: files of TOML or JSON, with overrides, checked before anything starts."""

import json
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from wsss_harness.contract.errors import ConfigError
from wsss_harness.suite.environments import check_environments, environments_in
from wsss_harness.suite.names import check_names
from wsss_harness.suite.problems import first_problem
from wsss_harness.suite.spec import AXES, Row, RuleSpec, Suite, combinations
from wsss_harness.suite.texts_file import texts_in
from wsss_harness.system.similar import did_you_mean

NAME = re.compile(r"\w[\w-]*")  # of one of several datasets


def read_suite(path: Path, overrides: Sequence[str] = ()) -> Suite:
    """The suite in a file of TOML, or of JSON as in records and submissions.

    ``overrides``: dotted options such as ``dataset.train=100``. ``dataset=voc`` chooses one of
    several ``datasets``.
    """
    content = _content(path, overrides)
    if "datasets" in content:
        datasets = _several(content.pop("datasets"), path)
        content["dataset"] = _chosen(datasets, content.get("dataset"), path)
    return check_suite(environments_in(texts_in(content, path), path), str(path))


def datasets_of(path: Path, overrides: Sequence[str] = ()) -> tuple[str, ...]:
    """The names of the datasets of a suite file that has several; empty if it has one."""
    content = _content(path, overrides)
    if "dataset" in content or "datasets" not in content:
        return ()
    return tuple(_several(content["datasets"], path))


def _content(path: Path, overrides: Sequence[str]) -> dict[str, Any]:
    read, form = (json.loads, "JSON") if path.suffix == ".json" else (tomllib.loads, "TOML")
    try:
        content = read(path.read_text(encoding="utf-8-sig"))  # Windows writes a mark before UTF-8
    except FileNotFoundError:
        raise ConfigError(f"there is no suite file {path}") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); name a suite file") from None
    except (ValueError, RecursionError) as error:  # both parsers raise ValueErrors
        raise ConfigError(f"{path} is not valid {form}: {error}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path} holds {type(content).__name__}; expected the table of a suite")
    for override in overrides:
        apply_override(content, override)
    return content


def _several(datasets: Any, path: Path) -> dict[str, Any]:
    """The datasets of a suite that has several; their names become parts of file names."""
    if not isinstance(datasets, dict) or not datasets:
        raise ConfigError(f"{path}: datasets is {datasets!r}; expected tables, as [datasets.NAME]")
    for name in datasets:
        if not NAME.fullmatch(name):
            raise ConfigError(
                f"{path}: datasets has the name '{name}'; expected letters, digits, _ and -, "
                "not starting with -"
            )
    return datasets


def _chosen(datasets: Mapping[str, Any], name: Any, path: Path) -> Any:
    """The dataset of this name, one of several."""
    if isinstance(name, str) and name in datasets:
        return datasets[name]
    raise ConfigError(
        f"{path} has several datasets; choose one as --set dataset=NAME, and give its options as "
        f"datasets.NAME.OPTION{did_you_mean(str(name), datasets)}"
    )


def check_suite(content: Mapping[str, Any], source: str) -> Suite:
    """The suite in ``content``; ConfigError names ``source`` and the field that is wrong."""
    _refuse_not_finite(content, source)
    try:
        suite = Suite.model_validate(content)
    except ValidationError as error:
        raise ConfigError(f"{source}: {first_problem(error, content)}") from None
    rows = (*(suite.product.rows() if suite.product else ()), *suite.rows)
    suite = _crossed(suite.model_copy(update={"rows": rows, "product": None}), source)
    if not rows:
        raise ConfigError(f"{source} has no row; list rows, or give a product of generators")
    check_names(suite, source)
    _check_references(suite, source)
    return suite


def _crossed(suite: Suite, source: str) -> Suite:
    """The suite with its combinations of seeds numbered, and the axes that vary."""
    if not suite.cross:
        return suite
    several = tuple(axis for axis in AXES if len(suite.cross.get(axis, ())) > 1)
    derived = {"seeds": tuple(range(len(combinations(suite.cross)))), "vary": several or AXES}
    for name, value in derived.items():
        if name in suite.model_fields_set and getattr(suite, name) != value:
            raise ConfigError(f"{source}: '{name}' follows from 'cross'; leave one of them out")
    return suite.model_copy(update=derived)


def _refuse_not_finite(content: Any, place: str) -> None:
    """Raise ConfigError for nan and inf, which TOML allows."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            _refuse_not_finite(value, f"{place}: {key}" if ": " not in place else f"{place}.{key}")
    elif isinstance(content, list | tuple):
        for value in content:
            _refuse_not_finite(value, place)
    elif isinstance(content, float) and not math.isfinite(content):
        raise ConfigError(f"{place} is {content}; expected a finite number")


def _check_references(suite: Suite, source: str) -> None:
    for index, row in enumerate(suite.rows):
        place = f"{source}: rows.{index} ({row.method})"
        _known(f"{place} generator", row.generator, suite.generators)
        _check_refiners(place, row, suite)
        for segmentor in row.segmentors:
            _known(f"{place} segmentor", segmentor, suite.segmentors)
        _check_rule(place, row.rule, suite.held_out)
    refiners = {**suite.refiners, **suite.mask_refiners}
    offers = {**suite.generators, **refiners, **suite.segmentors}
    for label, offered in offers.items():
        for weights in offered.named_weights.values():
            _known(f"{source}: weights of '{label}'", weights, suite.weights)
        if offered.regions is not None:
            _known(f"{source}: regions of '{label}'", offered.regions, suite.maps("regions"))
    _check_previous(suite, source)
    check_environments(suite, source)
    for kind in ("saliency", "regions"):
        if both := sorted({*getattr(suite, kind)} & {*suite.sources}):
            raise ConfigError(f"{source}: '{both[0]}' is in sources and in {kind}; rename one")
    maps = {label: offered.saliency for label, offered in offers.items()}
    maps |= {f"row {row.method}": row.saliency for row in suite.rows}
    for label, saliency in maps.items():
        if saliency is not None:
            _known(f"{source}: saliency of '{label}'", saliency, suite.maps("saliency"))
    _refuse_duplicates(source, "rows are named", [row.method for row in suite.rows])
    _refuse_duplicates(source, "seeds are", suite.seeds)
    for axis, seeds in suite.cross.items():
        _refuse_duplicates(source, f"seeds of cross.{axis} are", seeds)


def _check_refiners(place: str, row: Row, suite: Suite) -> None:
    """Raise ConfigError for an unknown refiner, or one of scores after one of masks."""
    if both := sorted({*suite.refiners} & {*suite.mask_refiners}):
        raise ConfigError(f"{place}: '{both[0]}' is in refiners and in mask_refiners; rename one")
    for refiner in row.refiners:
        _known(f"{place} refiner", refiner, {**suite.refiners, **suite.mask_refiners})
    for refiner in row.prediction_refiners:
        _known(f"{place} prediction_refiners", refiner, suite.mask_refiners)
    of_scores, of_masks = suite.chain_of(row)
    if row.refiners != (*of_scores, *of_masks):
        raise ConfigError(
            f"{place}: '{of_scores[-1]}' refines scores, but comes after '{of_masks[0]}', which "
            "refines masks; name refiners of scores first"
        )
    if row.prediction_refiners and not row.segmentors:
        raise ConfigError(f"{place} has prediction_refiners, but no segmentors that predict")


def _check_previous(suite: Suite, source: str) -> None:
    """Raise ConfigError where a generator builds on an unknown one, or on itself in the end."""
    for label in suite.generators:
        chain = [label]
        while (previous := suite.generators[chain[-1]].previous) is not None:
            _known(f"{source}: previous of '{chain[-1]}'", previous, suite.generators)
            if previous in chain:
                raise ConfigError(
                    f"{source}: generators build on each other in a circle: "
                    f"{' -> '.join([*chain, previous])}; let one of them have no previous"
                )
            chain.append(previous)
    others = {**suite.refiners, **suite.mask_refiners, **suite.segmentors}
    for label, offered in others.items():
        if offered.previous is not None:
            raise ConfigError(f"{source}: '{label}' has a previous; only generators build on one")


def _check_rule(place: str, rule: RuleSpec, held_out: int) -> None:
    try:
        _ = rule.built
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from None
    if rule.choice and rule.name != "constant":
        raise ConfigError(f"{place}: only the rule 'constant' can have its threshold chosen")
    if rule.choice == "held_out" and not held_out:
        raise ConfigError(f"{place} chooses its threshold on held-out images; set held_out")


def _refuse_duplicates(source: str, what: str, values: Sequence[object]) -> None:
    duplicates = [value for place, value in enumerate(values) if value in values[:place]]
    if duplicates:
        raise ConfigError(f"{source}: two {what} '{duplicates[0]}'; each must be unique")


def _known(place: str, name: str, table: Mapping[str, Any]) -> None:
    if name not in table:
        raise ConfigError(
            f"{place}: '{name}' is not defined in this suite{did_you_mean(name, table)}"
        )


def apply_override(content: dict[str, Any], override: str) -> None:
    """Set a dotted option in place: ``generators.EPS.tau=0.5``; the value is TOML or plain text."""
    path, separator, text = override.partition("=")
    if not separator or not path:
        raise ConfigError(f"override '{override}' must look like KEY=VALUE, as dataset.train=100")
    *parents, last = _keys(path)
    table = content
    for part in parents:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise ConfigError(f"override '{override}': '{part}' is a value, not a table")
    table[last] = _toml_value(text)


def _keys(path: str) -> list[str]:
    """The keys of a dotted path, quoted as in TOML or not."""
    try:
        table = tomllib.loads(f"{path} = 0")
    except tomllib.TOMLDecodeError:
        return path.split(".")
    keys: list[str] = []
    while isinstance(table, dict):
        ((key, table),) = table.items()
        keys.append(key)
    return keys


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
