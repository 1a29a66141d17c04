"""What the page that compares two rows is made of; the browser puts two of them together."""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsss_leaderboard.ranking.entries import Entry
from wsss_leaderboard.ranking.means import means_of
from wsss_leaderboard.site.board import folder_of, targets_of
from wsss_leaderboard.site.board_table import BoardTable
from wsss_leaderboard.site.pages import Pages

DIGITS = 5  # of what is written of fractions
KINDS = (("method",), ("bound", "control"))  # of rows whose spreads over seeds are pooled


def write_compare(pages: Pages, each: Sequence[BoardTable]) -> None:
    """Write the page, and the names of the images that the influences of rows are of."""
    board, folder = each[0].board, folder_of(each[0].board)
    pages.write(
        f"{folder}/compare.html",
        "compare.html",
        board=board,
        groups=[(name, lines) for name, lines in each[0].groups if name != "published"],
        targets=targets_of(board),
    )
    keys = [target.key for target in targets_of(board)]
    ids = dict(zip(keys, map(ids_of, each), strict=True))
    pages.write_data(f"{folder}/data/images.js", "images", ids)


def ids_of(found: BoardTable) -> list[str]:
    """The images of a target, in the order of all influences."""
    tallies = (run.tallies.get(found.target) for run in found.board.loaded)
    first = next(filter(None, tallies), None)
    return list(first.ids) if first else []


def pairs_of(found: BoardTable) -> dict[str, dict[str, Any]]:
    """For each method with an estimate what its differences to the others are read from.

    ``reach``: from the difference to each method, in the order of ``at``, to the ends of its 95 %
    interval, a fraction. ``seeds``: of each of these, 1 if the spread over seeds is part of it, 0
    if none of the rows has several. ``influence``: of each image on its mIoU, 32-bit floats in
    base64.
    """
    known = [line.entry for line in found.all if line.entry and line.entry.estimate]
    if not known:
        return {}
    reaches, seeds = reaches_of(known)
    return {
        entry.method: {
            "at": place,
            "reach": reaches[place].round(DIGITS).tolist(),
            "seeds": seeds[place].astype(int).tolist(),
            "influence": encoded(entry.estimate.influence) if entry.estimate else "",
        }
        for place, entry in enumerate(known)
    }


def reaches_of(known: Sequence[Entry]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(n, n): reaches of all differences, and whether seeds are part of them.

    Spreads over seeds are pooled as the ranking pools them: over methods, and over what is no
    method. Only the difference of a method to what is none has that of all rows.
    """
    runs = means_of(known)
    reaches = runs.differences().reaches
    seeds = np.full(reaches.shape, runs.within is not None)
    for kinds in KINDS:
        if places := [place for place, entry in enumerate(known) if entry.kind in kinds]:
            runs, block = means_of([known[place] for place in places]), np.ix_(places, places)
            reaches[block], seeds[block] = runs.differences().reaches, runs.within is not None
    return reaches, seeds


def encoded(values: NDArray[np.float64]) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode()
