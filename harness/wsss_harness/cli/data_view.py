"""The command `wsss data check`."""

import json
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.findings import FAILURE, OK, WARNING, Finding
from wsss_harness.contract.supervision import Dataset
from wsss_harness.execution.run_stage import make_stage
from wsss_harness.plugins.registry import installed
from wsss_harness.store.store import Store
from wsss_harness.suite import data_check as datacheck
from wsss_harness.suite.data_check import DataReport
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.reading import apply_override
from wsss_harness.suite.selection import Request
from wsss_harness.suite.spec import Options

COLOURS = {OK: "green", WARNING: "yellow", FAILURE: "red"}


def print_data(request: Request, store: Path, console: Console, as_json: bool) -> bool:
    """Check the dataset of a suite, or a folder in VOC layout; True if nothing failed."""
    rows: list[Finding] = []
    maps: dict[str, Dataset] = {}
    if request.path.is_dir():
        dataset = folder(request)
    else:
        dataset, maps, rows = of_suite(request, Store(store))
    hidden = as_json or not console.is_terminal
    with Progress(console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task("looking at every image")
        report = datacheck.inspect(
            dataset, lambda done, total: bar.update(task, completed=done, total=total), maps
        )
    report.findings += rows
    if as_json:
        console.print_json(json.dumps(report.content()))
    else:
        _print(report, console)
    return all(finding.outcome != FAILURE for finding in report.findings)


def folder(request: Request) -> Dataset:
    options: Options = {}
    for override in request.overrides:
        apply_override(options, override)
    chosen = {"root": str(request.path), **options.pop("dataset", {})}
    if options:
        raise DataError(
            f"{request.path} is a folder, so only options of its dataset can be set, as "
            f"dataset.train=train_aug; got {next(iter(options))}"
        )
    dataset: Dataset = installed().build("dataset", "voc_folder", chosen).open(request.path)
    return dataset


def of_suite(request: Request, store: Store) -> tuple[Dataset, dict[str, Dataset], list[Finding]]:
    """The dataset of a suite, made where it has to be, its saliency maps, and what rows lack."""
    suite, plugins = request.suite(), installed()
    graph = Graph(suite, plugins, suite.seeds[0])
    make_stage(graph.data, store)
    dataset = graph.opened(store.folder(graph.data))
    lacking = list(datacheck.missing(suite, plugins, dataset.supervision))
    return dataset, datacheck.maps_of(suite, dataset), lacking


def _print(report: DataReport, console: Console) -> None:
    console.print(_classes(report))
    for name, measured in report.saliency.items():
        console.print(
            f"{name} maps against the truth of the scored images: "
            f"IoU at 0.5 {100 * measured.iou:.1f}, largest F {100 * measured.max_f:.1f}, "
            f"mean absolute error {100 * measured.error:.1f}\n",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    for finding in report.findings:
        outcome = f"[{COLOURS[finding.outcome]}]{finding.outcome:<8}[/]"
        text = escape(finding.check + (f": {finding.message}" if finding.message else ""))
        console.print(f"{outcome} {text}", highlight=False, soft_wrap=True)
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
