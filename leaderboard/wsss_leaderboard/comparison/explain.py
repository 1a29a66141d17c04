"""From which stage on the numbers of a row depart from those that were published, and what differs.

The stages are compared in their order: the losses of the generator, the masks, each segmentor.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from wsss_harness.contract.errors import ConfigError
from wsss_harness.execution.run import RowOutcome
from wsss_harness.plugins.registry import installed
from wsss_harness.store.stage import Stage, upstream
from wsss_harness.store.store import Store
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.rows import RowStages
from wsss_harness.suite.selection import Request
from wsss_harness.system.files import read_json
from wsss_leaderboard.records.collect import Collector
from wsss_leaderboard.records.expected import Expected, expected
from wsss_leaderboard.records.published import Data, Figure, Published, published
from wsss_leaderboard.records.record import Record

LOSSES = "losses.json"
SCORED, VAL = "train", "val"  # the splits of published figures of masks and of segmentors


@dataclass(frozen=True)
class FigureComparison:
    """A number of a stage; ``measured`` is None where it was not run.

    ``images`` says that the published number is of other images, so that nothing departs.
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
class Difference:
    """An option whose value here is not the one of the published number."""

    stage: str
    option: str
    here: Any
    published: Any
    effect: str


@dataclass(frozen=True)
class Explanation:
    comparisons: tuple[FigureComparison, ...]
    differences: tuple[Difference, ...]

    @property
    def first(self) -> FigureComparison | None:
        """The first number that departs."""
        return next((one for one in self.comparisons if one.departs), None)


def explain(row: RowStages, record: Record, store: Store, figures: Published) -> Explanation:
    """Compare a row with the ``figures`` of one dataset for a row of its name.

    Raises:
        ConfigError: nothing was published for this method.
    """
    [(name, data)] = figures.datasets.items()
    known, generator = expected().of(name), generator_of(row)
    found = (
        *losses(generator, maker(row), known, store, _other_data(record, data)),
        *mious(record, row, figures, known),
    )
    if not found:
        names = sorted({figure.method for figure in figures.figures})
        raise ConfigError(
            f"no figures of '{row.row.method}' are known, but those of {', '.join(names)}: "
            "give the row one of these names, or add figures to published.toml"
        )
    return Explanation(found, tuple(differences(row, known)))


def generator_of(row: RowStages) -> Stage:
    """The stage that trained the generator of a row."""
    return next(stage for stage in upstream(row.masks) if stage.kind == "fit")


def maker(row: RowStages) -> str:
    """The method of a row without what refines it."""
    return row.row.method.partition(" + ")[0]


def _other_data(record: Record, data: Data) -> str:
    """What to say if the images of a record are not those of the published masks."""
    if record.masks is None:
        return ""
    same = {*data.classes, "background"} == set(record.masks.score.iou)
    wanted = data.splits[SCORED]
    if same and record.masks.images == wanted:
        return ""
    return f"{record.masks.images:,} images here, {wanted:,} there" if same else "other classes"


def losses(
    fit: Stage, method: str, known: Expected, store: Store, images: str
) -> Iterator[FigureComparison]:
    """The losses of the generator at the iterations of a published curve."""
    published_losses = known.losses_of(method)
    if published_losses is None:
        return
    measured = read_losses(fit, store)
    for name, curve in published_losses.curves.items():
        for iteration, value in curve.items():
            here = measured.get(iteration, {}).get(name)
            allowed = known.allowances.loss * value
            what = f"{name} at {iteration:,}"
            yield FigureComparison(
                fit.title, what, value, allowed, here, published_losses.source, images
            )


def read_losses(fit: Stage, store: Store) -> dict[int, dict[str, float]]:
    """The means of the losses by iteration; empty where the stage has none."""
    path = store.folder(fit) / LOSSES
    if not store.done(fit) or not path.is_file():
        return {}
    return {int(one["iteration"]): one for one in read_json(path)}


