"""Check submissions and boards, and print what is wrong with them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import typer
from rich.console import Console

from wsss_harness.cli.messages import plural
from wsss_harness.cli.options import request_of
from wsss_harness.cli.progress import observed
from wsss_harness.contract.errors import ConfigError
from wsss_harness.plugins.registry import installed
from wsss_harness.store.store import Store
from wsss_harness.suite.selection import Request
from wsss_harness.system.limits import Limits
from wsss_leaderboard.boards import chain, releases
from wsss_leaderboard.boards.folder import BoardFolder
from wsss_leaderboard.boards.verification import Verdict
from wsss_leaderboard.submissions.checking import CheckReport, LocalResources, check_submission
from wsss_leaderboard.submissions.manifest import TIERS
from wsss_leaderboard.submissions.signatures import ALLOWED
from wsss_leaderboard.submissions.writing import SuiteRun
from wsss_leaderboard.tables.table import inert

WORDS = {True: "passed", False: "failed", None: "left out"}
STYLES = {True: "green", False: "red", None: "dim"}


def say(text: str, style: str = "") -> None:
    """Print text of strangers, so nothing in it is markup or moves the cursor."""
    console = Console()
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


def resources_of(
    suite: Path | None,
    overrides: list[str] | None,
    packs: Path | None,
    root: Path,
    limit: float | None = None,
    alone: bool = False,
) -> LocalResources:
    """What the reader has; overrides without an own suite only where they stand ``alone``."""
    if overrides and not suite and not alone:
        raise typer.BadParameter("--set changes your own suite; name it with --suite")
    plugins, own = installed(), request_of(suite, overrides).suite() if suite else None
    return LocalResources(plugins, Store(root, plugins.tell, Limits(limit)), own, packs)


def checked(
    folder: Path, board: Path | None, resources: LocalResources, quiet: bool = False
) -> CheckReport:
    allowed = board / ALLOWED if board is not None and (board / ALLOWED).is_file() else None
    with observed(resources.plugins, as_json=quiet):
        return check_submission(folder, resources, allowed)


def check_board(board: Path) -> None:
    """Follow the chain of a board and print where it breaks; exit with 1 if it does."""
    problems = [*chain.problems(board), *releases.problems(board)]
    for problem in problems:
        say(f"problem: {problem}", "red")
    entries = chain.read(board)
    accepted, current = plural(len(entries), "record"), len(chain.current(entries))
    head = chain.head(entries)[:16] or "none"
    say(f"{board}: {accepted} accepted, {current} current; head {head}")
    stale = [] if problems else BoardFolder.read(board).stale
    if stale:
        again = "score them anew from their masks with `wsss leaderboard rescore`"
        say(f"{plural(len(stale), 'record')} of older metrics, first {stale[0]}; {again}")
    if problems:
        raise typer.Exit(1)


def print_outcome(report: CheckReport, problems: Sequence[str]) -> None:
    """Print why a submission cannot be accepted, or its tier; exit with 1 if it cannot."""
    for problem in problems:
        say(f"problem: {problem}", "red")
    if problems or report.tier is None:
        say(f"{report.folder} cannot be accepted")
        raise typer.Exit(1)
    for note in [*report.notes, *([f"signed by {report.signer}"] if report.signer else [])]:
        say(note)
    say(f"{report.folder} passes tier {report.tier}: {TIERS[report.tier]}", "green")


def print_own_outcome(suite_run: SuiteRun, method: str, folder: Path) -> None:
    """Check the submission that was just written from a run, and print the outcome."""
    resources = LocalResources(suite_run.plugins, suite_run.store, suite_run.suite)
    report = checked(folder, None, resources)
    say(f"wrote {folder}: {plural(len(report.runs), 'run')} of {method}")
    print_outcome(report, report.problems)


def print_verdicts(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Print each verdict; the last that was passed, or exit with 1 if a tier failed."""
    highest = None
    for verdict in verdicts:
        label = f"tier {verdict.tier}, {TIERS[verdict.tier]}: {WORDS[verdict.passed]}"
        say(f"{label}: {verdict.explanation}", STYLES[verdict.passed])
        if verdict.passed is False:
            raise typer.Exit(1)
        highest = verdict if verdict.passed else highest
    return highest
