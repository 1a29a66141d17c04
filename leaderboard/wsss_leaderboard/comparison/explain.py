"""The first stage whose numbers depart from the published ones, and the settings that differ.

Stages are compared in order: the losses of the generator, the masks, each segmentor.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import get_args

from rich.console import Console

from wsss_harness.contract.errors import ConfigError
from wsss_harness.execution.run import RowOutcome
from wsss_harness.plugins.registry import installed
from wsss_harness.store.stage import Stage
from wsss_harness.store.store import Store
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.rows import RowStages
from wsss_harness.suite.selection import Request
from wsss_harness.system.files import read_json
from wsss_leaderboard.comparison.settings import (
    Assumption,
    Difference,
    assumptions,
    differences,
    generator_of,
    maker,
)
from wsss_leaderboard.records.collect import Collector
from wsss_leaderboard.records.published import (
    Data,
    Expected,
    Figure,
    FigureKind,
    Published,
    expected,
    published,
)
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.tables.table import Column, Table, TableRow

LOSSES = "losses.json"
SCORED = ("train", "train_aug")  # the splits of published figures of masks, the preferred one first
VAL = ("val",)  # the same of segmentors


@dataclass(frozen=True)
class FigureComparison:
    """A number of a stage; ``measured`` is None where it was not run.

    ``images`` says how the images of the published number differ; then the number never departs.
    """

    stage: str
    what: str
    expected: float
    allowed: float
    measured: float | None
    source: str
    images: str = ""

    @property
    def departs(self) -> bool:
        comparable = self.measured is not None and not self.images
        return comparable and abs(self.measured - self.expected) > self.allowed  # type: ignore[operator]


@dataclass(frozen=True)
class Explanation:
    comparisons: tuple[FigureComparison, ...]
    differences: tuple[Difference, ...]
    assumptions: tuple[Assumption, ...] = ()

    @property
    def first(self) -> FigureComparison | None:
        return next((comparison for comparison in self.comparisons if comparison.departs), None)


def explain(row: RowStages, record: Record, store: Store, figures: Published) -> Explanation:
    """Compare a row with the published ``figures`` of its method on one dataset.

    Raises:
        ConfigError: nothing was published for this method.
    """
    [(name, data)] = figures.datasets.items()
    expectations, generator = expected().of(name), generator_of(row)
    comparisons = (
        *losses(generator, maker(row), expectations, store, _other_data(record, data)),
        *mious(record, row, figures, expectations),
    )
    if not comparisons:
        names = sorted({figure.method for figure in figures.figures})
        raise ConfigError(
            f"no figures of '{row.row.method}' are known, but those of {', '.join(names)}: "
            "give the row one of these names, or add figures to published.toml"
        )
    return Explanation(
        comparisons, tuple(differences(row, expectations)), tuple(assumptions(row, expectations))
    )


def _other_data(record: Record, data: Data) -> str:
    """How the images of a record differ from those of the published masks; empty if they do not."""
    if record.masks is None:
        return ""
    same = {*data.classes, "background"} == set(record.masks.score.iou)
    wanted = data.splits[SCORED[0]]
    if same and record.masks.images == wanted:
        return ""
    return f"{record.masks.images:,} images here, {wanted:,} there" if same else "other classes"


def losses(
    fit: Stage, method: str, expectations: Expected, store: Store, images: str
) -> Iterator[FigureComparison]:
    published_losses = next((e for e in expectations.losses if e.method == method), None)
    if published_losses is None:
        return
    measured = read_losses(fit, store)
    for name, curve in published_losses.curves.items():
        for iteration, value in curve.items():
            measured_value = measured.get(iteration, {}).get(name)
            allowed = expectations.allowances.loss * value
            what = f"{name} at {iteration:,}"
            yield FigureComparison(
                fit.title, what, value, allowed, measured_value, published_losses.source, images
            )


def read_losses(fit: Stage, store: Store) -> dict[int, dict[str, float]]:
    """Mean losses by iteration; empty if the stage has none."""
    path = store.folder(fit) / LOSSES
    if not store.done(fit) or not path.is_file():
        return {}
    return {int(entry["iteration"]): entry for entry in read_json(path)}


def mious(
    record: Record, row: RowStages, figures: Published, expectations: Expected
) -> Iterator[FigureComparison]:
    """The mIoU of masks and segmentors, in percent."""
    allowances = expectations.allowances
    parts: list[tuple[str, str, Sequence[str], float]]
    parts = [("masks", "", SCORED, allowances.masks)]
    parts += [(s.fit.title, s.label, VAL, allowances.segmentation) for s in row.segmentations]
    for title, segmentor, splits, allowed in parts:
        part = record.part(segmentor)
        if figure := preferred(figures.named(row.row.method, segmentor), splits):
            wanted = figures.datasets[figure.dataset].splits[figure.split]
            images = "train has no truth here" if record.unscored and not segmentor else ""
            if part and not figures.fits(figure, part.score.iou, part.images):
                images = f"{part.images:,} images here, {wanted:,} there"
            measured = 100 * part.score.miou if part else None
            source = "; ".join(filter(None, (figure.how, figure.where)))
            what = f"mIoU of {figure.split}"
            yield FigureComparison(title, what, figure.value, allowed, measured, source, images)


def preferred(named: Sequence[Figure], splits: Sequence[str]) -> Figure | None:
    """The figure of the first split that has one, published rather than reported."""
    figures = {(figure.split, figure.kind): figure for figure in named}
    order = product(splits, get_args(FigureKind))
    return next((figures[place] for place in order if place in figures), None)


# The command


def print_explanation(
    request: Request, method: str, seed: int | None, root: Path, console: Console, as_json: bool
) -> None:
    """Print where a row, as far as it has been run, departs from published numbers."""
    suite, plugins = request.suite(), installed()
    store = Store(root, plugins.tell)
    graph = Graph(suite, plugins, suite.seeds[0] if seed is None else seed)
    row = graph.row(suite.row(method))
    if not store.done(graph.data):
        raise ConfigError(
            f"{request.path} has not been run in {root}; run it first, or name its --store"
        )
    dataset = graph.opened(store.folder(graph.data))
    record = Collector(suite, store, dataset, graph).record(RowOutcome(row))
    explanation = explain(row, record, store, published().of(dataset.classes))
    if as_json:
        first = asdict(explanation.first) if explanation.first else None
        console.print_json(json.dumps({**asdict(explanation), "first": first}))
        return
    console.print(numbers_table(explanation.comparisons))
    for line in conclusion(explanation):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if explanation.differences:
        console.print(settings_table(explanation.differences))


def conclusion(explanation: Explanation) -> Iterator[str]:
    comparisons = explanation.comparisons
    if first := explanation.first:
        yield f"The first to depart: {first.stage}, {first.what} ({first.source})"
    elif any(c.measured is not None and not c.images for c in comparisons):
        yield "Nothing departs by more than is allowed."
    elif all(c.measured is None and not c.images for c in comparisons):
        yield "Nothing of this row has been run yet."
    if other_images := next((c.images for c in comparisons if c.images), ""):
        yield f"Numbers on other data are never called a departure: {other_images}."
    for assumed in explanation.assumptions:
        here = "not set" if assumed.here is None else assumed.here
        yield f"Not published: {assumed.option} of {assumed.stage}, here {here}; {assumed.effect}"


def numbers_table(comparisons: Sequence[FigureComparison]) -> Table:
    heads = ("stage", "", "expected", "allowed", "here", " ")
    rows = []
    for comparison in comparisons:
        digits = 3 if comparison.what.startswith("loss") else 2
        numbers = f"{comparison.expected:.{digits}f}", f"±{comparison.allowed:.{digits}f}"
        missing = "-" if comparison.images else "not run"
        here = missing if comparison.measured is None else f"{comparison.measured:.{digits}f}"
        verdict = "departs" if comparison.departs else "other data" * bool(comparison.images)
        bold = frozenset(range(len(heads))) if comparison.departs else frozenset[int]()
        cells = (comparison.stage, comparison.what, *numbers, here, verdict)
        rows.append(TableRow(cells, best=bold))
    columns = tuple(Column(head, words=not head.strip() or head == "stage") for head in heads)
    return Table("Numbers of each stage", columns, tuple(rows))


def settings_table(differences: Sequence[Difference]) -> Table:
    rows = []
    for d in differences:
        here = "not said" if d.here is None else str(d.here)
        rows.append(TableRow((d.stage, d.option, str(d.published), here, d.effect)))
    heads = ("stage", "option", "published", "here", "what is known")
    columns = tuple(Column(head, words=True) for head in heads)
    return Table("Settings that differ and are known to matter", columns, tuple(rows))
