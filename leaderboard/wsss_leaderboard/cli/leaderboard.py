"""The commands `wsss leaderboard ...`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from wsss_harness.cli.commands import Commands
from wsss_harness.cli.messages import plural
from wsss_harness.cli.options import (
    RUNS,
    LimitOption,
    OnlyOption,
    RowsOption,
    SetOption,
    StoreOption,
    request_of,
)
from wsss_harness.cli.progress import observed
from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.plugins.registry import installed
from wsss_harness.store.layout import RECORDS
from wsss_leaderboard.boards import chain, releases, verification
from wsss_leaderboard.boards.comment import pull_request_comment
from wsss_leaderboard.boards.folder import BoardFolder, accept_checked, misfits
from wsss_leaderboard.boards.rescore import rescore as rescore_record
from wsss_leaderboard.boards.verification import Verdict, Verifier
from wsss_leaderboard.cli.checks import (
    check_board,
    checked,
    of_dataset,
    print_outcome,
    print_own_outcome,
    print_verdicts,
    resources_of,
    say,
)
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.site.build import build
from wsss_leaderboard.submissions import signatures
from wsss_leaderboard.submissions.manifest import MANIFEST
from wsss_leaderboard.submissions.writing import SuiteRun, write_submission

app = Commands()

BoardOption = Annotated[
    Path, typer.Option("--board", metavar="FOLDER", help="The folder of a board.")
]
PacksOption = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Mask packs, if they are not in the submission."),
]
OwnSuiteOption = Annotated[
    Path | None,
    typer.Option("--suite", metavar="FILE", help="Your own suite on the data of the record."),
]
KeyOption = Annotated[
    Path | None, typer.Option("--sign", metavar="KEY", help="Sign it with an SSH key.")
]
ByOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Who verifies it; shown on the board.")
]
NewTableOption = Annotated[
    bool, typer.Option("--new-table", help="Accept a protocol that is new to the board.")
]


CheckOption = Annotated[
    Path | None,
    typer.Option("--check", metavar="FOLDER", help="Only check a submission; nothing else needed."),
]


@app.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of a record."""
    typer.echo(json.dumps(Record.model_json_schema(mode="serialization"), indent=1))


@app.command("build")
def build_site(
    folders: Annotated[
        list[Path], typer.Argument(metavar="FOLDER...", help="Folders of results, or a board.")
    ],
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Folder of the site; its content is replaced.")
    ],
    title: Annotated[
        str, typer.Option(metavar="TEXT", help="Title of the site.")
    ] = "WSSS leaderboard",
) -> None:
    """Write the leaderboard as a static site."""
    pages = build(folders, out, title)
    typer.echo(f"{plural(len(pages), 'page')}; the first is {out / 'index.html'}")


@app.command()
def submit(
    suite: Annotated[
        Path | None, typer.Argument(metavar="SUITE", help="A suite that was run (required).")
    ] = None,
    method: Annotated[
        str | None,
        typer.Argument(metavar="METHOD", help="The method of one of its rows (required)."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where to write it (required).")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Submit only this seed.")] = None,
    masks: Annotated[bool, typer.Option(help="Include the masks, or only their digests.")] = True,
    corrects: Annotated[
        bool, typer.Option("--corrects", help="Replace the records of this row on the board.")
    ] = False,
    key: KeyOption = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    methods: RowsOption = None,
    words: OnlyOption = None,
    dataset: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which of several datasets.")
    ] = None,
    to_check: CheckOption = None,
) -> None:
    """Write a finished row as a folder for a pull request, and check it."""
    if to_check is not None:
        others = (suite, method, out, seed, key, overrides, methods, words, dataset)
        if any(value is not None for value in others) or corrects or not masks:
            raise typer.BadParameter("--check takes no other option than --store")
        check(to_check, store=store)
        return
    if suite is None or method is None or out is None:
        raise typer.BadParameter("give SUITE, METHOD and --out FOLDER, or --check FOLDER")
    request = of_dataset(request_of(suite, overrides, methods, words), dataset)
    suite_run = SuiteRun(request, store, installed())
    write_submission(suite_run, method, seed, out, masks, corrects)
    if key:
        signatures.sign(out / MANIFEST, key)
    print_own_outcome(suite_run, method, out)


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A submission, or a board.")],
    board: Annotated[
        Path | None, typer.Option("--board", metavar="FOLDER", help="The folder of a board.")
    ] = None,
    packs: PacksOption = None,
    suite: OwnSuiteOption = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    new_table: NewTableOption = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print what would change on the board, as a comment.")
    ] = False,
) -> None:
    """Check a submission, or the chain of a board, without running any of it."""
    resources = resources_of(suite, overrides, packs, store)
    if (folder / chain.CHAIN).is_file():
        check_board(folder)
        return
    report = checked(folder, board, resources, quiet=markdown)
    if markdown:
        if board is None:
            raise ConfigError("--markdown tells what would change on a board; name it with --board")
        Console().file.write(pull_request_comment(report, board, new_table))
    problems = list(report.problems)
    if board is not None and not problems:
        problems = list(misfits(report, BoardFolder.read(board), new_table))
    if not markdown:
        print_outcome(report, problems)
    elif problems:
        raise typer.Exit(1)


