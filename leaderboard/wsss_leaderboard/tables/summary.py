"""One compact table of a suite: masks and segmentors of every method in a row, best first."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from wsss_leaderboard.ranking.entries import LoadedRecord, boards, kind_of
from wsss_leaderboard.ranking.standings import Standings
from wsss_leaderboard.records.counts import MASKS
from wsss_leaderboard.records.record import Record, by_method, distinct
from wsss_leaderboard.tables import notes
from wsss_leaderboard.tables.assembly import (
    Cell,
    CellRow,
    Measure,
    best_places,
    cell_of,
    table_rows,
)
from wsss_leaderboard.tables.builtin import MASK_MEASURES, VAL
from wsss_leaderboard.tables.lead import lead_of
from wsss_leaderboard.tables.table import NOTHING, Column, Table

READING = "95 %: interval of masks. Ranks: best and worst place consistent with the data."
SCORED_ON = {"train": "masks on {} train images", "val": "segmentors on {} val images"}


def summary_table(loaded: Sequence[LoadedRecord], standings: Standings) -> Table:
    """The masks of every method with interval and rank range, then a column for each segmentor.

    Numbers are mIoU in percent, means over seeds. Controls and bounds stand below the methods.
    """
    records = [run.record for run in loaded]
    labels = tuple(dict.fromkeys(s for record in records for s in record.recipe["segmentors"]))
    rows = sorted((row_of(g, labels, standings) for g in by_method(records).values()), key=order)
    best = best_places(rows, lambda _, column: column)
    columns = [Column("Method", words=True), Column("sup", words=True), Column("masks")]
    columns += [Column("95 %"), *map(Column, labels), Column("ranks")]
    return Table(
        title_of(records), tuple(columns), table_rows(rows, best), reading(loaded, standings)
    )


def reading(loaded: Sequence[LoadedRecord], standings: Standings) -> tuple[str, ...]:
    """Who leads, and how the table is to be read."""
    records = [run.record for run in loaded]
    return (
        *leaders(loaded, standings),
        *notes.sup(record.sup for record in records),
        *(READING, *seeds_note(records)),
        *(*notes.chosen(records), *notes.packs(records), *notes.kinds(records)),
        *(*notes.unscored(records), *notes.named_by_hand(records), *notes.failures(records)),
    )


def row_of(group: Sequence[Record], labels: Sequence[str], standings: Standings) -> CellRow:
    """The cells of a method."""
    standing = standings.of(MASKS, group[0].method)
    place = standing.place if standing else None
    interval = Cell(f"±{100 * place.reach:.1f}" if place else NOTHING)
    ranks = Cell(place.ranks if place and place.best else NOTHING)
    segmentors = (mean_of(VAL[0], group, label, standings) for label in labels)
    cells = (
        *(Cell(group[0].method + mark_of(group)), Cell(group[0].sup)),
        *(mean_of(MASK_MEASURES[0], group, MASKS, standings), interval, *segmentors, ranks),
    )
    return CellRow(MASKS, kind_of(group), cells)


def mean_of(
    measure: Measure[Any], group: Sequence[Record], target: str, standings: Standings
) -> Cell:
    """The mean over seeds; nothing for a target that the method does not have."""
    if target and target not in group[0].recipe["segmentors"]:
        return Cell()
    cell = cell_of(replace(measure, spread=False), distinct(group, target), target)
    return cell.of_standing(standings.of(target, group[0].method))


def mark_of(group: Sequence[Record]) -> str:
    """The mark of a threshold that was chosen on truth."""
    masks = next((record.masks for record in group if record.masks), None)
    return notes.CHOSEN[masks.chosen_on] if masks else ""


def order(row: CellRow) -> tuple[bool, bool, float]:
    """Sort key: methods first, best first, those without masks last."""
    masks = row.cells[2].rank
    return row.kind != "method", masks is None, -(masks or 0)


def seeds_note(records: Sequence[Record]) -> list[str]:
    """How many seeds the means are over; how intervals are to be read with one."""
    counts = {len(group) for group in by_method(records).values() if not group[0].control}
    if counts <= {1}:
        return ["One seed: intervals and ranks cover the choice of images alone."] * bool(counts)
    low, high = min(counts), max(counts)
    return [f"Means over {low if low == high else f'{low} to {high}'} seeds."]


def title_of(records: Sequence[Record]) -> str:
    masks = next((record.masks.images for record in records if record.masks), None)
    val = next((s.images for record in records for s in record.segmentations), None)
    images = {"train": masks, "val": val}
    parts = [SCORED_ON[split].format(count) for split, count in images.items() if count]
    return ", ".join(["mIoU in percent", *parts])


def leaders(loaded: Sequence[LoadedRecord], standings: Standings) -> tuple[str, ...]:
    """A sentence for each target that has methods: who leads, and by how much."""
    sentences = []
    for board in boards(loaded):
        for target in board.targets:
            entries = board.entries(target)
            if any(entry.kind == "method" and entry.mean is not None for entry in entries):
                known = (standings.of(target, entry.method) for entry in entries)
                places = [standing.place if standing else None for standing in known]
                sentences.append(f"{target or 'Masks'}: {lead_of(entries, places)}")
    return tuple(sentences)
