"""Suites: files that say which rows are run, read and checked before anything starts."""

import json
import math
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wsss_harness.contract.errors import ConfigError

Options = dict[str, Any]
Axis = Literal["weights", "generator", "refiner", "segmentor"]
Choice = Literal["fixed", "held_out", "oracle", "unknown"]  # on what a threshold was chosen
AXES: tuple[Axis, ...] = ("weights", "generator", "refiner", "segmentor")
NAME = re.compile(r"\w[\w-]*")  # of one of several datasets
Seed = Annotated[int, Field(ge=0, lt=2**32)]  # what numpy and torch both take
Seeds = Annotated[tuple[Seed, ...], Field(min_length=1)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Offered(BaseModel):
    """A plugin's offer by name, the initial weights it starts from, and its options.

    ``saliency`` names maps of the suite that it reads in place of those of the dataset.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str
    weights: str | None = None
    saliency: str | None = None

    @property
    def options(self) -> Options:
        return dict(self.model_extra or {})


class Weights(Strict):
    """Initial weights: a file, or a pretraining on a dataset of single objects."""

    trained_on: str
    file: str | None = None
    dataset: Offered | None = None
    pretraining: Options | None = None


class SaliencyMaps(Strict):
    """A folder of maps ID.png, and the detector that made them with what it was trained on."""

    folder: str
    detector: str
    trained_on: str


class Rule(BaseModel):
    """A background rule by name and its options.

    The threshold "held_out" or "oracle" is chosen on truth, which the tables say.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str = "constant"
    threshold: Annotated[float, Field(ge=0, le=1)] | Literal["held_out", "oracle"] | None = None

    @property
    def options(self) -> Options:
        """What the rule itself takes; a threshold that is still to be chosen is left out."""
        chosen = {} if isinstance(self.threshold, str | None) else {"threshold": self.threshold}
        return {**(self.model_extra or {}), **chosen}


class Row(Strict):
    """One line of the pseudo-mask table and one of the segmentation table for each segmentor.

    ``saliency`` names the maps that its rule reads, if not those of the dataset.
    """

    method: str
    generator: str
    refiners: tuple[str, ...] = ()
    rule: Rule = Rule(threshold=0.2)
    segmentors: tuple[str, ...] = ()
    saliency: str | None = None
    control: bool = False


class Product(Strict):
    """A row for each generator with each chain of refiners, all with one rule and all segmentors.

    A row is called after its parts, as EPS + CRF.
    """

    generators: Annotated[tuple[str, ...], Field(min_length=1)]
    refiners: Annotated[tuple[tuple[str, ...], ...], Field(min_length=1)] = ((),)
    rule: Rule = Rule(threshold=0.2)
    segmentors: tuple[str, ...] = ()

    def rows(self) -> tuple[Row, ...]:
        return tuple(
            Row(
                method=" + ".join((generator, *chain)),
                generator=generator,
                refiners=chain,
                rule=self.rule,
                segmentors=self.segmentors,
            )
            for generator in self.generators
            for chain in self.refiners
        )


class Suite(Strict):
    """Rows that share stages: those of the ``product``, then those that are listed.

    ``vary`` names what is repeated with each of the ``seeds``: pretrained weights, generators,
    refiners, segmentors. What it does not name has the first seed throughout.
    ``cross`` gives axes seeds of their own and repeats rows with each combination of them; then
    ``seeds`` are the numbers of the combinations, ``vary`` the axes that have several, and axes
    that it does not name have seed 0.
    ``shared`` are options of those generators that have them and do not set their own.
    ``held_out`` train images, spread evenly over the list, are kept apart: on their truth the
    threshold "held_out" is chosen, and no mask of theirs is scored.
    ``bounds`` asks for bound rows that take a network: what each refiner makes of a perfect seed,
    and segmentors with full supervision. The others are always made.
    """

    title: str
    dataset: Offered
    seeds: Seeds = (0,)
    vary: Annotated[tuple[Axis, ...], Field(min_length=1)] = AXES
    cross: dict[Axis, Seeds] = {}
    held_out: Annotated[int, Field(ge=0)] = 0
    bounds: tuple[Literal["refined", "supervised"], ...] = ()
    weights: dict[str, Weights] = {}
    saliency: dict[str, SaliencyMaps] = {}
    shared: Options = {}
    generators: dict[str, Offered]
    refiners: dict[str, Offered] = {}
    segmentors: dict[str, Offered] = {}
    product: Product | None = None
    rows: tuple[Row, ...] = ()

    def seeds_of(self, repetition: int) -> dict[Axis, int]:
        """The seed of each axis in a repetition, which is one of ``seeds`` or, uncrossed, any.

        Raises:
            ConfigError: seeds are crossed, and no combination of them has this number.
        """
        if not self.cross:
            return {axis: repetition if axis in self.vary else self.seeds[0] for axis in AXES}
        if repetition not in self.seeds:
            raise ConfigError(
                f"no combination of seeds has the number {repetition}; there are 0 to "
                f"{self.seeds[-1]}"
            )
        return dict.fromkeys(AXES, 0) | combinations(self.cross)[repetition]

    def row(self, method: str) -> Row:
        """The row of this name; ConfigError lists the rows."""
        for row in self.rows:
            if row.method == method:
                return row
        known = ", ".join(row.method for row in self.rows)
        raise ConfigError(f"no row is called '{method}'; rows: {known}")


def combinations(cross: Mapping[Axis, Sequence[int]]) -> list[dict[Axis, int]]:
    """Each choice of a seed for each axis; those of a late stage change first."""
    axes = [axis for axis in AXES if axis in cross]
    chosen = product(*(cross[axis] for axis in axes))
    return [dict(zip(axes, seeds, strict=True)) for seeds in chosen]


def read_suite(path: Path, overrides: Sequence[str] = ()) -> Suite:
    """The suite in a file of TOML, or of JSON as records and submissions have it.

    ``overrides`` are dotted options as ``dataset.train=100``. Of several ``datasets`` one is
    chosen by its name: ``dataset=voc``.
    """
    content = _content(path, overrides)
    if "datasets" in content:
        datasets = _several(content.pop("datasets"), path)
        content["dataset"] = _chosen(datasets, content.get("dataset"), path)
    return check_suite(content, str(path))


def datasets_of(path: Path, overrides: Sequence[str] = ()) -> tuple[str, ...]:
    """The names of the datasets among which a suite file leaves the choice; empty if it has one."""
    content = _content(path, overrides)
    if "dataset" in content or "datasets" not in content:
        return ()
    return tuple(_several(content["datasets"], path))


def _content(path: Path, overrides: Sequence[str]) -> dict[str, Any]:
    read, form = (json.loads, "JSON") if path.suffix == ".json" else (tomllib.loads, "TOML")
    try:
        content = read(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"there is no suite file {path}") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); name a suite file") from None
    except (ValueError, RecursionError) as error:  # those of both parsers are ValueErrors
        raise ConfigError(f"{path} is not valid {form}: {error}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path} holds {type(content).__name__}; expected the table of a suite")
    for override in overrides:
        apply_override(content, override)
    return content


