"""Check a submission. It is only data: nothing in it is ever run or unpickled."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from pydantic import ValidationError

from wsss_harness.contract.errors import DataError, WsssError
from wsss_harness.contract.supervision import Dataset
from wsss_harness.execution.run_stage import dataset_of
from wsss_harness.metrics import EVALUATOR
from wsss_harness.packs.manifest import MANIFEST as PACK
from wsss_harness.packs.manifest import read_manifest
from wsss_harness.plugins.registry import Plugins
from wsss_harness.stages.bounds import BOUNDS, OF_SALIENCY, SUPERVISED
from wsss_harness.store.layout import RECORDS
from wsss_harness.store.store import Store
from wsss_harness.suite.spec import Row, Suite
from wsss_harness.system.files import read_json
from wsss_leaderboard.ranking.entries import LoadedRecord
from wsss_leaderboard.records import counts
from wsss_leaderboard.records.record import Record, load_record
from wsss_leaderboard.submissions import agreement, hostile, rowpacks, seeds, selection, signatures
from wsss_leaderboard.submissions.agreement import disagreements
from wsss_leaderboard.submissions.definitions import check_same, drawn_suite
from wsss_leaderboard.submissions.hostile import (
    KEY,
    NAME,
    refuse_hostile,
    refuse_names,
    refuse_text,
)
from wsss_leaderboard.submissions.manifest import (
    LOGS,
    MANIFEST,
    README,
    SUITE,
    Submission,
    Tier,
    digest_of_file,
    read_submission,
    record_stem,
)
from wsss_leaderboard.submissions.rowpacks import PACKS


@dataclass
class CheckReport:
    """The result of a check. ``tier``: the highest that all runs pass, None with problems."""

    folder: Path
    submission: Submission | None = None
    runs: list[LoadedRecord] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    signer: str = ""
    tier: Tier | None = None

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Record an error in the body as a problem, and continue after it."""
        try:
            yield
        except (WsssError, OSError, MemoryError) as error:
            self.problems.append(str(error) or type(error).__name__)


@dataclass(frozen=True)
class LocalResources:
    """What the person who checks has: plugins, a store for data, perhaps a suite and packs."""

    plugins: Plugins
    store: Store
    suite: Suite | None = None
    packs: Path | None = None

    def dataset(self, record: Record, owner: str) -> Dataset | None:
        """The data of a record, from the reader's suite or drawn; None if it is not available."""
        suite = self.suite or drawn_suite(record, self.plugins, owner)
        if suite is None:
            return None
        dataset = dataset_of(suite, self.plugins, self.store)
        check_same(dataset, record, owner)
        return dataset


def check_submission(
    folder: Path, resources: LocalResources, allowed: Path | None = None
) -> CheckReport:
    """Check everything about a submission that needs no board.

    ``allowed``: the file of allowed signers; without it, signatures are ignored.
    """
    report = CheckReport(folder)
    with report.collecting():
        _read_runs(report)
    with report.collecting():
        if allowed and signatures.path_of(folder / MANIFEST).is_file():
            report.signer = signatures.signer(folder / MANIFEST, allowed)
    if not report.problems:
        report.tier = 1
        report.notes += _omitted_seeds(report.runs)
        report.notes += seeds.notes({run.path: run.record for run in report.runs})
        report.notes += dict.fromkeys(selection.notes([run.record for run in report.runs]))
        _check_masks(report, resources)
    return report


def _read_runs(report: CheckReport) -> None:
    """Read the manifest, each run, and, if all can be read, whether they are of one row."""
    report.submission = _manifest(report.folder, hostile.files(report.folder))
    for stem in report.submission.packs:
        with report.collecting():
            report.runs.append(_run(report.folder, stem))
    if len(report.runs) == len(report.submission.packs):
        report.problems += _row_problems(report.folder, report.submission, report.runs)
        report.problems += [
            f"{run.path} is of a rehearsal, whose numbers mean nothing"
            for run in report.runs
            if run.record.rehearsal
        ]
        report.problems += seeds.problems({run.path: run.record for run in report.runs})


def _omitted_seeds(runs: Sequence[LoadedRecord]) -> Iterator[str]:
    """Note which seeds of the suite are missing: the others may have been selected by result."""
    listed = runs[0].record.definition.get("seeds", [0])
    planned = [seed for seed in listed if type(seed) is int] if isinstance(listed, list) else []
    submitted = [run.record.seed for run in runs]
    if missing := [seed for seed in planned if seed not in submitted]:
        numbers = ", ".join(map(str, missing[:12]))
        yield f"runs: {len(submitted)} of {len(planned)} of the suite; missing seeds: {numbers}"


def _manifest(folder: Path, sizes: Mapping[str, int]) -> Submission:
    """submission.json, once the files in the folder (sizes by name) are those that it names."""
    refuse_hostile(read_json(folder / MANIFEST), str(folder / MANIFEST))
    submission = read_submission(folder)
    refuse_text(submission.method, f"{folder / MANIFEST}: method", NAME)
    own = {MANIFEST, *({MANIFEST + signatures.SUFFIX} & set(sizes))}
    outside = {name for name in sizes if not name.startswith(f"{PACKS}/")}
    hostile.refuse_others(folder, outside, own | set(submission.files))
    needed = {README, SUITE}
    for stem in submission.packs:
        needed |= {f"{RECORDS}/{stem}.json", f"{counts.COUNTS}/{stem}.npz", f"{LOGS}/{stem}.txt"}
    hostile.refuse_others(folder, set(submission.files), needed)
    _refuse_changed(folder, submission, sizes)
    if not submission.packs:
        raise DataError(f"{folder / MANIFEST} names no record")
    return submission


