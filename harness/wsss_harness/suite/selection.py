"""What a command runs: a suite with overrides, or some of its rows."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import xxhash

from wsss_harness.contract.errors import ConfigError
from wsss_harness.store.layout import RESULTS
from wsss_harness.suite.reading import datasets_of, read_suite
from wsss_harness.suite.spec import Row, Suite

AT = "@"  # separates the suite from the dataset in names of results; not allowed in datasets


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

    def results(self, store: Path) -> Path:
        """The folder for tables, figures and records; changed suites have folders of their own."""
        changes = [*self.overrides]
        changes += [f"--rows {method}" for method in self.methods]
        changes += [f"--only {word}" for word in self.words]
        name = self.path.stem
        if changes:
            name += "-" + xxhash.xxh3_64_hexdigest("\n".join(sorted(changes)).encode())[:6]
        if self.dataset:
            name += AT + self.dataset
        return store / RESULTS / name


def select(suite: Suite, methods: Sequence[str] = (), words: Sequence[str] = ()) -> Suite:
    """The suite with the selected rows; without ``methods`` and ``words`` all rows.

    ``methods`` are names of rows. ``words`` are parts of the name of a row, its generator, its
    refiners or segmentors, in upper or lower case.

    Raises:
        ConfigError: a name or a word matches no row.
    """
    rows = suite.rows
    for method in methods:
        _check_matches(
            f"--rows {method}", [row for row in suite.rows if row.method == method], suite
        )
    for word in words:
        _check_matches(f"--only {word}", [row for row in suite.rows if _has(row, word)], suite)
    if methods:
        rows = tuple(row for row in rows if row.method in methods)
    if words:
        rows = tuple(row for row in rows if any(_has(row, word) for word in words))
    _check_matches("--rows and --only together", rows, suite)
    return suite.model_copy(update={"rows": rows})


def _has(row: Row, word: str) -> bool:
    names = (row.method, row.generator, *row.refiners, *row.segmentors)
    return any(word.lower() in name.lower() for name in names)


def _check_matches(what: str, rows: Sequence[Row], suite: Suite) -> None:
    if not rows:
        known = ", ".join(row.method for row in suite.rows)
        raise ConfigError(f"{what}: no row matches; rows: {known}")
