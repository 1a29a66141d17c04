"""Whether a submission is what it says. It is data: nothing of it is ever run or unpickled."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from wsss_harness.contract.errors import DataError, WsssError
from wsss_harness.contract.supervision import Dataset
from wsss_harness.metrics import EVALUATOR
from wsss_harness.packs.manifest import MANIFEST as PACK
from wsss_harness.packs.manifest import read_manifest
from wsss_harness.plugins.registry import Plugins
from wsss_harness.stages.bounds import BOUNDS, OF_SALIENCY, SUPERVISED
from wsss_harness.store.layout import RECORDS
from wsss_harness.store.store import Store
from wsss_harness.suite.spec import Row, Suite
from wsss_harness.system.files import read_json
from wsss_leaderboard.records import counts
from wsss_leaderboard.records.counts import Tallies
from wsss_leaderboard.records.record import Record, load_record
from wsss_leaderboard.submissions import (
    agreement,
    folders,
    rowpacks,
    signatures,
)
from wsss_leaderboard.submissions.canonical import digest, digest_of_file
from wsss_leaderboard.submissions.definitions import check_same, dataset_of, drawn
from wsss_leaderboard.submissions.manifest import (
    LOGS,
    MANIFEST,
    README,
    SUITE,
    Submission,
    read_submission,
    record_stem,
)
from wsss_leaderboard.submissions.names import NAME, refuse_hostile, refuse_names, refuse_text
from wsss_leaderboard.submissions.remeasure import disagreements
from wsss_leaderboard.submissions.rowpacks import PACKS
from wsss_leaderboard.submissions.tiers import Tier


@dataclass(frozen=True, eq=False)
class CheckedRun:
    """One record of a submission, with its counts."""

    stem: str
    path: Path
    record: Record
    tallies: Mapping[str, Tallies]

    @property
    def digest(self) -> str:
        return digest(read_json(self.path))


@dataclass
class CheckReport:
    """What a check found. ``tier`` is the highest that all runs pass, None with problems."""

    folder: Path
    submission: Submission | None = None
    runs: list[CheckedRun] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    signer: str = ""
    tier: Tier | None = None

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note what the body raises as a problem, and go on behind it."""
        try:
            yield
        except (WsssError, OSError, MemoryError) as error:
            self.problems.append(str(error) or type(error).__name__)


@dataclass(frozen=True)
class LocalResources:
    """What whoever checks has himself: plugins, a store for data, perhaps a suite and packs."""

    plugins: Plugins
    store: Store
    suite: Suite | None = None
    packs: Path | None = None

    def dataset(self, record: Record, owner: str) -> Dataset | None:
        """The data of a record if it is at hand: that of the own suite, or what can be drawn."""
        suite = self.suite or drawn(record, self.plugins, owner)
        if suite is None:
            return None
        dataset = dataset_of(suite, self.plugins, self.store)
        check_same(dataset, record, owner)
        return dataset


def check_submission(
    folder: Path, reader: LocalResources, allowed: Path | None = None
) -> CheckReport:
    """Check all of a submission that can be checked without a board.

    ``allowed``: the file of those whose signatures count; without it nobody is the signer.
    """
    report = CheckReport(folder)
    with report.noting():
        found = folders.files(folder)
        report.submission = _described(folder, found)
        for stem in report.submission.packs:
            with report.noting():
                report.runs.append(_run(folder, stem))
        if len(report.runs) == len(report.submission.packs):
            report.problems += _together(folder, report.submission, report.runs)
    with report.noting():
        report.signer = _signer(folder, allowed)
    if not report.problems:
        report.tier = 1
        report.notes += _left_out(report.runs)
        _check_masks(report, reader)
    return report


def _left_out(runs: Sequence[CheckedRun]) -> Iterator[str]:
    """Runs of the suite that are not submitted: the others may have been chosen for their luck."""
    said = runs[0].record.definition.get("seeds", [0])
    asked = [seed for seed in said if type(seed) is int] if isinstance(said, list) else []
    found = [run.record.seed for run in runs]
    if missing := [seed for seed in asked if seed not in found]:
        named = ", ".join(map(str, missing[:12]))
        yield f"runs: {len(found)} of {len(asked)} of the suite; not here: seeds {named}"


def _described(folder: Path, found: Mapping[str, int]) -> Submission:
    """What submission.json says, once every file in the folder is one that it names."""
    refuse_hostile(read_json(folder / MANIFEST), str(folder / MANIFEST))
    said = read_submission(folder)
    refuse_text(said.method, f"{folder / MANIFEST}: method", NAME)
    own = {MANIFEST, *({MANIFEST + signatures.SUFFIX} & set(found))}
    outside = {name for name in found if not name.startswith(f"{PACKS}/")}
    folders.refuse_others(folder, outside, own | set(said.files))
    needed = {README, SUITE}
    for stem in said.packs:
        needed |= {f"{RECORDS}/{stem}.json", f"{counts.COUNTS}/{stem}.npz", f"{LOGS}/{stem}.txt"}
    folders.refuse_others(folder, set(said.files), needed)
    for name, file in said.files.items():
        if found[name] != file.bytes or digest_of_file(folder / name) != file.sha256:
            raise DataError(
                f"{folder / name} is not the file that {MANIFEST} names: it was changed; write the "
                "submission again"
            )
    if not said.packs:
        raise DataError(f"{folder / MANIFEST} names no record")
    return said