@app.command()
def accept(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A submission.")],
    board: Annotated[
        Path,
        typer.Option("--board", metavar="FOLDER", help="The folder of a board; created if new."),
    ],
    packs: PacksOption = None,
    suite: OwnSuiteOption = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    new_table: NewTableOption = False,
    by: ByOption = None,
) -> None:
    """Check a submission and add its records to a board."""
    report = checked(folder, board, resources_of(suite, overrides, packs, store))
    for entry in accept_checked(report, board, new_table):
        instead = f", in place of {entry.supersedes[:8]}" if entry.supersedes else ""
        if by and report.tier:
            verification.add(board / RECORDS / f"{entry.stem}.json", report.tier, by)
        say(f"accepted {entry.stem}{instead}")


@app.command()
def verify(
    record: Annotated[Path, typer.Argument(metavar="RECORD", help="A record file.")],
    tier: Annotated[
        int,
        typer.Option(
            min=1,
            max=4,
            metavar="TIER",
            help="1: digests; 2: metrics from masks; 3: scores from weights; 4: train again.",
        ),
    ] = 2,
    by: ByOption = None,
    packs: PacksOption = None,
    suite: OwnSuiteOption = None,
    tolerance: Annotated[
        float | None, typer.Option(min=0, metavar="POINTS", help="Tolerated difference of mIoU.")
    ] = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    limit: LimitOption = None,
) -> None:
    """Verify a record tier by tier and note the highest tier that it passes."""
    reader = resources_of(suite, overrides, packs, store, limit, alone=True)
    points = None if tolerance is None else tolerance / 100
    verifier = Verifier(record.resolve(), reader, tuple(overrides or ()), points)
    with observed(reader.plugins):
        highest = print_verdicts(verifier.verify(tier))
    if highest:
        _note(verifier.path, highest, by)


def _note(path: Path, verdict: Verdict, by: str | None) -> None:
    if by is None:
        say("not noted: say who verified it with --by")
    elif (path.parents[1] / MANIFEST).is_file():
        say("not noted: a submission is noted once it is on a board")
    else:
        verification.add(path, verdict.tier, by, verdict.tolerance)
        say(f"noted in {verification.path_of(path)}")


@app.command()
def rescore(
    packs: Annotated[Path, typer.Argument(metavar="PACKS", help="Folder of mask packs.")],
    board: BoardOption,
    record: Annotated[
        str | None, typer.Option(metavar="STEM", help="Only this record; default: all stale ones.")
    ] = None,
    suite: OwnSuiteOption = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
) -> None:
    """Score records again from their masks after the metrics have changed."""
    reader = resources_of(suite, overrides, packs, store)
    content = BoardFolder.read(board)
    stale = [stem for stem in content.stale if chain.packs_of(board, stem, packs).is_dir()]
    stems = [record] if record else stale
    if not stems:
        raise DataError(f"{board} has no stale record whose packs are in {packs}")
    for stem in stems:
        old = content.records.get(stem)
        dataset = reader.dataset(old, stem) if old else None
        if dataset is None:
            raise DataError(f"{board} has no {stem}, or its truth is not at hand: give --suite")
        entry = rescore_record(board, stem, packs, dataset)
        say(f"{entry.stem} takes the place of {stem}")


@app.command()
def release(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as 2026.1.")],
    board: BoardOption,
    key: KeyOption = None,
) -> None:
    """Freeze a board under a permanent name."""
    frozen = releases.create(board, name)
    path = releases.path_of(board, name)
    if key:
        signatures.sign(path, key)
    say(f"wrote {path}: {plural(len(frozen.records), 'record')}, head {frozen.head[:16]}")
