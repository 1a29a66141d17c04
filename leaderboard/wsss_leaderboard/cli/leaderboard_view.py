"""What the commands of `wsss leaderboard` that submit, verify and accept do."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.plugins.registry import installed
from wsss_harness.store.layout import RECORDS
from wsss_harness.store.store import Store
from wsss_harness.suite.selection import Request
from wsss_harness.suite.spec import Suite
from wsss_harness.system.limits import Limits
from wsss_leaderboard.boards import chain, releases, verification
from wsss_leaderboard.boards.comment import pull_request_comment
from wsss_leaderboard.boards.folder import BoardFolder, accept_checked, misfits
from wsss_leaderboard.boards.rescore import rescore as rescored
from wsss_leaderboard.boards.verification import Verdict, Verifier
from wsss_leaderboard.cli.report import display_of, observed
from wsss_leaderboard.submissions import signatures
from wsss_leaderboard.submissions.checking import CheckReport, LocalResources, check_submission
from wsss_leaderboard.submissions.manifest import MANIFEST, TIERS
from wsss_leaderboard.submissions.signatures import ALLOWED
from wsss_leaderboard.submissions.writing import SuiteRun, write_submission
from wsss_leaderboard.tables.table import inert

WORDS = {True: "passed", False: "failed", None: "left out"}
STYLES = {True: "green", False: "red", None: "dim"}


def say(console: Console, text: str, style: str = "") -> None:
    """Text of strangers, so nothing in it is markup or moves the cursor."""
    for line in text.splitlines():
        console.print(inert(line), style=style, markup=False, highlight=False, soft_wrap=True)


def of_dataset(request: Request, name: str | None) -> Request:
    """The request for one dataset of a suite; ConfigError if that is none, or leaves a choice."""
    requests = {each.dataset: each for each in request.each()}
    if name is None and len(requests) == 1:
        return next(iter(requests.values()))
    if name not in requests:
        names = ", ".join(filter(None, requests)) or "none with a name"
        raise ConfigError(f"{request.path}: name one of its datasets with --dataset: {names}")
    return requests[name]


def submit(
    request: Request,
    method: str,
    seed: int | None,
    root: Path,
    folder: Path,
    masks: bool,
    corrects: bool,
    key: Path | None,
    console: Console,
) -> bool:
    """Write a submission, sign it if a key is given, and check it; True if it is good."""
    plugins = installed()
    ran = SuiteRun(request, root, plugins)
    write_submission(ran, method, seed, folder, masks, corrects)
    if key:
        signatures.sign(folder / MANIFEST, key)
    with observed(plugins, display_of(as_json=False)):
        report = check_submission(folder, LocalResources(plugins, ran.store, ran.suite))
    say(console, f"wrote {folder}: {len(report.runs)} runs of {method}")
    return tell(report, report.problems, console)


def check(
    folder: Path,
    board: Path | None,
    reader: LocalResources,
    new_table: bool,
    markdown: bool,
    console: Console,
) -> bool:
    """Check a board, or a submission and whether it fits one; True if nothing is wrong."""
    if (folder / chain.CHAIN).is_file():
        return check_board(folder, console)
    report = checked(folder, board, reader, quiet=markdown)
    if markdown:
        if board is None:
            raise ConfigError("--markdown tells what would change on a board; name it with --board")
        console.file.write(pull_request_comment(report, board, new_table))
    problems = list(report.problems)
    if board is not None and not problems:
        problems = list(misfits(report, BoardFolder.read(board), new_table))
    return not problems if markdown else tell(report, problems, console)


def checked(
    folder: Path, board: Path | None, reader: LocalResources, quiet: bool = False
) -> CheckReport:
    allowed = board / ALLOWED if board is not None and (board / ALLOWED).is_file() else None
    with observed(reader.plugins, display_of(as_json=quiet)):
        return check_submission(folder, reader, allowed)


def check_board(board: Path, console: Console) -> bool:
    """Follow the chain of a board, and say where it breaks; True if it is whole."""
    problems = [*chain.problems(board), *releases.problems(board)]
    for problem in problems:
        say(console, f"problem: {problem}", "red")
    entries = chain.read(board)
    whole = f"{len(entries)} records were accepted, {len(chain.current(entries))} are current"
    say(console, f"{board}: {whole}; head {chain.head(entries)[:16] or 'none'}")
    stale = [] if problems else BoardFolder.read(board).stale
    if stale:
        again = "score them anew from their masks with `wsss leaderboard rescore`"
        say(console, f"{len(stale)} are of older metrics, first {stale[0]}; {again}")
    return not problems


def tell(report: CheckReport, problems: list[str], console: Console) -> bool:
    for problem in problems:
        say(console, f"problem: {problem}", "red")
    if problems or report.tier is None:
        say(console, f"{report.folder} cannot be accepted")
        return False
    for note in [*report.notes, *([f"signed by {report.signer}"] if report.signer else [])]:
        say(console, note)
    say(console, f"{report.folder} passes tier {report.tier}: {TIERS[report.tier]}", "green")
    return True


def accept(
    folder: Path,
    board: Path,
    reader: LocalResources,
    new_table: bool,
    by: str | None,
    console: Console,
) -> None:
    """Check a submission and put it onto a board; ``by``: note who has verified it so far.

    Raises:
        DataError: it has problems, or does not fit.
    """
    report = checked(folder, board, reader)
    for entry in accept_checked(report, board, new_table):
        instead = f", in place of {entry.supersedes[:8]}" if entry.supersedes else ""
        if by and report.tier:
            verification.add(board / RECORDS / f"{entry.stem}.json", report.tier, by)
        say(console, f"accepted {entry.stem}{instead}")


def verify(verifier: Verifier, highest: int, by: str | None, console: Console) -> bool:
    """Verify a record tier by tier, and note the highest that it passes; True unless one fails."""
    passed: list[Verdict] = []
    with observed(verifier.plugins, display_of(as_json=False)):
        for verdict in verifier.verify(highest):
            label = f"tier {verdict.tier}, {TIERS[verdict.tier]}: {WORDS[verdict.passed]}"
            say(console, f"{label}: {verdict.explanation}", STYLES[verdict.passed])
            if verdict.passed is False:
                return False
            passed += [verdict] if verdict.passed else []
    if by and (verifier.path.parents[1] / MANIFEST).is_file():
        say(console, "not noted: a submission is noted once it is on a board")
    elif by and passed:
        last = passed[-1]
        verification.add(verifier.path, last.tier, by, last.tolerance)
        say(console, f"noted in {verification.path_of(verifier.path)}")
    elif passed:
        say(console, "not noted: say who verified it with --by")
    return True


def rescore(
    board: Path, packs: Path, only: str | None, reader: LocalResources, console: Console
) -> None:
    """Score stale records anew whose packs are there, or only one.

    Raises:
        DataError: there is nothing to be done, or the truth is not at hand.
    """
    content = BoardFolder.read(board)
    stems = (
        [only]
        if only
        else [stem for stem in content.stale if chain.packs_of(board, stem, packs).is_dir()]
    )
    if not stems:
        raise DataError(f"{board} has no stale record whose packs are in {packs}")
    for stem in stems:
        record = content.records.get(stem)
        dataset = reader.dataset(record, stem) if record else None
        if dataset is None:
            raise DataError(f"{board} has no {stem}, or its truth is not at hand: give --suite")
        entry = rescored(board, stem, packs, dataset)
        say(console, f"{entry.stem} takes the place of {stem}")


def release(board: Path, name: str, key: Path | None, console: Console) -> None:
    """Freeze a board under a name."""
    frozen = releases.create(board, name)
    path = releases.path_of(board, name)
    if key:
        signatures.sign(path, key)
    say(console, f"wrote {path}: {len(frozen.records)} records, head {frozen.head[:16]}")


def reader_of(
    suite: Suite | None, packs: Path | None, root: Path, limit: float | None = None
) -> LocalResources:
    plugins = installed()
    return LocalResources(plugins, Store(root, plugins.tell, Limits(limit)), suite, packs)


def verifier_of(
    path: Path, reader: LocalResources, overrides: Sequence[str] | None, tolerance: float | None
) -> Verifier:
    settings = tuple(overrides or ())
    return Verifier(
        path.resolve(),
        reader.plugins,
        reader.store,
        reader.packs,
        reader.suite,
        settings,
        tolerance,
    )
