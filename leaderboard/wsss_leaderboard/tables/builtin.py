"""The tables that are made of every suite's records."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from wsss_harness.metrics.anatomy import CAUSES
from wsss_leaderboard.ranking.standings import NONE, Standings
from wsss_leaderboard.records.published import published
from wsss_leaderboard.records.record import Record, by_method, distinct
from wsss_leaderboard.records.scores import Cause, Masks, Policy, Segmentation, rule_words
from wsss_leaderboard.tables import notes
from wsss_leaderboard.tables.assembly import Measure, MethodRow, assemble, items_of
from wsss_leaderboard.tables.comparable import check_comparable
from wsss_leaderboard.tables.table import NOTHING, Table


def _at(policy: Policy) -> Callable[[Masks], float | None]:
    return lambda masks: masks.others[policy].score.miou if policy in masks.others else None


def _wrong(anatomy: Mapping[str, Cause]) -> float | None:
    shares = [cause.share for cause in anatomy.values() if cause.share is not None]
    return sum(shares) if shares else None


def _cause(cause: str, field: Literal["share", "gain"]) -> Callable[[Masks], float | None]:
    return lambda masks: getattr(masks.anatomy[cause], field) if cause in masks.anatomy else None


def _finds(masks: Masks) -> bool:
    """Whether masks have an object; without one, precision is only that of the background."""
    return any(iou for name, iou in masks.score.iou.items() if name != "background")


MASK_MEASURES: tuple[Measure[Masks], ...] = (
    Measure("mIoU", lambda masks: masks.score.miou),
    Measure("prec.", lambda masks: masks.score.precision if _finds(masks) else None),
    Measure("recall", lambda masks: masks.score.recall),
    Measure("at 0.20", _at("fixed")),
    Measure("oracle", _at("oracle")),
)
FAILURES: tuple[Measure[Masks], ...] = (
    Measure("large prec.", lambda masks: masks.large["precision"]),
    Measure("large recall", lambda masks: masks.large["recall"]),
    Measure("bound. F", lambda masks: masks.boundary["f"]),
    Measure("m(k,c)", lambda masks: masks.cooccurrence.get("pooled"), 1, 2, lower_is_better=True),
)
ANATOMY: tuple[Measure[Masks], ...] = (
    Measure("wrong", lambda masks: _wrong(masks.anatomy), lower_is_better=True),
    *(Measure(cause, _cause(cause, "share"), lower_is_better=True) for cause in CAUSES),
)
GAINS: tuple[Measure[Masks], ...] = tuple(
    Measure(cause, _cause(cause, "gain"), ranked=False) for cause in CAUSES
)
VAL: tuple[Measure[Segmentation], ...] = (
    Measure("val", lambda segmentation: segmentation.mmseg["mIoU"], scale=1),
)


def mask_table(records: Sequence[Record], standings: Standings = NONE) -> Table:
    """The pseudo-masks of every method beside the control rows, ranked by ``standings``.

    Raises:
        ConfigError: the records may not share a table (see ``check_comparable``).
    """
    check_comparable(records)
    rows = [
        _mask_row(group, (_labels(group), rule_of(group)), compared=True)
        for group in by_method(records).values()
    ]
    footnotes = (
        *notes.sup(record.sup for record in records),
        "labels: whether image labels are used at inference.",
        *notes.chosen(records),
        "at 0.20, oracle: mIoU at this threshold, and at the best one for the scored images.",
        *notes.packs(records),
        *notes.kinds(records),
        *notes.weights(records),
        *notes.saliency(records),
        *standings.notes.get("", ()),
        *notes.common(records),
    )
    heads = ("Method", "sup", "labels", "rule")
    title = f"Pseudo-masks{_images(records)}"
    return assemble(title, heads, rows, MASK_MEASURES, footnotes, standings)


def failure_table(records: Sequence[Record]) -> Table:
    """The three failures of class maps, each as numbers: coverage, boundaries, context."""
    return _measured(
        "Coverage, boundaries and context of the masks",
        records,
        FAILURES,
        "Sparse coverage: recall below precision on large objects (15 % of the image or more).",
        "Wrong boundaries: F-score of edges. Context: m(k,c) = FP(k,c) / TP(c), "
        "pooled over the pairs, lower is better.",
    )


def _measured(
    title: str, records: Sequence[Record], measures: Sequence[Measure[Masks]], *footnotes: str
) -> Table:
    """What some measures say of the masks of every method."""
    check_comparable(records)
    rows = list(map(_mask_row, by_method(records).values()))
    footnotes += tuple(notes.ending(records))
    return assemble(title + _images(records), ("Method", "sup"), rows, measures, footnotes)


def anatomy_tables(records: Sequence[Record]) -> tuple[Table, Table] | None:
    """Why pixels are wrong, and how much mIoU each cause costs; None without an anatomy.

    Every wrong pixel has one cause, so the shares of causes add up to the wrong share.
    """
    if not any(record.masks and record.masks.anatomy for record in records):
        return None
    return (
        _measured("Wrong pixels by cause, % of all pixels", records, ANATOMY, notes.ANATOMY),
        _measured("mIoU to be gained from each cause", records, GAINS, notes.GAINS),
    )


def further_table(records: Sequence[Record]) -> Table | None:
    """What metrics of plugins read from the masks; None if there are none.

    A metric does not declare whether higher is better, so no number is marked.
    """
    further = [record.masks.more for record in records if record.masks]
    numbers_read = {
        (m, key) for read in further for m, values in read.items() for key in numbers(values)
    }
    measures = [
        Measure(
            key if key == metric else f"{metric} {key}", _further(metric, key), 1, 3, ranked=False
        )
        for metric, key in sorted(numbers_read)
    ]
    return _measured("Further metrics of the masks", records, measures) if measures else None


def numbers(values: Mapping[str, Any]) -> list[str]:
    """The names of the values that are single numbers; others are only in the record."""
    return [name for name, value in values.items() if isinstance(value, float | int)]


def _further(metric: str, key: str) -> Callable[[Masks], float | None]:
    return lambda masks: masks.more.get(metric, {}).get(key)


def segmentation_table(records: Sequence[Record], standings: Standings = NONE) -> Table:
    """Segmentors trained on the masks, in the form of the paper's table; ranked one by one."""
    check_comparable(records)
    trained = [record for record in records if record.recipe["segmentors"]]
    rows = [
        _segmentation_row(group, label)
        for group in by_method(trained).values()
        for label in group[0].recipe["segmentors"]
    ]
    first = next((s for record in trained for s in record.segmentations), None)
    images = f", mIoU on {first.images} val images" if first else ""
    footnotes = (
        notes.scored(trained),
        *notes.weights(trained),
        *notes.chosen(trained),
        *notes.packs(trained),
        *controls_note(records),
        *dict.fromkeys(note for row in rows for note in standings.notes.get(row.target, ())),
        *notes.common(trained, first.segmentor if first else ""),
    )
    heads = ("Method", "Seg", "sup", "rule")
    return assemble(f"Segmentation{images}", heads, rows, VAL, footnotes, standings)