def _several(datasets: Any, path: Path) -> dict[str, Any]:
    """The several datasets of a suite; their names become parts of names of files."""
    if not isinstance(datasets, dict) or not datasets:
        raise ConfigError(f"{path}: datasets is {datasets!r}; expected tables, as [datasets.NAME]")
    for name in datasets:
        if not NAME.fullmatch(name):
            raise ConfigError(
                f"{path}: datasets has the name '{name}'; expected letters, digits, _ and -, "
                "the first of them no -"
            )
    return datasets


def _chosen(datasets: Mapping[str, Any], name: Any, path: Path) -> Any:
    """The dataset of this name among the several of a suite."""
    if isinstance(name, str) and name in datasets:
        return datasets[name]
    raise ConfigError(
        f"{path} has several datasets; choose one as --set dataset=NAME, and give its options as "
        f"datasets.NAME.OPTION. Datasets: {', '.join(datasets)}"
    )


def check_suite(content: Mapping[str, Any], source: str) -> Suite:
    """Raise ConfigError, naming ``source`` and the field, unless ``content`` is a suite."""
    _refuse_not_finite(content, source)
    try:
        suite = Suite.model_validate(content)
    except ValidationError as error:
        raise ConfigError(f"{source}: {_first_problem(error)}") from None
    rows = (*(suite.product.rows() if suite.product else ()), *suite.rows)
    suite = _crossed(suite.model_copy(update={"rows": rows, "product": None}), source)
    if not rows:
        raise ConfigError(f"{source} has no row; list rows, or give a product of generators")
    _check_references(suite, source)
    return suite


