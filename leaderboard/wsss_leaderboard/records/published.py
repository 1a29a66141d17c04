"""Published figures, losses and settings with their sources, from published.toml and expected.toml.

They are shown beside measured ones, never mixed with them.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.system.models import StrictModel, read_toml, validated
from wsss_leaderboard.records.record import Record

FigureKind = Literal["published", "reported"]
PUBLISHED = Path(__file__).with_name("published.toml")
EXPECTED = PUBLISHED.with_name("expected.toml")
OF_GENERATORS = ("regions", "fit", "score")
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Data(StrictModel):
    """The classes of a dataset, and the number of images in each split."""

    classes: tuple[str, ...]
    splits: dict[str, int]


class Figure(StrictModel):
    """An mIoU in percent; ``segmentor`` is empty for pseudo-masks.

    ``kind``: ``published`` by those who made the method, or ``reported`` by those who repeated it.
    What the source does not say is empty: published.toml explains the fields.
    """

    kind: FigureKind = "published"
    method: str
    venue: Annotated[str, Field(pattern=r"^(.+ \d{4})?$")] = ""
    sup: Literal["I.", "I.+S."]
    segmentor: str = ""
    backbone: str = ""
    init: str = ""
    crf: Literal["", "no", "yes"] = ""
    dataset: str
    split: str
    value: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
    protocol: str = ""
    source: str
    table: str = ""
    confidence: Literal["authors", "quoted", "unverified"]

    @property
    def year(self) -> int | None:
        return int(self.venue[-4:]) if self.venue else None

    @property
    def cell(self) -> str:
        """The value with the digits that were published."""
        return f"{self.value}" + "?" * (self.confidence == "unverified")

    @property
    def how(self) -> str:
        """How it was measured, as far as the source says."""
        start = f"starts from {self.init}" if self.init else ""
        crf = {"no": "no CRF", "yes": "with a CRF", "": ""}[self.crf]
        return ", ".join(filter(None, (self.backbone, start, crf, self.protocol)))

    @property
    def where(self) -> str:
        return f"{self.source}, table {self.table}" if self.table else self.source

    @property
    def note(self) -> str:
        return notes_of([self])[0]


def notes_of(figures: Iterable[Figure]) -> list[str]:
    """A note on each source; figures that differ only in the split share one."""
    groups: dict[tuple[str, ...], list[Figure]] = {}
    for figure in dict.fromkeys(figures):
        groups.setdefault(
            (figure.kind, figure.method, figure.segmentor, figure.how, figure.where), []
        ).append(figure)
    return [
        f"{kind.capitalize()} {_cells(group)}, {method}{f', {segmentor}' if segmentor else ''}: "
        f"{f'{how} ' if how else ''}({where})."
        for (kind, method, segmentor, how, where), group in groups.items()
    ]


def _cells(group: list[Figure]) -> str:
    if len(group) == 1:
        return group[0].cell
    return " and ".join(f"{figure.cell} ({figure.split})" for figure in group)


ALIKE = ("dataset", "init", "crf")


def check_alike(figures: Iterable[Figure]) -> None:
    """Refuse figures whose sources state different conditions; an empty field agrees with all.

    Splits may differ, since each has its own column.

    Raises:
        ConfigError: names two figures and what they differ in.
    """
    firsts: dict[str, Figure] = {}
    for figure in figures:
        for field in filter(lambda name: getattr(figure, name), ALIKE):
            first = firsts.setdefault(field, figure)
            if getattr(first, field) != getattr(figure, field):
                raise ConfigError(
                    f"the {first.kind} {first.cell} of '{first.method}' has {field} "
                    f"'{getattr(first, field)}', the {figure.kind} {figure.cell} of "
                    f"'{figure.method}' has '{getattr(figure, field)}'; unlike protocols never "
                    "share a table: leave one of them out"
                )


def segmented(record: Record, label: str) -> dict[str, str]:
    """What a segmentor started from and whether a CRF followed, if its steps say so."""
    settings = {}
    for step in record.steps if label else ():
        if step.stage.startswith(f"segment {label} on ") and "weights" in step.options:
            settings["init"] = str(step.options["weights"]["trained_on"])
        if step.stage.startswith(f"predict {label} on ") and "crf" in step.options:
            settings["crf"] = "no" if step.options["crf"] == "none" else "yes"
    return settings


class Published(StrictModel):
    datasets: dict[str, Data]
    figures: tuple[Figure, ...]

    def beside(self, record: Record, segmentor: str = "") -> Figure | None:
        """The published figure for a row of this name, unless known to be measured otherwise."""
        named = [f for f in self.named(record.method, segmentor) if f.kind == "published"]
        measured = [f for f in named if f.split != "test" and not self.unlike(f, record)]
        return measured[0] if measured else None

    def unlike(self, figure: Figure, record: Record) -> str:
        """How a figure was measured differently from a record; empty if no difference is known."""
        data, masks = self.datasets[figure.dataset], record.masks
        if masks and {"background", *data.classes} != set(masks.score.iou):
            return "other classes"
        measured = record.protocol.val_images if figure.segmentor else record.protocol.images
        stated = data.splits["val" if figure.segmentor else figure.split]
        if measured != stated:
            return f"{stated:,} images there, {measured:,} here"
        for name, ours in segmented(record, figure.segmentor).items():
            theirs = getattr(figure, name)
            if theirs and ours != theirs:
                return f"{name} '{theirs}' there, '{ours}' here"
        return ""

    def named(self, method: str, segmentor: str) -> list[Figure]:
        return [f for f in self.figures if (f.method, f.segmentor) == (method, segmentor)]

    def of(self, classes: Collection[str]) -> "Published":
        """The dataset with these classes and its figures; the first dataset if none has them."""
        names = (name for name, data in self.datasets.items() if set(data.classes) == set(classes))
        kept = next(names, next(iter(self.datasets)))
        figures = tuple(figure for figure in self.figures if figure.dataset == kept)
        return self.model_copy(update={"datasets": {kept: self.datasets[kept]}, "figures": figures})

    def dataset_of(self, records: Iterable[Record]) -> str:
        """The name of the dataset whose classes were measured; empty if it is not listed."""
        measured = next((r.masks.score for r in records if r.masks), None)
        classes = set(measured.iou) - {"background"} if measured else set()
        names = (name for name, data in self.datasets.items() if set(data.classes) == classes)
        return next(names, "")

    def fits(self, figure: Figure, names: Collection[str], images: int) -> bool:
        """Whether a figure is of these classes, background aside, and number of images."""
        data = self.datasets[figure.dataset]
        same_classes = set(data.classes) == set(names) - {"background"}
        return same_classes and data.splits[figure.split] == images


@cache
def published(path: Path = PUBLISHED) -> Published:
    """The figures in a TOML file; DataError names the file and the invalid field or figure."""
    content = validated(Published, read_toml(path), path)
    for figure in content.figures:
        data = content.datasets.get(figure.dataset)
        if data is None or figure.split not in data.splits:
            raise DataError(
                f"{path}: '{figure.method}' is on '{figure.dataset} {figure.split}', "
                "which is not under datasets; add it there"
            )
    counts = Counter((f.kind, f.method, f.segmentor, f.dataset, f.split) for f in content.figures)
    for key, count in counts.items():
        if count > 1:
            raise DataError(
                f"{path}: {count} figures for {', '.join(filter(None, key))}; give "
                "one of them another method name"
            )
    return content


# What is expected of a method, stage by stage


class Allowances(StrictModel):
    """How much a number may differ: a loss by a fraction of itself, mIoU by points."""

    loss: Positive
    masks: Positive
    segmentation: Positive


class ExpectedLosses(StrictModel):
    """A published curve: the mean of a loss over 50 iterations that end at each of these."""

    method: str
    dataset: str
    source: str
    iterations: tuple[int, ...]
    loss_cls: tuple[Positive, ...]
    loss_sal: tuple[Positive, ...] = ()

    @property
    def curves(self) -> dict[str, dict[int, float]]:
        """Each loss by iteration."""
        named = {"loss_cls": self.loss_cls, "loss_sal": self.loss_sal}
        return {
            name: dict(zip(self.iterations, values, strict=True))
            for name, values in named.items()
            if values
        }


class ExpectedSetting(StrictModel):
    """The published value of an option of a stage, and the known effect of other values.

    ``methods`` are generators for the kinds in OF_GENERATORS, whole rows for the others.
    ``before``: of a fit, how many rounds before the last one it is. ``dataset`` is empty for a
    value that holds on all of them. ``published`` is false where the authors state no value and
    ours is a choice.
    """

    methods: tuple[str, ...]
    dataset: str = ""
    segmentor: str = ""
    kind: Literal["regions", "fit", "score", "refiner", "refine", "mask", "segment", "predict"]
    before: Annotated[int, Field(ge=0)] = 0
    option: str
    value: Any
    effect: str
    published: bool = True


class Expected(StrictModel):
    allowances: Allowances
    losses: tuple[ExpectedLosses, ...]
    settings: tuple[ExpectedSetting, ...]

    def of(self, dataset: str) -> "Expected":
        """What is expected on one dataset."""
        losses = tuple(entry for entry in self.losses if entry.dataset == dataset)
        settings = tuple(entry for entry in self.settings if entry.dataset in ("", dataset))
        return self.model_copy(update={"losses": losses, "settings": settings})


@cache
def expected(path: Path = EXPECTED) -> Expected:
    """The content of a TOML file; DataError names the file and the invalid field."""
    content = validated(Expected, read_toml(path), path)
    for losses in content.losses:
        count = len(losses.iterations)
        if {len(losses.loss_cls), len(losses.loss_sal) or count} != {count}:
            raise DataError(
                f"{path}: the curves of '{losses.method}' differ in length; give each loss a value "
                "for every iteration"
            )
    return content
