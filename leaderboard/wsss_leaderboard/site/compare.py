"""What the page that compares two rows is made of; the browser puts two of them together."""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsss_leaderboard.certainty import Runs
from wsss_leaderboard.site.board import folder_of, targets_of
from wsss_leaderboard.site.lines import Lines
from wsss_leaderboard.site.pages import Pages

DIGITS = 5  # of what is written of fractions


def write_compare(pages: Pages, each: Sequence[Lines]) -> None:
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


def ids_of(found: Lines) -> list[str]:
    """The images of a target, in the order of all influences."""
    tallies = (run.tallies.get(found.target) for run in found.board.loaded)
    first = next(filter(None, tallies), None)
    return list(first.ids) if first else []


def pairs_of(found: Lines) -> dict[str, dict[str, Any]]:
    """For each method with an estimate what its differences to the others are read from.

    ``reach``: from the difference to each method, in the order of ``at``, to the ends of its 95 %
    interval, a fraction. ``influence``: of each image on its mIoU, 32-bit floats in base64.
    """
    known = [line.entry for line in found.all if line.entry and line.entry.estimate]
    if not known:
        return {}
    reaches = Runs.of(known).differences().reaches.round(DIGITS)
    return {
        entry.method: {
            "at": place,
            "reach": reaches[place].tolist(),
            "influence": encoded(entry.estimate.influence) if entry.estimate else "",
        }
        for place, entry in enumerate(known)
    }


def encoded(values: NDArray[np.float64]) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode()
