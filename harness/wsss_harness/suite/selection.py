"""What a command runs: a suite with overrides, or some of its rows."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from wsss_harness.contract.errors import ConfigError
from wsss_harness.store import owners
from wsss_harness.store.layout import RECORDS
from wsss_harness.store.owners import Owner
from wsss_harness.suite.reading import datasets_of, read_suite
from wsss_harness.suite.spec import Row, Suite
from wsss_harness.system.files import read_json
from wsss_harness.system.similar import did_you_mean


@dataclass(frozen=True)
class Request:
    """A suite file with ``overrides`` of options; ``methods`` and ``words`` select rows.

    ``dataset``: the name of one of several datasets.
    """

    path: Path
    overrides: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    dataset: str = ""

    def each(self) -> tuple["Request", ...]:
        """A request for each dataset of the suite, where it leaves the choice among several."""
        names = datasets_of(self.path, self.overrides)
        return tuple(replace(self, dataset=name) for name in names) or (self,)

    def suite(self) -> Suite:
        chosen = (f"dataset={json.dumps(self.dataset)}",) if self.dataset else ()
        suite = read_suite(self.path, (*self.overrides, *chosen))
        return select(suite, self.methods, self.words)

    def owner(self, store: Path) -> Owner:
        """Whose tables, figures and records it makes; changed suites are owners of their own."""
        changes = [*self.overrides]
        changes += [f"--rows {method}" for method in self.methods]
        changes += [f"--only {word}" for word in self.words]
        return owners.owner_of(self.path, store, tuple(sorted(changes)), self.dataset)

    def results(self, store: Path) -> Path:
        """The folder of its results, or the one that they will have."""
        owner = self.owner(store)
        return owners.find(owner, store, self.owns_records_in) or owners.free(owner, store)

    def claim(self, store: Path) -> Path:
        """The folder of its results, which from now on holds nobody else's."""
        return owners.claim(self.owner(store), store, self.owns_records_in)

    def owns_records_in(self, folder: Path) -> bool:
        """Whether the records in a folder are of this suite, as far as its file can tell."""
        record = min(folder.glob(f"{RECORDS}/*.json"), default=None)
        if record is None or not self.path.is_file():
            return record is not None
        with suppress(ConfigError):  # the file is another suite now, such as one of other datasets
            definition = self.suite().model_dump(mode="json", exclude_defaults=True)
            content = read_json(record)
            return isinstance(content, dict) and content.get("definition") == definition
        return False


def select(suite: Suite, methods: Sequence[str] = (), words: Sequence[str] = ()) -> Suite:
    """The suite with the selected rows; without ``methods`` and ``words`` all rows.

    ``methods`` are names of rows. ``words`` are parts of the name of a row, its generator, its
    refiners or segmentors, in upper or lower case.

    Raises:
        ConfigError: a name or a word matches no row.
    """
    rows = suite.rows
    for method in methods:
        named = [row for row in suite.rows if row.method == method]
        _check_matches(f"--rows {method}", named, suite, method)
    for word in words:
        holding = [row for row in suite.rows if _has(row, word)]
        _check_matches(f"--only {word}", holding, suite, word)
    if methods:
        rows = tuple(row for row in rows if row.method in methods)
    if words:
        rows = tuple(row for row in rows if any(_has(row, word) for word in words))
    _check_matches("--rows and --only together", rows, suite)
    return suite.model_copy(update={"rows": rows})


def _has(row: Row, word: str) -> bool:
    refiners = (*row.refiners, *row.prediction_refiners)
    names = (row.method, row.generator, *refiners, *row.segmentors)
    return any(word.lower() in name.lower() for name in names)


def _check_matches(what: str, rows: Sequence[Row], suite: Suite, name: str = "") -> None:
    if not rows:
        names = [row.method for row in suite.rows]
        raise ConfigError(f"{what}: no row matches{did_you_mean(name, names)}")