def _crossed(suite: Suite, source: str) -> Suite:
    """The suite with the numbers of its combinations of seeds, and the axes that vary."""
    if not suite.cross:
        return suite
    several = tuple(axis for axis in AXES if len(suite.cross.get(axis, ())) > 1)
    derived = {"seeds": tuple(range(len(combinations(suite.cross)))), "vary": several or AXES}
    for name, value in derived.items():
        if name in suite.model_fields_set and getattr(suite, name) != value:
            raise ConfigError(f"{source}: '{name}' follows from 'cross'; leave one of them out")
    return suite.model_copy(update=derived)


def _refuse_not_finite(content: Any, place: str) -> None:
    """TOML knows nan and inf; no option of ours is one."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            _refuse_not_finite(value, f"{place}: {key}" if ": " not in place else f"{place}.{key}")
    elif isinstance(content, list | tuple):
        for value in content:
            _refuse_not_finite(value, place)
    elif isinstance(content, float) and not math.isfinite(content):
        raise ConfigError(f"{place} is {content}; expected a finite number")


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        known = ", ".join(_model_at(problem["loc"][:-1]).model_fields)
        return f"unknown key '{place}'; known keys here: {known}"
    return f"'{place}': {problem['msg']} (found {problem['input']!r})"


def _model_at(place: Iterable[Any]) -> type[BaseModel]:
    models: dict[Any, type[BaseModel]] = {
        "rows": Row,
        "product": Product,
        "weights": Weights,
        "saliency": SaliencyMaps,
        "rule": Rule,
    }
    named = [models[part] for part in place if part in models]
    return named[-1] if named else Suite


def _check_references(suite: Suite, source: str) -> None:
    for index, row in enumerate(suite.rows):
        place = f"{source}: rows.{index} ({row.method})"
        _known(f"{place} generator", row.generator, suite.generators)
        for refiner in row.refiners:
            _known(f"{place} refiner", refiner, suite.refiners)
        for segmentor in row.segmentors:
            _known(f"{place} segmentor", segmentor, suite.segmentors)
        if isinstance(row.rule.threshold, str) and row.rule.name != "constant":
            raise ConfigError(f"{place}: only the rule 'constant' can have its threshold chosen")
        if row.rule.threshold == "held_out" and not suite.held_out:
            raise ConfigError(f"{place} chooses its threshold on held-out images; set held_out")
    offers = {**suite.generators, **suite.refiners, **suite.segmentors}
    for label, offered in offers.items():
        if offered.weights is not None:
            _known(f"{source}: weights of '{label}'", offered.weights, suite.weights)
    maps = {label: offered.saliency for label, offered in offers.items()}
    maps |= {f"row {row.method}": row.saliency for row in suite.rows}
    for label, saliency in maps.items():
        if saliency is not None:
            _known(f"{source}: saliency of '{label}'", saliency, suite.saliency)
    _refuse_twins(source, "rows are called", [row.method for row in suite.rows])
    _refuse_twins(source, "seeds are", suite.seeds)
    for axis, seeds in suite.cross.items():
        _refuse_twins(source, f"seeds of cross.{axis} are", seeds)


def _refuse_twins(source: str, what: str, found: Sequence[object]) -> None:
    twins = [one for place, one in enumerate(found) if one in found[:place]]
    if twins:
        raise ConfigError(f"{source}: two {what} '{twins[0]}'; each must be its own")


def _known(place: str, name: str, table: Mapping[str, Any]) -> None:
    if name not in table:
        raise ConfigError(
            f"{place}: '{name}' is not defined in this suite; defined: {', '.join(table) or 'none'}"
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
