"""`wsss pack export` and `wsss pack import`."""

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from wsss_harness.cli.messages import plural, print_plain
from wsss_harness.contract.errors import ConfigError
from wsss_harness.execution.run_stage import make_stage
from wsss_harness.packs.exchange import LAYOUTS, Layout, export_row, import_folder
from wsss_harness.packs.manifest import Kind, Manifest
from wsss_harness.plugins.registry import installed
from wsss_harness.store.store import Store
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.selection import Request

RULES = {
    "masks": 'name = "constant", threshold = 0.5, uncertain = 0.25',
    "scores": 'name = "constant", threshold = 0.2',
}


def export(
    request: Request,
    method: str,
    folder: Path,
    store_folder: Path,
    kind: Kind,
    seed: int | None,
    console: Console,
) -> None:
    """Write the masks or scores of a finished row as a pack."""
    suite, store = request.suite(), Store(store_folder)
    row = suite.row(method)
    graph = Graph(suite, installed(), suite.seeds[0] if seed is None else seed)
    if not store.done(graph.data):
        raise ConfigError(f"{request.path} has not been run in {store_folder}; run it first")
    dataset = graph.opened(store.folder(graph.data))
    manifest = export_row(graph.row(row), store, dataset, kind, folder)
    print_summary(manifest, folder, console)


def import_(
    source: Path,
    request: Request,
    folder: Path,
    store_folder: Path,
    layout: str,
    method: str | None,
    supervision: Sequence[str] | None,
    console: Console,
) -> None:
    """Check a folder against the dataset of a suite, and write it as a pack."""
    layouts: dict[str, Layout] = {name: name for name in LAYOUTS}
    if layout not in layouts:
        raise ConfigError(f"no layout is called '{layout}'; layouts: {', '.join(layouts)}")
    suite, store = request.suite(), Store(store_folder)
    graph = Graph(suite, installed(), suite.seeds[0])
    make_stage(graph.data, store)
    dataset = graph.opened(store.folder(graph.data))
    manifest = import_folder(source, layouts[layout], dataset, folder, method, supervision)
    print_summary(manifest, folder, console)
    print_plain(
        console, f"To use it, add to a suite of this dataset:\n\n{snippet(manifest, folder)}"
    )


def print_summary(manifest: Manifest, folder: Path, console: Console) -> None:
    kinds = manifest.supervision
    supervision = "not stated" if kinds is None else ", ".join(kinds) or "none"
    images = plural(len(manifest.images), "image")
    print_plain(
        console,
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
