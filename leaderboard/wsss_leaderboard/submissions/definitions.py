"""The suite that a record brings along, used without trusting it.

It is data: it names plugins that are installed, and their options. It may name no files, because
those would be files of whoever uses it; who wants to run it gives his own with ``--set``.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.contract.supervision import Dataset
from wsss_harness.execution.run_stage import make_stage
from wsss_harness.plugins.registry import Plugins
from wsss_harness.store.store import Store
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.reading import apply_override, check_suite
from wsss_harness.suite.rows import RowStages
from wsss_harness.suite.spec import Suite
from wsss_harness.suite.suite_rows import rows_of
from wsss_leaderboard.records.record import Record

DRAWN = "railscenes"  # the dataset that anybody has, because it is drawn
IMAGES, PIXELS = 20_000, 200_000_000  # of all its images together; a stranger may not ask for more
REPETITIONS = 1000  # and as many rows
PLACES = ("dataset", "weights", "saliency", "shared", "generators", "refiners", "segmentors")
WORDS = frozenset({"name", "weights", "trained_on", "detector"})  # no paths, whatever they hold
FILES = re.compile(r"root|file|folder|checkpoint|masks|config|.*_(list|file|folder|root)")  # keys
PATH = re.compile(r"[/\\]|\.py$")  # of a file that is not beside the reader, or that is code


def suite_of(record: Record, owner: str, overrides: Sequence[str] = ()) -> Suite:
    """The suite of a record, with the reader's own options.

    Raises:
        DataError: it names a file that the overrides leave in place, or it is no suite.
    """
    given: dict[str, Any] = {}
    for override in overrides:
        apply_override(given, override)
    for place, value in paths(record.definition):
        if _at(given, place) is None:
            name = ".".join(place)
            raise DataError(
                f"{owner}: definition.{name} is the path {value!a}; paths of a record are never "
                f"followed: give yours with --set {name}=PATH"
            )
    content = deepcopy(record.definition)
    try:
        _refuse_endless(content, f"{owner}: definition")
        for override in overrides:
            apply_override(content, override)
        return check_suite(content, f"{owner}: definition")
    except (ConfigError, AttributeError, TypeError) as error:  # no table where one is expected
        raise DataError(f"{owner}: definition is no suite: {error}") from None


def _refuse_endless(content: Mapping[str, Any], owner: str) -> None:
    """DataError for a suite that would take long to write out."""
    many = [content.get("rows", ()), content.get("seeds", ()), *content.get("cross", {}).values()]
    sizes = [len(one) for one in many]
    if content.get("product") or max(sizes) > REPETITIONS or math.prod(sizes[2:]) > REPETITIONS:
        raise DataError(f"{owner} has more than {REPETITIONS} rows or repetitions; it is refused")


def paths(definition: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Where in a suite something like a path stands, with the keys that lead to it."""
    for name in PLACES:
        yield from _paths(definition.get(name), (name,))


def _paths(value: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, str):
        named = PATH.search(value) or FILES.fullmatch(place[-1])
        if value and named and place[-1] not in WORDS:
            yield place, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, (*place, key))
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner, place)


def _at(content: Any, place: Sequence[str]) -> Any:
    for key in place:
        content = content.get(key) if isinstance(content, dict) else None
    return content


def drawn(record: Record, plugins: Plugins, owner: str) -> Suite | None:
    """The suite of a record on the built-in scenes, whose truth anybody can draw; else None.

    Raises:
        DataError: it asks for more than a reader should draw.
    """
    if record.dataset != DRAWN:
        return None
    suite = suite_of(record, owner)
    if suite.dataset.name != DRAWN:
        raise DataError(f"{owner}: definition.dataset.name is not the record's dataset, {DRAWN}")
    scenes = plugins.build("dataset", DRAWN, suite.dataset.options)
    images = scenes.train + scenes.val
    pixels = images * scenes.width * scenes.height
    least = min(scenes.train, scenes.val, scenes.width, scenes.height)
    if least < 1 or images > IMAGES or pixels > PIXELS:
        raise DataError(
            f"{owner}: definition.dataset asks for {images} images of {pixels} pixels, and for "
            f"{least} of something; 1 to {IMAGES} of {PIXELS} are drawn: give your own suite with "
            "--suite"
        )
    return suite


def dataset_of(suite: Suite, plugins: Plugins, store: Store) -> Dataset:
    """The dataset of a suite, made in a store unless it is there."""
    graph = Graph(suite, plugins, suite.seeds[0])
    make_stage(graph.data, store)
    return graph.opened(store.folder(graph.data))


def check_same(dataset: Dataset, record: Record, owner: str) -> None:
    """Raise DataError unless a record was measured on exactly this data."""
    if dataset.fingerprint() != record.protocol.fingerprint:
        raise DataError(
            f"{owner}: protocol.fingerprint is {record.protocol.fingerprint!a}, that of the data "
            f"at hand is {dataset.fingerprint()!r}; `wsss data check` prints it"
        )


def stages_of(record: Record, suite: Suite, plugins: Plugins, dataset: Dataset) -> RowStages:
    """The stages of a record's row, as the source is now; ConfigError if the suite has none."""
    for row in rows_of(Graph(suite, plugins, record.seed), dataset):
        if row.row.method == record.method:
            return row
    raise ConfigError(f"the suite '{suite.title}' has no row '{record.method}'")