def _run(folder: Path, stem: str) -> CheckedRun:
    """A record with its counts, each of which is what it should be."""
    path = folder / RECORDS / f"{stem}.json"
    refuse_hostile(read_json(path), str(path))
    refuse_names(load_record(path), str(path))
    folders.refuse_bomb(counts.path_of(path))
    record, tallies = agreement.read(path)
    for image_id in (image_id for one in tallies.values() for image_id in one.ids):
        refuse_text(image_id, f"{counts.path_of(path)}: an image id", NAME)
    problems = [*agreement.problems(record, tallies), *_not_a_row(record)]
    if record_stem(record, path) != stem:
        problems.append(f"its name should be {record_stem(record, path)}.json")
    if record.protocol.evaluator != EVALUATOR:
        problems.append(
            f"protocol.evaluator is {record.protocol.evaluator}, this version's is {EVALUATOR}; "
            "install the same version, or run the suite again"
        )
    if problems:
        raise DataError("\n".join(f"{path}: {problem}" for problem in problems))
    return CheckedRun(stem, path, record, tallies)


def _not_a_row(record: Record) -> Iterator[str]:
    """A recipe that no suite has, and a method that calls itself a control, or hides that it is."""
    try:
        row = Row.model_validate(record.recipe)
    except ValidationError as error:
        problem = error.errors()[0]
        yield f"recipe.{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
        return
    if (row.method, row.control) != (record.method, record.control):
        yield "its method or control is not that of its recipe"
    painted = any(step.stage.startswith("bound ") for step in record.steps)
    salient = row.rule.name == "saliency" and record.method.startswith("Saliency")
    if record.control != painted and not (record.control and salient):
        yield f"control is {record.control}, but its steps {'do' if painted else 'never'} paint one"
    if not record.control and record.method in {*BOUNDS, *OF_SALIENCY, SUPERVISED}:
        yield f"{record.method!a} is the name of a bound; rename the row"


def _together(folder: Path, said: Submission, runs: Sequence[CheckedRun]) -> Iterator[str]:
    """What makes several runs no row."""
    suite, first = read_json(folder / SUITE), runs[0].record
    seeds: dict[int, Path] = {}
    for run in runs:
        record = run.record
        targets = {counts.MASKS, *(one.segmentor for one in record.segmentations)}
        if set(said.packs[run.stem]) != targets:
            yield f"{folder / MANIFEST}: packs.{run.stem} has not the digest of each target's masks"
        if record.method != said.method:
            yield f"{run.path}: method is {record.method!a}, that of {MANIFEST} {said.method!a}"
        if record.definition != suite:
            yield f"{run.path}: definition is not what {SUITE} holds"
        if (record.protocol, record.recipe) != (first.protocol, first.recipe):
            yield f"{run.path}: its protocol or recipe is not that of {runs[0].path}"
        if record.seed in seeds:
            yield f"{run.path} and {seeds[record.seed]} are both of seed {record.seed}"
        seeds[record.seed] = run.path


def _signer(folder: Path, allowed: Path | None) -> str:
    """Who signed it, if the reader knows whose signatures count."""
    signed = signatures.path_of(folder / MANIFEST).is_file()
    return signatures.signer(folder / MANIFEST, allowed) if signed and allowed else ""


def _check_masks(report: CheckReport, reader: LocalResources) -> None:
    """Look at the mask packs, and count them again where the truth is at hand."""
    inside = report.folder / PACKS
    packs = reader.packs or (inside if inside.is_dir() else None)
    if packs is None:
        report.notes.append("masks: only their digests are here; give the packs with --packs")
        return
    measured = []
    for run in report.runs:
        with report.noting():
            measured.append(_measured(packs / run.stem, run, report, reader))
    if packs == inside and not report.problems:
        with report.noting():
            _refuse_stray_masks(report)
    if report.problems:
        report.tier = None
    elif all(measured):
        report.tier = 2
        report.notes.append("masks: counted again, and all metrics are those of the records")
    else:
        report.notes.append(
            "masks: readable; to count them again, give a suite that has their truth with --suite"
        )


def _measured(packs: Path, run: CheckedRun, report: CheckReport, reader: LocalResources) -> bool:
    """Whether the masks of a run could be counted again; DataError if they are no good."""
    said = report.submission.packs[run.stem] if report.submission else {}
    if rowpacks.digests(packs, run.record) != said:
        raise DataError(f"{packs}: the packs are not those whose digests {MANIFEST} has")
    for pack in rowpacks.folders(packs, run.record).values():
        refuse_hostile(read_json(pack / PACK), str(pack / PACK))
    dataset = reader.dataset(run.record, str(run.path))
    problems = list(disagreements(run.record, run.tallies, packs, dataset))
    if problems:
        raise DataError("\n".join(f"{run.path}: {problem}" for problem in problems))
    return dataset is not None


def _refuse_stray_masks(report: CheckReport) -> None:
    named = {
        f"{PACKS}/{run.stem}/{pack.name}/{file}"
        for run in report.runs
        for pack in rowpacks.folders(report.folder / PACKS / run.stem, run.record).values()
        for file in (PACK, *(entry.file for entry in read_manifest(pack).images.values()))
    }
    found = {name for name in folders.files(report.folder) if name.startswith(f"{PACKS}/")}
    folders.refuse_others(report.folder, found, named)
