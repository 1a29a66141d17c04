"""`wsss pack export` and `wsss pack import`."""

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

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
    """Write the masks or scores of a row of a suite that was run as a pack."""
    suite, store = request.suite(), Store(store_folder)
    row = suite.row(method)
    graph = Graph(suite, installed(), suite.seeds[0] if seed is None else seed)
    if not store.done(graph.data):
        raise ConfigError(f"{request.path} has not been run in {store_folder}; run it first")
    dataset = graph.opened(store.folder(graph.data))
    manifest = export_row(graph.row(row), store, dataset, kind, folder)
    said(manifest, folder, console)


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
    known: dict[str, Layout] = {name: name for name in LAYOUTS}
    if layout not in known:
        raise ConfigError(f"no layout is called '{layout}'; there are {', '.join(known)}")
    suite, store = request.suite(), Store(store_folder)
    graph = Graph(suite, installed(), suite.seeds[0])
    make_stage(graph.data, store)
    dataset = graph.opened(store.folder(graph.data))
    manifest = import_folder(source, known[layout], dataset, folder, method, supervision)
    said(manifest, folder, console)
    console.print(
        f"To use it, add to a suite of this dataset:\n\n{snippet(manifest, folder)}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def said(manifest: Manifest, folder: Path, console: Console) -> None:
    used = manifest.supervision
    supervision = "not stated" if used is None else ", ".join(used) or "none"
    console.print(
        f"wrote {folder}: {manifest.kind} of {len(manifest.images)} images by {manifest.method}, "
        f"supervision {supervision}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def snippet(manifest: Manifest, folder: Path) -> str:
    """What makes a pack a row of a suite."""
    name = json.dumps(manifest.method)
    return (
        f"[generators.{name}]\n"
        f'name = "pack"\n'
        f"folder = {json.dumps(str(folder.resolve()))}\n\n"
        f"[[rows]]\nmethod = {name}\ngenerator = {name}\n"
        f"rule = {{ {RULES[manifest.kind]} }}\n"
    )
