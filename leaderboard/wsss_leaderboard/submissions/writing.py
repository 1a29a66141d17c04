"""Write a row as a folder for a pull request: all seeds, and what others need to check them.

submission.json        the manifest: each file with its size and SHA-256
README.md              for people, with the command that makes the row again
suite.json             the suite as data: `wsss run suite.json`
records/STEM.json, counts/STEM.npz, logs/STEM.txt      one of each per seed
packs/STEM/...         the masks, see rowpacks; optional: submission.json has their digests
"""

import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.supervision import Dataset
from wsss_harness.execution.run import is_complete
from wsss_harness.plugins.registry import Plugins
from wsss_harness.store.layout import RECORDS
from wsss_harness.store.stage import upstream
from wsss_harness.store.store import Store
from wsss_harness.store.work import LOG
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.rows import RowStages
from wsss_harness.suite.selection import Request
from wsss_harness.suite.spec import Suite
from wsss_harness.system.files import write_json, write_text
from wsss_leaderboard.records import counts
from wsss_leaderboard.records.provenance import TruthUse
from wsss_leaderboard.records.record import Record, load_record, save_record
from wsss_leaderboard.submissions import agreement, rowpacks
from wsss_leaderboard.submissions.definitions import stages_of
from wsss_leaderboard.submissions.hostile import refuse_names
from wsss_leaderboard.submissions.manifest import (
    LOGS,
    MANIFEST,
    README,
    SUITE,
    Submission,
    digest_of_file,
    record_stem,
)
from wsss_leaderboard.submissions.rowpacks import PACKS
from wsss_leaderboard.submissions.selection import selection_of
from wsss_leaderboard.tables.table import inert

TAIL, LINE = 20, 500  # last lines of each stage's log, and characters of a line


@dataclass(frozen=True, eq=False)
class SuiteRun:
    """A finished run of a suite in the store ``root``."""

    request: Request
    root: Path
    plugins: Plugins

    @cached_property
    def suite(self) -> Suite:
        return self.request.suite()

    @cached_property
    def store(self) -> Store:
        return Store(self.root, self.plugins.tell)

    @cached_property
    def selection(self) -> tuple[TruthUse, ...]:
        return selection_of(self.root, self.suite.dataset.name, self.dataset)

    @cached_property
    def dataset(self) -> Dataset:
        graph = Graph(self.suite, self.plugins, self.suite.seeds[0])
        if not self.store.done(graph.data):
            raise ConfigError(f"{self.request.path} has not been run in {self.root}; run it first")
        return graph.opened(self.store.folder(graph.data))

    def records(self, method: str, seed: int | None) -> dict[Path, Record]:
        """The records of a row by file; only of ``seed``, unless it is None.

        Raises:
            ConfigError: There is no such record, or one of them failed or has no scored masks.
        """
        folder = self.request.results(self.root) / RECORDS
        all_records = {path: load_record(path) for path in sorted(folder.glob("*.json"))}
        selected = {
            path: record
            for path, record in all_records.items()
            if record.method == method and seed in (None, record.seed)
        }
        if not selected:
            methods = ", ".join(dict.fromkeys(record.method for record in all_records.values()))
            raise ConfigError(
                f"{folder} has no such record of '{method}'; it has those of "
                f"{methods or 'nothing: run the suite first'}"
            )
        for path, record in selected.items():
            _refuse_unfit(path, record)
        return selected

    def row(self, record: Record) -> RowStages:
        """The stages of a record; ConfigError unless all are done with the current source."""
        row = stages_of(record, self.suite, self.plugins, self.dataset)
        if not is_complete(row, self.store):
            raise ConfigError(
                f"'{record.method}', seed {record.seed}, is not in {self.root} for the current "
                "suite and source; run the suite again"
            )
        return row


def _refuse_unfit(path: Path, record: Record) -> None:
    """Raise DataError for its names, or ConfigError if it failed or has no score of its masks."""
    refuse_names(record, str(path))
    if record.failure:
        raise ConfigError(f"{path} is the record of a failed run: {record.failure.message}")
    if record.rehearsal:
        raise ConfigError(
            f"{path} is of a rehearsal, on few images and after two iterations; run the suite "
            "without --rehearse"
        )
    if record.unscored:
        raise ConfigError(
            f"{path} has no score of its masks, because train has no truth; a submission "
            "needs one: run the suite on data whose train images have a truth"
        )


