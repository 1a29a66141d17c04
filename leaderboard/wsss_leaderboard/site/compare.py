"""The page that compares two rows; a script in the browser combines their data."""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsss_leaderboard.ranking.entries import Entry
from wsss_leaderboard.ranking.ranking import means_of
from wsss_leaderboard.site.board import folder_of, targets_of
from wsss_leaderboard.site.board_table import BoardTable
from wsss_leaderboard.site.pages import Pages

DIGITS = 5  # of fractions in data files
KINDS = (("method",), ("bound", "control"))  # tables pools its spreads over seeds


def write_compare(pages: Pages, tables: Sequence[BoardTable]) -> None:
    """Write the page, and the image ids in the order of every row's influences."""
    board, folder = tables[0].board, folder_of(tables[0].board)
    pages.write(
        f"{folder}/compare.html",
        "compare.html",
        board=board,
        groups=[(name, rows) for name, rows in tables[0].groups if name != "published"],
        targets=targets_of(board),
    )
    keys = [target.key for target in targets_of(board)]
    ids = dict(zip(keys, map(ids_of, tables), strict=True))
    pages.write_data(f"{folder}/data/images.js", "images", ids)


def ids_of(table: BoardTable) -> list[str]:
    """The scored images of a target, in the order of all influences."""
    tallies = (run.tallies.get(table.target) for run in table.board.loaded)
    first = next(filter(None, tallies), None)
    return list(first.ids) if first else []


def pairs_of(table: BoardTable) -> dict[str, dict[str, Any]]:
    """For each method with an estimate, the data from which its differences are computed.

    ``at``: its place in the lists of all methods. ``reach``: half of the 95 % interval of the
    difference to each method, a fraction. ``seeds``: for each of these, 1 if it includes the
    spread over seeds, 0 if no row has several seeds. ``influence``: of tables image on its mIoU,
    32-bit floats in base64.
    """
    estimated = [row.entry for row in table.rows if row.entry and row.entry.estimate]
    if not estimated:
        return {}
    reaches, seeds = reaches_of(estimated)
    return {
        entry.method: {
            "at": place,
            "reach": reaches[place].round(DIGITS).tolist(),
            "seeds": seeds[place].astype(int).tolist(),
            "influence": encoded(entry.estimate.influence) if entry.estimate else "",
        }
        for place, entry in enumerate(estimated)
    }


def reaches_of(entries: Sequence[Entry]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Half-widths of the intervals of all differences, and whether they include seeds, both (n, n).

    The spread over seeds is pooled as for the ranking: over methods, and over bounds and controls.
    Only differences between the two kinds use a spread pooled over all rows.
    """
    runs = means_of(entries)
    reaches = runs.differences().reaches
    seeds = np.full(reaches.shape, runs.within is not None)
    for kinds in KINDS:
        if places := [place for place, entry in enumerate(entries) if entry.kind in kinds]:
            runs, block = means_of([entries[place] for place in places]), np.ix_(places, places)
            reaches[block], seeds[block] = runs.differences().reaches, runs.within is not None
    return reaches, seeds


def encoded(values: NDArray[np.float64]) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode()
