"""Use the suite in a record without trusting it.

The suite is data: names of installed plugins, and their options. It may not name files, because
they would be files of the reader; to run it, the reader gives paths with ``--set``.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.contract.supervision import Dataset
from wsss_harness.plugins.registry import Plugins
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.reading import apply_override, check_suite
from wsss_harness.suite.rows import RowStages
from wsss_harness.suite.spec import Suite, digest_of
from wsss_harness.suite.suite_rows import rows_of
from wsss_leaderboard.records.record import Record

DRAWN = "railscenes"  # this dataset is drawn, so everyone has it
IMAGES, PIXELS = 20_000, 200_000_000  # the most that is drawn for one suite
REPETITIONS = 1000  # the most rows, or repetitions of a row
SECTIONS = (
    *("dataset", "weights", "sources", "saliency", "regions", "shared"),
    *("generators", "refiners", "mask_refiners", "segmentors"),
)
# Keys of values that are no paths.
WORDS = frozenset({"name", "weights", "trained_on", "detector", "made_by", "licence"})
FILES = re.compile(  # keys
    r"root|file|folder|checkpoint|masks|config|python|requirements|.*_(list|file|folder|root)"
)
PATH = re.compile(r"[/\\]|\.py$")  # a path with folders, or of code


def suite_of(record: Record, owner: str, overrides: Sequence[str] = ()) -> Suite:
    """The suite of a record, with the reader's overrides.

    Raises:
        DataError: It names a file that no override replaces, or it is not a valid suite.
    """
    _refuse_paths(record.definition, overrides, owner)
    content = deepcopy(record.definition)
    try:
        _refuse_huge(content, f"{owner}: definition")
        for override in overrides:
            apply_override(content, override)
        suite = check_suite(content, f"{owner}: definition")
    except (ConfigError, AttributeError, TypeError) as error:  # a value of the wrong type
        raise DataError(f"{owner}: definition is not a valid suite: {error}") from None
    if digest_of(suite.texts) != record.protocol.texts:
        raise DataError(
            f"{owner}: protocol.texts is {record.protocol.texts!a:.80}, which is not the digest of "
            "the texts of its definition; send the record as it was made"
        )
    return suite


def _refuse_paths(definition: Mapping[str, Any], overrides: Sequence[str], owner: str) -> None:
    """Raise DataError for a path that no override replaces."""
    replaced: dict[str, Any] = {}
    for override in overrides:
        apply_override(replaced, override)
    for keys, value in paths(definition):
        if _at(replaced, keys) is None:
            name = ".".join(keys)
            raise DataError(
                f"{owner}: definition.{name} is the path {value!a}; paths of a record are never "
                f"followed: give yours with --set {name}=PATH"
            )


def _refuse_huge(content: Mapping[str, Any], owner: str) -> None:
    """Raise DataError for a suite that expands to too many rows."""
    many = [content.get("rows", ()), content.get("seeds", ()), *content.get("cross", {}).values()]
    sizes = list(map(len, many))
    if content.get("product") or max(sizes) > REPETITIONS or math.prod(sizes[2:]) > REPETITIONS:
        raise DataError(f"{owner} has more than {REPETITIONS} rows or repetitions; it is refused")


def paths(definition: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Values in a suite that look like paths, each with the keys that lead to it."""
    for name in SECTIONS:
        yield from _paths(definition.get(name), (name,))


def _paths(value: Any, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, str):
        path_like = PATH.search(value) or FILES.fullmatch(keys[-1])
        label = keys[2:3] == ("weights",)  # of weights that a method knows by a name of its own
        if value and path_like and keys[-1] not in WORDS and not label:
            yield keys, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, (*keys, key))
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner, keys)


def _at(content: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content


def drawn_suite(record: Record, plugins: Plugins, owner: str) -> Suite | None:
    """The suite of a record on the built-in scenes, which anyone can draw; None on other data.

    Raises:
        DataError: It asks for more images or pixels than the limits.
    """
    if record.dataset != DRAWN:
        return None
    suite = suite_of(record, owner)
    if suite.dataset.name != DRAWN:
        raise DataError(f"{owner}: definition.dataset.name is not the record's dataset, {DRAWN}")
    _refuse_large(plugins.build("dataset", DRAWN, suite.dataset.options), owner)
    return suite


def _refuse_large(scenes: Any, owner: str) -> None:
    """Raise DataError for scenes with too many images or pixels, or none."""
    images = scenes.train + scenes.val
    pixels = images * scenes.width * scenes.height
    least = min(scenes.train, scenes.val, scenes.width, scenes.height)
    if least < 1 or images > IMAGES or pixels > PIXELS:
        raise DataError(
            f"{owner}: definition.dataset asks for {images} images of {pixels} pixels, and for "
            f"{least} of something; 1 to {IMAGES} of {PIXELS} are drawn: give your own suite with "
            "--suite"
        )


def check_same(dataset: Dataset, record: Record, owner: str) -> None:
    """Raise DataError unless the record was measured on exactly this data."""
    if dataset.fingerprint() != record.protocol.fingerprint:
        raise DataError(
            f"{owner}: protocol.fingerprint is {record.protocol.fingerprint!a}, that of the data "
            f"at hand is {dataset.fingerprint()!r}; `wsss data check` prints it"
        )


def stages_of(record: Record, suite: Suite, plugins: Plugins, dataset: Dataset) -> RowStages:
    """The stages of a record's row, of the current source; ConfigError if the suite lacks it."""
    for row in rows_of(Graph(suite, plugins, record.seed), dataset):
        if row.row.method == record.method:
            return row
    raise ConfigError(f"the suite '{suite.title}' has no row '{record.method}'")
