"""Colours of index maps. They decide nothing, but show when values are not the numbers meant."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from wsss_harness.contract.types import IGNORE, Mask

Colour = tuple[int, ...]


@cache
def palette() -> bytes:
    """The PASCAL VOC colour map, 256 RGB triples: bits of the index spread over the channels."""
    triples = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            bits = (np.arange(256) >> (3 * bit + channel)) & 1
            triples[:, channel] |= (bits << (7 - bit)).astype(np.uint8)
    return triples.tobytes()


def is_voc(triples: bytes) -> bool:
    """Whether a palette starts with PASCAL VOC's 21 colours, as far as it goes."""
    return triples[: 3 * 21] == palette()[: min(len(triples), 3 * 21)]


def same_colours(mask: Mask, triples: bytes, reference: bytes) -> bool:
    """Whether the values of a mask have the colours that they have in another palette."""
    own, other = colour_table(triples), colour_table(reference)
    return all(own.get(value) == other.get(value) for value in np.unique(mask).tolist())


def reordered(mask: Mask, triples: bytes, reference: bytes, classes: int) -> bool:
    """Whether a mask is painted in the colours of ``reference``, but has them in another order.

    Then its colours are right and its values are not: quantize and convert("P") of common tools
    number the colours of a picture anew. ``reference``: the palette in which colours of the values
    0..``classes`` and 255 are known.
    """
    own, other = colour_table(triples), colour_table(reference)
    colours = [own.get(value) for value in np.unique(mask).tolist()]
    known = {other.get(value) for value in (*range(classes + 1), IGNORE)} - {None}
    return (
        len(set(colours)) == len(colours)
        and known.issuperset(colours)
        and not same_colours(mask, triples, reference)
    )


def colour_table(triples: bytes) -> dict[int, Colour]:
    """The colour of each value that a palette has."""
    values: NDArray[np.uint8] = np.frombuffer(triples[: len(triples) // 3 * 3], np.uint8)
    rows: Sequence[Sequence[int]] = values.reshape(-1, 3).tolist()
    return {number: tuple(row) for number, row in enumerate(rows)}
