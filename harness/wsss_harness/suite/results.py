"""Folders of results by what a command is given: a suite file, or the name of results."""

import glob
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.store import owners
from wsss_harness.store.layout import RECORDS, RESULTS
from wsss_harness.store.owners import AT
from wsss_harness.suite.selection import Request
from wsss_harness.suite.shipped import named
from wsss_harness.system.files import configs, read_json
from wsss_harness.system.similar import did_you_mean

ANOTHER = re.compile(r"~\d+$")  # at the end of a name that another suite has too


def results_of(source: Path, store: Path) -> dict[str, Path]:
    """The folders of results of a suite, by the names of its datasets; "" if it has but one.

    ``source``: a suite file, which may be gone, the name of results in ``store``, or their folder.

    Raises:
        DataError: there are none, or a name stands for results of several suites.
    """
    if is_path(source):
        folders = {"": source} if (source / RECORDS).is_dir() else of_suite(source, store)
    else:
        folders = results_named(source.name, store)
    if not folders:
        raise DataError(_missing(source, store))
    return folders


def one_of(source: Path, store: Path) -> Path:
    """The only folder of results that ``source`` stands for; ConfigError if it has several."""
    folders = results_of(source, store)
    if len(folders) > 1:
        names = ", ".join(folder.name for folder in folders.values())
        raise ConfigError(f"{source} has results of several datasets; name one of {names}")
    return next(iter(folders.values()))


def doubts(folders: Iterable[Path]) -> Iterator[str]:
    """What to say of results of a suite that was edited after, or while, it was run."""
    for folder in folders:
        if suite := owners.edited(folder):
            yield (
                f"{os.path.relpath(suite)} was edited after the run that made {folder}, which "
                "holds results of its earlier content; run it again with `wsss run`"
            )
        elif owners.read(folder) and _is_mixed(folder):
            yield (
                f"{folder} holds rows of more than one content of its suite, since its last run "
                "has not ended; let it end, or run the suite again with `wsss run`"
            )


def _is_mixed(folder: Path) -> bool:
    """Whether the records in a folder are of different suites, as while one is run again."""
    records = (read_json(path) for path in folder.glob(f"{RECORDS}/*.json"))
    definitions = [record.get("definition") for record in records if isinstance(record, dict)]
    return any(definition != definitions[0] for definition in definitions)


def is_path(source: Path) -> bool:
    """Whether it stands for a file or folder rather than for the name of results."""
    return len(source.parts) > 1 or source.suffix in (".toml", ".json") or source.is_file()


def of_suite(path: Path, store: Path) -> dict[str, Path]:
    """The folders with records of this suite file and of no other."""
    request = Request(path)
    start = request.owner(store).name + AT
    datasets = {""}
    for folder, owner in owners.folders(store):
        datasets.add(owner.dataset if owner else folder.name.partition(start)[2])
    folders = {name: replace(request, dataset=name).results(store) for name in sorted(datasets)}
    folders = {name: folder for name, folder in folders.items() if (folder / RECORDS).is_dir()}
    return {name: folder for name, folder in folders.items() if name} or folders


def results_named(name: str, store: Path) -> dict[str, Path]:
    """The folder of results of this name, or those of its datasets; empty if there is none.

    The name of a suite that comes with the harness stands for no other suite's results.
    """
    if not name:
        return {}
    shipped, results = configs() / "suites" / f"{name}.toml", store / RESULTS
    if shipped.is_file() and (folders := of_suite(shipped, store)):
        return folders
    folders = {"": results / name}
    if not (results / name / RECORDS).is_dir():
        several = sorted(results.glob(f"{glob.escape(name)}{AT}*/{RECORDS}"))
        several = [path.parent for path in several if not ANOTHER.search(path.parent.name)]
        folders = {folder.name.rpartition(AT)[2]: folder for folder in several}
    _refuse_others(name, folders, store, shipped.is_file())
    return folders


def _refuse_others(name: str, folders: dict[str, Path], store: Path, shipped: bool) -> None:
    """Raise DataError if the folders are of several suites, or of one that only has the name."""
    known = [(folder, owners.read(folder)) for folder in folders.values()]
    whose = {owner.suite: folder for folder, owner in known if owner}
    stranger = shipped and any(owner and not owner.is_shipped for _, owner in known)
    if len(whose) > 1 or stranger:
        listed = (f"{f} has those of {owners.seen(suite, store)}" for suite, f in whose.items())
        raise DataError(
            f"'{name}' does not say whose results: {', '.join(listed)}; give the path of a suite"
        )


def _missing(source: Path, store: Path) -> str:
    """Why there are no results of ``source``, with similar ones that there are."""
    path = is_path(source)
    name = source.stem if path else source.name
    own = Request(source).owner(store).suite
    folder, parts, absent = store / RESULTS / name, [], ""
    for other, owner in owners.folders(store):
        if other == folder and path and owner:
            absent = f" of {source}, as {folder} has those of {owners.seen(owner.suite, store)}"
        elif other.name.startswith(f"{name}-") and (not owner or not path or owner.suite == own):
            parts.append(other.name)
    run_as = f"; parts of it, or other options, were run as {', '.join(parts)}" * bool(parts)
    no_file = f"there is no file {source}, and " * (path and not source.exists())
    return (
        f"{no_file}there are no records{absent or f' in {folder / RECORDS}'}{run_as}"
        f"{'' if path or parts else _nearest(name, store)}; run the suite first"
    )


def _nearest(name: str, store: Path) -> str:
    """Results of other names, unless this is the name of a suite."""
    others = [folder.name for folder, _ in owners.folders(store)]
    return did_you_mean(name, others) if others and name not in named("suites") else ""