def _mask_row(
    group: list[Record], words: tuple[str, ...] = (), compared: bool = False
) -> MethodRow:
    runs = distinct(group)
    figure = published().beside(group[0]) if compared and items_of(runs, "") else None
    return MethodRow(runs, (group[0].method, group[0].sup, *words), figure)


def _segmentation_row(group: list[Record], label: str) -> MethodRow:
    runs = distinct(group, label)
    figure = published().beside(group[0], label) if items_of(runs, label) else None
    words = (group[0].method, label, group[0].sup_of(label), rule_of(group))
    return MethodRow(runs, words, figure, label)


def rule_of(group: Sequence[Record]) -> str:
    """The background rule, with its thresholds and a mark for the images they were chosen on."""
    masks = [record.masks for record in group if record.masks]
    if group[0].unscored:
        stated = {k: v for k, v in group[0].recipe.get("rule", {}).items() if v is not None}
        return rule_words(stated.pop("name", "constant"), stated)
    if not masks:
        return NOTHING
    rules = sorted({m.rule for m in masks})
    text = rules[0] if len(rules) == 1 else f"{rules[0]} to {rules[-1]}"
    return text + notes.CHOSEN[masks[0].chosen_on]


def _labels(group: list[Record]) -> str:
    if not (group[0].masks or group[0].unscored) or group[0].sup == "F.":
        return NOTHING
    if group[0].supervision.stated:
        return "?"
    return "yes" if group[0].supervision.labels_at_inference else "no"


def controls_note(records: Sequence[Record]) -> list[str]:
    """The mask scores of control rows, which train no segmentor."""
    controls = by_method([r for r in records if r.control and not r.recipe["segmentors"]])
    scored = []
    for group in controls.values():
        masks = items_of(distinct(group), "")
        scored.append(f"{group[0].method} {MASK_MEASURES[0].cell(masks, len(masks)).text}")
    return [f"mIoU of the masks of control rows: {'; '.join(scored)}."] if scored else []


def _images(records: Sequence[Record]) -> str:
    first = next((record.masks for record in records if record.masks), None)
    return f", {first.images} train images" if first else ""
