"""The commands `wsss data ...`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from wsss_harness.cli.commands import Commands
from wsss_harness.cli.messages import COLOURS, print_plain
from wsss_harness.cli.options import (
    RUNS,
    JsonOption,
    SetOption,
    StoreOption,
    options_of,
    request_of,
)
from wsss_harness.contract.errors import DataError
from wsss_harness.contract.findings import FAILURE, Finding
from wsss_harness.contract.supervision import Dataset
from wsss_harness.execution.run_stage import dataset_of
from wsss_harness.plugins.registry import installed
from wsss_harness.stages.stage_data import open_dataset
from wsss_harness.store.store import Store
from wsss_harness.suite import (
    data_check,
    presence,
    region_check,
    row_files,
    saliency_check,
    text_check,
)
from wsss_harness.suite.data_check import DataReport
from wsss_harness.suite.data_stages import set_by

if TYPE_CHECKING:
    from wsss_harness.datasets.voc12.prepare import VocRequest

app, prepare_app = Commands(), Commands("Create the folder of a dataset.")
app.add_typer(prepare_app, name="prepare")


@app.command("check")
def check_data(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="A suite file, or a folder in VOC layout.")
    ],
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check all images, masks and maps of a dataset, and what each row of a suite lacks."""
    findings: list[Finding] = []
    maps: dict[str, Dataset] = {}
    owner = "voc_folder"
    if source.is_dir():
        dataset = folder_dataset(source, overrides)
    else:
        suite = request_of(source, overrides).suite()
        dataset = dataset_of(suite, installed(), Store(store))
        owner = suite.dataset.name
        findings = list(row_files.missing(suite, installed(), dataset.supervision))
        findings.append(presence.finding(suite, installed(), dataset))
        findings += region_check.findings(suite, dataset)
        findings += text_check.findings(suite, dataset)
        maps = saliency_check.maps_of(suite, dataset)
    console = Console()
    hidden = as_json or not console.is_terminal
    with Progress(console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task("looking at every image")
        report = data_check.inspect(
            dataset, lambda done, total: bar.update(task, completed=done, total=total), maps, owner
        )
    report.findings += findings
    if as_json:
        console.print_json(json.dumps(report.content()))
    else:
        _print(report, console)
    if any(finding.outcome == FAILURE for finding in report.findings):
        raise typer.Exit(1)


def folder_dataset(folder: Path, overrides: list[str] | None) -> Dataset:
    options = options_of(overrides)
    dataset_options = {"root": str(folder), **options.pop("dataset", {})}
    if options:
        raise DataError(
            f"{folder} is a folder, so only options of its dataset can be set, as "
            f"dataset.train=train_aug; got {next(iter(options))}"
        )
    with set_by("dataset."):
        source = installed().build("dataset", "voc_folder", dataset_options)
    return open_dataset(source, folder)


def _print(report: DataReport, console: Console) -> None:
    console.print(_classes(report))
    for name, measured in report.saliency.items():
        print_plain(
            console,
            f"{name} maps against the truth of the scored images: "
            f"IoU at 0.5 {100 * measured.iou:.1f}, largest F {100 * measured.max_f:.1f}, "
            f"mean absolute error {100 * measured.error:.1f}\n",
        )
    for finding in report.findings:
        outcome = f"[{COLOURS[finding.outcome]}]{finding.outcome:<8}[/]"
        text = escape(finding.check + (f": {finding.message}" if finding.message else ""))
        console.print(f"{outcome} {text}", highlight=False, soft_wrap=True)
        for example in finding.examples[1:]:
            print_plain(console, f"{'':8} {example}")
        if (more := finding.count - len(finding.examples)) > 0:
            print_plain(console, f"{'':8} and {more:,} more")
    console.print(f"\nfingerprint {report.fingerprint}", highlight=False)


def _classes(report: DataReport) -> Table:
    """In how many images of each split each class is."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("")
    for split in report.splits:
        table.add_column(split, justify="right")
    images = [f"{split['images']:,}" for split in report.splits.values()]
    table.add_row("images", *images, end_section=True)
    for name in next(iter(report.splits.values()))["classes"]:
        table.add_row(name, *(f"{s['classes'][name]:,}" for s in report.splits.values()))
    return table


@prepare_app.command("voc12")
def prepare_voc12(
    root: Annotated[Path, typer.Argument(metavar="ROOT", help="Where to write the dataset.")],
    archives: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="The official archives; default: ROOT/archives."),
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Download missing archives.")
    ] = False,
    mirror: Annotated[
        str | None, typer.Option(metavar="URL", help="A folder with all archives.")
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Label file of psa or EPS, instead of the annotations."),
    ] = None,
    difficult: Annotated[
        bool, typer.Option(help="Whether difficult objects count as labels.")
    ] = True,
    unverified: Annotated[
        bool, typer.Option("--unverified", help="Accept archives with any digest.")
    ] = False,
) -> None:
    """Create PASCAL VOC 2012 with the masks of SBD from the official archives."""
    from wsss_harness.datasets.voc12.prepare import VocRequest  # loads scipy

    folder = archives or root / "archives"
    _prepare(root, VocRequest(folder, download, mirror, labels, difficult, not unverified))


def _prepare(root: Path, request: "VocRequest") -> None:
    from wsss_harness.datasets.voc12.prepare import AUGMENTED, PUBLISHED, prepare

    console = Console()
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn()
    hidden = not console.is_terminal
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=hidden
    ) as bar:
        task = bar.add_task("")

        def progress(step: str, done: int, total: int) -> None:
            bar.update(task, description=step, completed=done, total=total or None)

        numbers = prepare(root, request, progress)
    for name, number in numbers.items():
        expected = PUBLISHED.get(name, number)
        difference = "" if number == expected else f"   expected {expected:,}"
        console.print(f"{name:12} {number:>6,}{difference}", highlight=False)
    print_plain(
        console,
        f"\nwrote {root}. Next:\n\n"
        f"  wsss data check {root} --set dataset.train=train_aug --set dataset.scored=train "
        f"--set dataset.truth={AUGMENTED}",
    )