def write_submission(
    ran: SuiteRun,
    method: str,
    seed: int | None,
    folder: Path,
    masks: bool = True,
    corrects: bool = False,
) -> Submission:
    """Write a row of a finished suite; without ``masks``, only their digests.

    Raises:
        ConfigError: The folder is not empty, the suite was not run, or a run of the row failed.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty; name a new folder")
    selected = ran.records(method, seed)
    try:
        packs = dict(_write_run(ran, path, record, folder) for path, record in selected.items())
        write_json(folder / SUITE, next(iter(selected.values())).definition)
        if not masks:
            shutil.rmtree(folder / PACKS)
        return _describe(folder, ran, method, packs, corrects)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)  # an incomplete folder would be refused later
        raise


def _write_run(
    ran: SuiteRun, path: Path, record: Record, folder: Path
) -> tuple[str, dict[str, str]]:
    """Write the files of one seed; return their stem and the digests of its packs."""
    row, tallies = ran.row(record), agreement.read(path).tallies
    stem = _write_record(ran, record, folder / RECORDS)
    place = counts.path_of(folder / RECORDS / f"{stem}.json")
    place.parent.mkdir(exist_ok=True)
    shutil.copyfile(counts.path_of(path), place)
    write_text(folder / LOGS / f"{stem}.txt", "\n".join(_log(row, ran.store)) + "\n")
    packs = folder / PACKS / stem
    return stem, rowpacks.write(packs, record, tallies, row, ran.store, ran.dataset)


def _write_record(ran: SuiteRun, record: Record, folder: Path) -> str:
    """Write a record with what its store has scored so far; return its stem."""
    new = folder / "new.json"
    save_record(record.model_copy(update={"selection": ran.selection}), new)
    stem = record_stem(record, new)
    new.rename(folder / f"{stem}.json")
    return stem


def _log(row: RowStages, store: Store) -> Iterator[str]:
    """The end of the log of each stage of a row, without unprintable characters."""
    for stage in upstream(*row.targets):
        yield f"== {stage.title} {stage.key}"
        path = store.folder(stage) / LOG
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        yield from (inert(line)[:LINE] for line in text.splitlines()[-TAIL:])


def _describe(
    folder: Path, ran: SuiteRun, method: str, packs: Mapping[str, Mapping[str, str]], corrects: bool
) -> Submission:
    """Write README.md and submission.json."""
    command = command_of(ran.request)
    write_text(folder / README, readme(method, command, tuple(packs)))
    content = {
        "suite": ran.suite.title,
        "method": method,
        "command": command,
        "version": version("wsss-bench"),
        "files": _files(folder),
        "packs": packs,
        "corrects": corrects,
    }
    submission = Submission.model_validate(content)
    write_json(folder / MANIFEST, submission.model_dump(mode="json"))
    return submission


def _files(folder: Path) -> dict[str, dict[str, str | int]]:
    """Digest and size of each file outside the packs, by its name in the folder."""
    return {
        path.relative_to(folder).as_posix(): {
            "sha256": digest_of_file(path),
            "bytes": path.stat().st_size,
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file() and PACKS not in path.relative_to(folder).parts
    }


def command_of(request: Request) -> str:
    words = ["wsss", "run", request.path.name]
    words += [word for override in request.overrides for word in ("--set", override)]
    words += [word for method in request.methods for word in ("--rows", method)]
    words += [word for part in request.words for word in ("--only", part)]
    return shlex.join(words)


def readme(method: str, command: str, stems: Sequence[str]) -> str:
    rerun = shlex.join(["wsss", "run", SUITE, "--rows", method])
    listed = "\n".join(f"- `records/{stem}.json`" for stem in stems)
    return f"""# A submission

One row of a suite, with all of its runs:

{listed}

It was made with

    {command}

and can be made again, from the suite in this folder, with

    {rerun}

`wsss leaderboard check FOLDER` checks this folder without running anything in it.
"""
