"""The commands `wsss data ...`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from wsss_harness.cli.options import RUNS, JsonOption, SetOption, StoreOption, request_of

app = typer.Typer(help="Prepare and check datasets.", no_args_is_help=True)


@app.command("check")
def check_data(
    source: Annotated[Path, typer.Argument(help="A suite file, or a folder in VOC layout.")],
    store: StoreOption = RUNS,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at every image, mask and map of a dataset, and say what each row lacks."""
    from wsss_harness.cli.data_view import print_data

    if not print_data(request_of(source, overrides), store, Console(), as_json):
        raise typer.Exit(1)


prepare_app = typer.Typer(help="Make the folder of a dataset.", no_args_is_help=True)
app.add_typer(prepare_app, name="prepare")


@prepare_app.command("voc12")
def prepare_voc12(
    root: Annotated[Path, typer.Argument(help="Where to write the dataset.")],
    archives: Annotated[
        Path | None, typer.Option(help="Folder of the official archives; else ROOT/archives.")
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Get archives that are missing.")
    ] = False,
    mirror: Annotated[
        str | None, typer.Option(metavar="URL", help="Where all archives lie by their names.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Label file of psa or EPS, instead of the annotations.")
    ] = None,
    difficult: Annotated[
        bool, typer.Option(help="Whether objects that VOC calls difficult are labels.")
    ] = True,
    unverified: Annotated[
        bool, typer.Option("--unverified", help="Take archives whatever their digest.")
    ] = False,
) -> None:
    """PASCAL VOC 2012 with the masks of SBD, from the official archives."""
    from wsss_harness.cli.voc_view import prepare_and_tell
    from wsss_harness.datasets.voc12.prepare import VocRequest

    folder = archives or root / "archives"
    request = VocRequest(folder, download, mirror, labels, difficult, not unverified)
    prepare_and_tell(root, request, Console())
