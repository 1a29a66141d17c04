"""The table of what refiners add: a method alone, and with each refiner, beside what is known.

Its form is that of the reproduced report: Method, Paper, ours, w/ Affinity Net.
"""

from collections.abc import Iterator, Sequence

from wsss_leaderboard.ranking.standings import NONE, Standings
from wsss_leaderboard.records.published import published
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.tables.builtin import by_method
from wsss_leaderboard.tables.filled import fill
from wsss_leaderboard.tables.pairs import Family, paired
from wsss_leaderboard.tables.table import Table
from wsss_leaderboard.tables.tablefiles import JOINT, ColumnSpec, RowSpec, TableFile

KINDS = {"published": "Paper", "reported": "reported"}


def refinement_table(records: Sequence[Record], standings: Standings = NONE) -> Table | None:
    """The table over all methods that were refined, or None if none was.

    Bold is ranked as ``standings`` has it.

    Raises:
        ConfigError: the records may not share a table (see ``check_comparable``).
    """
    families = list(paired(by_method(records)))
    if not families:
        return None
    dataset = published().dataset_of(records)
    rows = tuple(row for family in families for row in _rows(family))
    return fill(
        TableFile(
            title="What refiners add",
            dataset=dataset,
            bold="row",
            rows=rows,
            columns=tuple(_columns(families, rows, dataset)),
        ),
        records,
        standings,
    )


def _rows(family: Family) -> Iterator[RowSpec]:
    """A row for the masks, and one for each segmentor of the method alone."""
    head = family.plain[0]
    for segmentor in ("", *head.recipe["segmentors"]):
        yield RowSpec(method=head.method, segmentor=segmentor)


def _columns(
    families: Sequence[Family], rows: Sequence[RowSpec], dataset: str
) -> Iterator[ColumnSpec]:
    """What is known stands before what was measured."""
    named = [f for row in rows for f in published().named(row.method, row.segmentor)]
    known = {figure.kind for figure in named if figure.dataset == dataset}
    yield ColumnSpec(head="Method", words="method")
    yield ColumnSpec(head="Seg", words="seg")
    yield ColumnSpec(head="sup", words="sup")
    for kind in sorted(known):
        yield ColumnSpec(head=KINDS[kind], figure=kind)
    paper = KINDS["published"] if "published" in known else ""
    yield ColumnSpec(head="ours", number="mIoU", less=paper)
    for chain in dict.fromkeys(chain for family in families for chain in family.refined):
        refiner = JOINT.join(chain)
        if "reported" in known:
            head = f"{KINDS['reported']} w/ {refiner}"
            yield ColumnSpec(head=head, figure="reported", refiner=refiner)
        yield ColumnSpec(head=f"w/ {refiner}", number="mIoU", refiner=refiner, less="ours")
