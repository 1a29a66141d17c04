"""The rows that `wsss diff` is given: files of records, RESULTS:METHOD, or METHOD alone."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.store import owners
from wsss_harness.store.layout import RECORDS
from wsss_harness.suite.results import one_of
from wsss_harness.system.similar import did_you_mean
from wsss_leaderboard.comparison.comparison import Runs, unlike_of
from wsss_leaderboard.ranking import entries
from wsss_leaderboard.ranking.entries import LoadedRecord
from wsss_leaderboard.records.record import load_records

Methods = dict[Path, set[str]]  # of each folder of results


def full_names(names: Sequence[str], store: Path) -> list[str]:
    """The names of rows with their results, where these are left out and only one can be meant.

    Raises:
        ConfigError: no results have such a row, or several have it.
        DataError: the store has no results.
    """
    bare = [name for name in names if _is_bare(name)]
    if not bare:
        return [*names]
    methods = _methods(folders_of([name for name in names if name not in bare], store), store)
    together = [folder for folder in methods if methods[folder] >= {*bare}]
    folders = {name: together or _holding(name, methods) for name in bare}
    return [f"{_only(name, folders[name])}:{name}" if name in bare else name for name in names]


def _is_bare(name: str) -> bool:
    return ":" not in name and not name.endswith(".json")


def _methods(named: Iterable[Path], store: Path) -> Methods:
    """The rows of the results that the other name has, or else of all results in a store."""
    folders = [*named] or [folder for folder, _ in owners.folders(store)]
    held = {f: {record.method for record in load_records(f / RECORDS)} for f in folders}
    if not any(held.values()):
        raise DataError(f"{store} has no results; run a suite first, or name others with --store")
    return held


def _holding(name: str, methods: Methods) -> list[Path]:
    folders = [folder for folder in methods if name in methods[folder]]
    if not folders:
        known = sorted({method for held in methods.values() for method in held})
        raise ConfigError(f"no results have a row '{name}'{did_you_mean(name, known)}")
    return folders


def _only(name: str, folders: Collection[Path]) -> Path:
    if len(folders) > 1:
        listed = ", ".join(folder.name for folder in folders)
        first = next(iter(folders)).name
        raise ConfigError(
            f"several results have a row '{name}': {listed}; name one of them, as '{first}:{name}'"
        )
    return next(iter(folders))


def runs_of(name: str, store: Path) -> tuple[LoadedRecord, ...]:
    """The runs of a row, given as the file of a record or as RESULTS:METHOD.

    RESULTS is a suite, the name of its results in the store, or a folder of results.

    Raises:
        ConfigError: the row does not exist; names the nearest one.
        DataError: there are no such results.
    """
    if name.endswith(".json"):
        return (entries.load_file(Path(name)),)
    results, _, method = name.partition(":")
    loaded = entries.load([one_of(Path(results), store)])
    runs = [run for run in loaded if run.record.method == method]
    if not runs:
        methods = dict.fromkeys(run.record.method for run in loaded)
        raise ConfigError(f"{results} has no row '{method}'{did_you_mean(method, methods)}")
    return tuple(runs)


def folders_of(names: Sequence[str], store: Path) -> list[Path]:
    """The folders of results that were named."""
    results = [Path(n.partition(":")[0]) for n in names if not n.endswith(".json")]
    return sorted({one_of(path, store) for path in results})


def peers_of(rows: Sequence[Runs], names: Sequence[str], store: Path) -> list[Runs]:
    """The other rows of the results that were named, measured as the first row was."""
    compared = {run.path for runs in rows for run in runs}
    peers: dict[tuple[Path, str], list[LoadedRecord]] = {}
    for folder in folders_of(names, store):
        for run in entries.load([folder]):
            if run.path not in compared and not any(unlike_of(rows[0][0].record, run.record)):
                peers.setdefault((folder, run.record.method), []).append(run)
    return list(peers.values())
