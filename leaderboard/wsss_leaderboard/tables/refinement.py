"""What refiners add: a method alone and with each refiner, beside published figures.

The columns follow the reproduced report: Method, Paper, ours, w/ Affinity Net.
"""

from collections.abc import Iterator, Sequence

from wsss_leaderboard.ranking.standings import NONE, Standings
from wsss_leaderboard.records.published import published
from wsss_leaderboard.records.record import Record, by_method
from wsss_leaderboard.tables.cells import Family, paired
from wsss_leaderboard.tables.filled import fill
from wsss_leaderboard.tables.table import Table
from wsss_leaderboard.tables.tablefiles import JOINT, ColumnSpec, RowSpec, TableFile

KINDS = {"published": "Paper", "reported": "reported"}


def refinement_table(records: Sequence[Record], standings: Standings = NONE) -> Table | None:
    """The table of all methods that were refined, or None if none was.

    ``standings`` rank what is bold.

    Raises:
        ConfigError: the records may not share a table (see ``check_comparable``).
    """
    families = list(paired(by_method(records).values()))
    if not families:
        return None
    dataset = published().dataset_of(records)
    alone = [family.plain[0] for family in families]
    rows = tuple(
        RowSpec(method=record.method, segmentor=segmentor)
        for record in alone
        for segmentor in ("", *record.recipe["segmentors"])
    )
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


def _columns(
    families: Sequence[Family], rows: Sequence[RowSpec], dataset: str
) -> Iterator[ColumnSpec]:
    """Columns of published figures, each before the measured column that it belongs to."""
    figures = [f for row in rows for f in published().named(row.method, row.segmentor)]
    kinds = {figure.kind for figure in figures if figure.dataset == dataset}
    yield ColumnSpec(head="Method", words="method")
    yield ColumnSpec(head="Seg", words="seg")
    yield ColumnSpec(head="sup", words="sup")
    for kind in sorted(kinds):
        yield ColumnSpec(head=KINDS[kind], figure=kind)
    paper = KINDS["published"] if "published" in kinds else ""
    yield ColumnSpec(head="ours", number="mIoU", less=paper)
    for chain in dict.fromkeys(chain for family in families for chain in family.refined):
        refiner = JOINT.join(chain)
        if "reported" in kinds:
            head = f"{KINDS['reported']} w/ {refiner}"
            yield ColumnSpec(head=head, figure="reported", refiner=refiner)
        yield ColumnSpec(head=f"w/ {refiner}", number="mIoU", refiner=refiner, less="ours")
