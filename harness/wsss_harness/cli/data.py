"""The commands `wsss data ...`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from wsss_harness.cli.commands import Commands
from wsss_harness.cli.options import RUNS, JsonOption, SetOption, StoreOption, request_of

app = Commands("Prepare and check datasets.")


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
    from wsss_harness.cli.data_view import print_data

    if not print_data(request_of(source, overrides), store, Console(), as_json):
        raise typer.Exit(1)


prepare_app = Commands("Create the folder of a dataset.")
app.add_typer(prepare_app, name="prepare")


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
    from wsss_harness.cli.voc_view import prepare_and_report
    from wsss_harness.datasets.voc12.prepare import VocRequest

    folder = archives or root / "archives"
    request = VocRequest(folder, download, mirror, labels, difficult, not unverified)
    prepare_and_report(root, request, Console())