def _refuse_changed(folder: Path, submission: Submission, sizes: Mapping[str, int]) -> None:
    for name, file in submission.files.items():
        if sizes[name] != file.bytes or digest_of_file(folder / name) != file.sha256:
            raise DataError(
                f"{folder / name} is not the file that {MANIFEST} names: it was changed; write the "
                "submission again"
            )


def _run(folder: Path, stem: str) -> LoadedRecord:
    """A valid record with its counts; DataError lists what is wrong with them."""
    path = folder / RECORDS / f"{stem}.json"
    refuse_hostile(read_json(path), str(path))
    refuse_names(load_record(path), str(path))
    run = agreement.read(path, hostile.UNPACKED)
    record = run.record
    for image_id in chain.from_iterable(target.ids for target in run.tallies.values()):
        refuse_text(image_id, f"{counts.path_of(path)}: an image id", KEY)
    problems = [*agreement.problems(record, run.tallies), *_recipe_problems(record)]
    problems += selection.problems(record)
    if record_stem(record, path) != stem:
        problems.append(f"its name should be {record_stem(record, path)}.json")
    if record.protocol.evaluator != EVALUATOR:
        problems.append(
            f"protocol.evaluator is {record.protocol.evaluator}, this version's is {EVALUATOR}; "
            "install the same version, or run the suite again"
        )
    if problems:
        raise DataError("\n".join(f"{path}: {problem}" for problem in problems))
    return run


def _recipe_problems(record: Record) -> Iterator[str]:
    """Problems of the recipe, its method and whether it is a control or has the name of a bound."""
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


def _row_problems(
    folder: Path, submission: Submission, runs: Sequence[LoadedRecord]
) -> Iterator[str]:
    """Reasons why the runs are not seeds of one row."""
    suite, first = read_json(folder / SUITE), runs[0].record
    paths: dict[int, Path] = {}
    for run in runs:
        record = run.record
        targets = {counts.MASKS, *(s.segmentor for s in record.segmentations)}
        if set(submission.packs[run.path.stem]) != targets:
            yield f"{folder / MANIFEST}: packs.{run.path.stem} lacks the digest of a target's masks"
        if record.method != submission.method:
            yield f"{run.path}: method is {record.method!a}, in {MANIFEST} {submission.method!a}"
        if record.definition != suite:
            yield f"{run.path}: definition is not what {SUITE} holds"
        if (record.protocol, record.recipe) != (first.protocol, first.recipe):
            yield f"{run.path}: its protocol or recipe is not that of {runs[0].path}"
        if record.seed in paths:
            yield f"{run.path} and {paths[record.seed]} are both of seed {record.seed}"
        paths[record.seed] = run.path


def _check_masks(report: CheckReport, resources: LocalResources) -> None:
    """Check the mask packs, and measure them again if the ground truth is available."""
    inside = report.folder / PACKS
    packs = resources.packs or (inside if inside.is_dir() else None)
    if packs is None:
        report.notes.append(
            "masks: only their digests are in the folder; to check them, give --packs"
        )
        return
    measured = []
    for run in report.runs:
        with report.collecting():
            measured.append(_measured(packs / run.path.stem, run, report, resources))
    if packs == inside and not report.problems:
        with report.collecting():
            _refuse_stray_masks(report)
    _conclude(report, all(measured))


def _conclude(report: CheckReport, measured: bool) -> None:
    if report.problems:
        report.tier = None
    elif measured:
        report.tier = 2
        report.notes.append("masks: measured again; all metrics agree with the records")
    else:
        report.notes.append(
            "masks: readable; to measure them again, give a suite with their data, by --suite"
        )


def _measured(
    packs: Path, run: LoadedRecord, report: CheckReport, resources: LocalResources
) -> bool:
    """Check the masks of a run; True if they were measured again. DataError if they are wrong."""
    digests = report.submission.packs[run.path.stem] if report.submission else {}
    if rowpacks.digests(packs, run.record) != digests:
        raise DataError(f"{packs}: the packs are not those whose digests {MANIFEST} has")
    for pack in rowpacks.folders(packs, run.record).values():
        refuse_hostile(read_json(pack / PACK), str(pack / PACK))
    dataset = resources.dataset(run.record, str(run.path))
    problems = list(disagreements(run.record, run.tallies, packs, dataset))
    if problems:
        raise DataError("\n".join(f"{run.path}: {problem}" for problem in problems))
    return dataset is not None


def _refuse_stray_masks(report: CheckReport) -> None:
    expected = {
        f"{PACKS}/{run.path.stem}/{pack.name}/{file}"
        for run in report.runs
        for pack in rowpacks.folders(report.folder / PACKS / run.path.stem, run.record).values()
        for file in (PACK, *(entry.file for entry in read_manifest(pack).images.values()))
    }
    present = {name for name in hostile.files(report.folder) if name.startswith(f"{PACKS}/")}
    hostile.refuse_others(report.folder, present, expected)
