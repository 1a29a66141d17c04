"""Tables: the same content in the terminal, in Markdown, as CSV and as JSON."""

import csv
import io
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table as RichTable

from wsss_harness.errors import ConfigError
from wsss_harness.files import write_text
from wsss_leaderboard.records import Masks, Policy, Record, Segmentation

NOTHING = "-"


@dataclass(frozen=True)
class Table:
    """Cells are text; ``dim`` are the numbers of rows that are controls, not methods."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    dim: frozenset[int] = frozenset()
    notes: tuple[str, ...] = ()

    def rich(self) -> RichTable:
        table = RichTable(
            title=escape(self.title),
            title_justify="left",
            title_style="bold",
            caption=escape("\n".join(self.notes)) or None,
            caption_justify="left",
            box=box.SIMPLE_HEAD,
            pad_edge=False,
        )
        for number, column in enumerate(self.columns):
            left = number == 0 or column in ("Seg", "sup", "rule")
            wrap = number == 0
            table.add_column(column, justify="left" if left else "right", no_wrap=not wrap)
        for number, row in enumerate(self.rows):
            style = "dim" if number in self.dim else ""
            table.add_row(*(escape(inert(cell)) for cell in row), style=style)
        return table

    def markdown(self) -> str:
        lines = [f"**{inert(self.title)}**", ""]
        lines += [_line(self.columns), _line(["---"] * len(self.columns))]
        lines += [_line([_escape_markdown(cell) for cell in row]) for row in self.rows]
        lines += ["", *(f"{inert(note)}  " for note in self.notes)]
        return "\n".join(lines).rstrip() + "\n"

    def csv(self) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([self.columns, *self.rows])
        return text.getvalue()

    def json(self) -> dict[str, Any]:
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return {"title": self.title, "rows": rows, "notes": list(self.notes)}


def inert(text: str) -> str:
    """One line without control characters, whatever a label holds."""
    return "".join(c if c.isprintable() else " " for c in text)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _escape_markdown(text: str) -> str:
    escaped = inert(text)
    for mark in "\\|*_<>[]`":
        escaped = escaped.replace(mark, "\\" + mark)
    return escaped


def percent(values: Sequence[float | None]) -> str:
    """A fraction in percent, or the mean and standard deviation of those of several seeds."""
    return _spread(values, 100, 1)


def number(values: Sequence[float | None]) -> str:
    return _spread(values, 1, 2)


def _spread(values: Sequence[float | None], scale: float, digits: int) -> str:
    known = [scale * value for value in values if value is not None]
    if not known or len(known) < len(values):
        return NOTHING
    mean = f"{statistics.mean(known):.{digits}f}"
    return mean if len(known) == 1 else f"{mean} ±{statistics.stdev(known):.{digits}f}"


def by_method(records: Sequence[Record]) -> list[list[Record]]:
    """The records of each method, seeds together, in the order of the first of each."""
    order = {record.method: place for place, record in reversed(list(enumerate(records)))}
    ordered = sorted(records, key=lambda record: order[record.method])
    return [list(group) for _, group in groupby(ordered, key=lambda record: record.method)]


def mask_table(records: Sequence[Record]) -> Table:
    """The pseudo-masks of every method beside the control rows.

    Raises:
        ConfigError: the records are of different data, or a method uses saliency and what
            saliency alone gives is not among them.
    """
    check_comparable(records)
    columns = ("Method", "sup", "rule", "mIoU", "prec.", "recall", "at 0.20", "oracle")
    return _table("Pseudo-masks", columns, records, _mask_cells, _notes(records))


def failure_table(records: Sequence[Record]) -> Table:
    """The three failures of class maps, a number for each: coverage, boundaries, context."""
    check_comparable(records)
    columns = ("Method", "sup", "large prec.", "large recall", "bound. F", "m(k,c)")
    notes = (
        "Sparse coverage: recall below precision on large objects (15 % of the image or more).",
        "Wrong boundaries: F-score of edges. Context: m(k,c) = FP(k,c) / TP(c), lower is better.",
    )
    return _table(
        "Coverage, boundaries and context of the masks", columns, records, _failure, notes
    )


Cells = Callable[[Sequence[Masks]], tuple[str, ...]]


def _table(
    title: str,
    columns: tuple[str, ...],
    records: Sequence[Record],
    cells: Cells,
    notes: tuple[str, ...],
) -> Table:
    groups = by_method(records)
    first = next((record.masks for record in records if record.masks), None)
    images = f", {first.images} train images" if first else ""
    return Table(
        title + images,
        columns,
        tuple(_row(group, cells, len(columns)) for group in groups),
        frozenset(place for place, group in enumerate(groups) if group[0].control),
        notes,
    )


def _row(group: Sequence[Record], cells: Cells, width: int) -> tuple[str, ...]:
    head = (group[0].method, group[0].supervision.column)
    found = [record.masks for record in group if record.masks]
    if len(found) < len(group):
        return (*head, "failed", *[NOTHING] * (width - 3))
    return (*head, *cells(found))


def _mask_cells(found: Sequence[Masks]) -> tuple[str, ...]:
    def other(policy: Policy) -> str:
        known = all(policy in masks.others for masks in found)
        return percent([m.others[policy].score.miou for m in found]) if known else NOTHING

    return (
        ", ".join(sorted({masks.rule for masks in found})) + _MARKS[found[0].chosen_on],
        percent([masks.score.miou for masks in found]),
        percent([masks.score.precision for masks in found]),
        percent([masks.score.recall for masks in found]),
        other("fixed"),
        other("oracle"),
    )


def _failure(found: Sequence[Masks]) -> tuple[str, ...]:
    return (
        percent([masks.large["precision"] for masks in found]),
        percent([masks.large["recall"] for masks in found]),
        percent([masks.boundary["f"] for masks in found]),
        number([masks.cooccurrence.get("mean") for masks in found]),
    )


_MARKS = {"fixed": "", "held_out": " (h)", "oracle": " (o)"}


def _notes(records: Sequence[Record]) -> tuple[str, ...]:
    chosen = {record.masks.chosen_on for record in records if record.masks}
    used = sorted({w.trained_on for r in records for w in r.supervision.weights})
    labelled = sorted({r.method for r in records if r.supervision.labels_at_inference})
    lines = [
        "I. image labels, S. saliency, F. truth (no method may). Dim rows are controls.",
        "(h) threshold chosen on the truth of held-out train images." * ("held_out" in chosen),
        "(o) threshold chosen on the truth of the scored images." * ("oracle" in chosen),
        "oracle: best threshold on the truth of the scored images.",
        f"Initial weights trained on: {', '.join(used)}." * bool(used),
        f"Image labels used at inference by: {', '.join(labelled)}." * bool(labelled),
    ]
    quality = next((r.saliency for r in records if r.saliency), None)
    if quality:
        lines.append(
            f"Saliency: IoU at 0.5 {quality.iou:.2f}, mean absolute error {quality.error:.3f}, "
            f"largest F {quality.max_f:.2f}."
        )
    failures = [f"{r.method}, seed {r.seed}: {r.failure.message}" for r in records if r.failure]
    return tuple(line for line in (*lines, *failures) if line)


def segmentation_table(records: Sequence[Record]) -> Table:
    """Segmentors trained on the masks, in the form of the paper's table."""
    check_comparable(records)
    rows = [row for group in by_method(records) for row in _segmentation_rows(group)]
    first = next((s for record in records for s in record.segmentations), None)
    images = f", mIoU on {first.images} val images" if first else ""
    return Table(
        f"Segmentation{images}",
        ("Method", "Seg", "sup", "val"),
        tuple(rows),
        notes=("Scored by mmsegmentation, without CRF, the last iteration's weights.",),
    )


