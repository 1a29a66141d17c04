"""The commands `wsss pack ...`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from wsss_harness.cli.commands import Commands
from wsss_harness.cli.messages import plural, print_plain
from wsss_harness.cli.options import (
    RUNS,
    MethodArgument,
    SeedOption,
    SetOption,
    StoreOption,
    SuiteArgument,
    request_of,
)
from wsss_harness.contract.errors import ConfigError
from wsss_harness.execution.run_stage import dataset_of
from wsss_harness.packs.exchange import export_row
from wsss_harness.packs.importing import LAYOUTS, Layout, import_folder
from wsss_harness.packs.manifest import Kind, Manifest
from wsss_harness.plugins.registry import installed
from wsss_harness.store.store import Store
from wsss_harness.suite.graph import Graph

app = Commands()
FolderArgument = Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write the pack.")]
RULES = {
    "masks": 'name = "constant", threshold = 0.5, uncertain = 0.25',
    "scores": 'name = "constant", threshold = 0.2',
}


@app.command("export")
def export_pack(
    suite: SuiteArgument,
    method: MethodArgument,
    folder: FolderArgument,
    scores: Annotated[
        bool, typer.Option("--scores", help="Write scores instead of masks.")
    ] = False,
    seed: SeedOption = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
) -> None:
    """Write the masks of a finished row as a pack that others can check and use."""
    spec, stages = request_of(suite, overrides).suite(), Store(store)
    row = spec.row(method)
    graph = Graph(spec, installed(), spec.seeds[0] if seed is None else seed)
    if not stages.done(graph.data):
        raise ConfigError(f"{suite} has not been run in {store}; run it first")
    dataset = graph.opened(stages.folder(graph.data))
    kind: Kind = "scores" if scores else "masks"
    print_summary(export_row(graph.row(row), stages, dataset, kind, folder), folder)


@app.command("import")
def import_pack(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="The folder to import.")],
    suite: SuiteArgument,
    folder: FolderArgument,
    layout: Annotated[
        str,
        typer.Option(
            metavar="LAYOUT", help="masks: ID.png, class indices; maps: ID_c.png, 8 bits; or pack."
        ),
    ] = "masks",
    method: Annotated[str | None, typer.Option(metavar="NAME", help="Name of its row.")] = None,
    supervision: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help="What the method used: image_labels, saliency, language, ... Repeatable.",
        ),
    ] = None,
    store: StoreOption = RUNS,
    overrides: SetOption = None,
) -> None:
    """Check a folder against the dataset of a suite and write it as a pack."""
    layouts: dict[str, Layout] = {name: name for name in LAYOUTS}
    if layout not in layouts:
        raise ConfigError(f"no layout is called '{layout}'; layouts: {', '.join(layouts)}")
    dataset = dataset_of(request_of(suite, overrides).suite(), installed(), Store(store))
    manifest = import_folder(
        source, layouts[layout], dataset, folder, method, supervision, print_warning
    )
    print_summary(manifest, folder)
    lines = snippet(manifest, folder)
    print_plain(Console(), f"To use it, add to a suite of this dataset:\n\n{lines}")


def print_warning(text: str) -> None:
    print_plain(Console(stderr=True), f"warning: {text}")


def print_summary(manifest: Manifest, folder: Path) -> None:
    kinds = manifest.supervision
    supervision = "not stated" if kinds is None else ", ".join(kinds) or "none"
    images = plural(len(manifest.images), "image")
    print_plain(
        Console(),
        f"wrote {folder}: {manifest.kind} of {images} by {manifest.method}, "
        f"supervision {supervision}",
    )


def snippet(manifest: Manifest, folder: Path) -> str:
    """The lines of a suite that make a row of a pack."""
    name = json.dumps(manifest.method)
    return (
        f"[generators.{name}]\n"
        f'name = "pack"\n'
        f"folder = {json.dumps(str(folder.resolve()))}\n\n"
        f"[[rows]]\nmethod = {name}\ngenerator = {name}\n"
        f"rule = {{ {RULES[manifest.kind]} }}\n"
    )