def mious(
    record: Record, row: RowStages, figures: Published, known: Expected
) -> Iterator[FigureComparison]:
    """The mIoU of masks and segmentors, in percent."""
    made = {s.segmentor: s for s in record.segmentations}
    allowances = known.allowances
    parts: list[tuple[str, str, str, float]] = [("masks", "", SCORED, allowances.masks)]
    parts += [(s.fit.title, s.label, VAL, allowances.segmentation) for s in row.segmentations]
    for title, segmentor, split, allowed in parts:
        part = made.get(segmentor) if segmentor else record.masks
        if figure := _wanted(figures.named(row.row.method, segmentor), split):
            wanted = figures.datasets[figure.dataset].splits[split]
            images = ""
            if part and not figures.fits(figure, set(part.score.iou) - {"background"}, part.images):
                images = f"{part.images:,} images here, {wanted:,} there"
            here = 100 * part.score.miou if part else None
            source = "; ".join(filter(None, (figure.how, figure.where)))
            yield FigureComparison(
                title, f"mIoU of {split}", figure.value, allowed, here, source, images
            )


def _wanted(figures: Sequence[Figure], split: str) -> Figure | None:
    """What the authors published; what others reported where they did not."""
    found = {figure.kind: figure for figure in figures if figure.split == split}
    return found.get("published") or found.get("reported")


def differences(row: RowStages, known: Expected) -> Iterator[Difference]:
    """The settings that are known to matter and are others here."""
    for setting in known.settings:
        method = maker(row) if setting.kind in ("fit", "score") else row.row.method
        stage = stage_of(row, setting.kind, setting.segmentor)
        if stage is None or method not in setting.methods:
            continue
        here = value_at(stage.options, setting.option)
        if here != setting.value:
            yield Difference(stage.title, setting.option, here, setting.value, setting.effect)


def stage_of(row: RowStages, kind: str, segmentor: str = "") -> Stage | None:
    """The stage of a row that a setting is about; None where the row has none of its kind."""
    if kind in ("segment", "predict"):
        made = [one for one in row.segmentations if one.label == segmentor]
        return {"segment": made[0].fit, "predict": made[0].predictions}[kind] if made else None
    stages = {stage.kind: stage for stage in upstream(row.masks)}
    found = {**stages, "fit": generator_of(row), "mask": row.masks}
    if refined := stages.get("refine"):
        found["refiner"] = refined.inputs["fit"]
    return found.get(kind)


def value_at(options: Mapping[str, Any], path: str) -> Any:
    """The value that a path with dots leads to, tuples as lists; None where there is none."""
    value: Any = options
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return list(value) if isinstance(value, tuple) else value


# The command


def print_explanation(
    request: Request, method: str, seed: int | None, root: Path, console: Console, as_json: bool
) -> None:
    """Print where a row departs from what was published, as far as it has been run."""
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
    found = explain(row, record, store, published().of(dataset.classes))
    if as_json:
        first = asdict(found.first) if found.first else None
        console.print_json(json.dumps({**asdict(found), "first": first}))
        return
    console.print(_numbers(found.comparisons))
    for line in conclusion(found):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if found.differences:
        console.print(_settings(found.differences))


def conclusion(found: Explanation) -> Iterator[str]:
    if found.first:
        one = found.first
        yield f"The first to depart: {one.stage}, {one.what} ({one.source})"
    elif any(one.measured is not None and not one.images for one in found.comparisons):
        yield "Nothing departs by more than is allowed."
    elif all(one.measured is None for one in found.comparisons):
        yield "Nothing of this row has been run yet."
    if other := next((one.images for one in found.comparisons if one.images), ""):
        yield f"Numbers on other data are never called a departure: {other}."


def _numbers(comparisons: Sequence[FigureComparison]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for name, justify in (
        ("stage", "left"),
        ("", "left"),
        ("expected", "right"),
        ("allowed", "right"),
        ("here", "right"),
        ("", "left"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for one in comparisons:
        digits = 3 if one.what.startswith("loss") else 2
        here = "not run" if one.measured is None else f"{one.measured:.{digits}f}"
        verdict = "departs" if one.departs else "other data" * bool(one.images)
        table.add_row(
            one.stage,
            one.what,
            f"{one.expected:.{digits}f}",
            f"±{one.allowed:.{digits}f}",
            here,
            verdict,
            style="bold" if one.departs else None,
        )
    return table


def _settings(differences: Sequence[Difference]) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD,
        title="Settings that differ and are known to matter",
        title_justify="left",
    )
    for name in ("stage", "option", "published", "here", "what is known"):
        table.add_column(name, overflow="fold")
    for one in differences:
        table.add_row(one.stage, one.option, str(one.published), _told(one.here), one.effect)
    return table


def _told(value: Any) -> str:
    return "not said" if value is None else str(value)