def _segmentation_rows(group: Sequence[Record]) -> list[tuple[str, ...]]:
    first = group[0]
    wanted = first.recipe["segmentors"]
    rows: list[tuple[str, ...]] = []
    for label in wanted:
        found = [_named(record, label) for record in group]
        values = [s.mmseg["mIoU"] / 100 if s else None for s in found]
        rows.append((first.method, label, first.supervision.column, percent(values)))
    return rows


def _named(record: Record, label: str) -> Segmentation | None:
    return next((s for s in record.segmentations if s.segmentor == label), None)


def check_comparable(records: Sequence[Record]) -> None:
    """Raise ConfigError unless the records may stand in one table."""
    if len({record.data for record in records}) > 1:
        raise ConfigError("records of different data never share a table; choose one dataset")
    methods = [r for r in records if not r.control and "saliency" in r.supervision.declared]
    controls = [r for r in records if r.control and "saliency" in r.supervision.declared]
    if methods and not controls:
        raise ConfigError(
            f"'{methods[0].method}' uses saliency, so its table needs the control rows of the same "
            "data; add the records that `wsss run` made for them"
        )


def write_tables(folder: Path, tables: Sequence[tuple[str, Table]]) -> None:
    """Write each table as ``name``.md and ``name``.csv."""
    for name, table in tables:
        write_text(folder / f"{name}.md", table.markdown())
        write_text(folder / f"{name}.csv", table.csv())
