"""Generators crossed with refiners: each cell, main effects, and what goes beyond both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wsss_leaderboard.ranking.entries import Board, Entry, LoadedRecord, boards
from wsss_leaderboard.records import repetition
from wsss_leaderboard.records.counts import MASKS
from wsss_leaderboard.statistics.crossing import Crossing, Effects
from wsss_leaderboard.statistics.variances import Means
from wsss_leaderboard.tables.table import Column, Table, TableRow, percent
from wsss_leaderboard.tables.tablefiles import JOINT

ALONE = "alone"
Chain = tuple[str, ...]
Cells = Mapping[tuple[str, Chain], Entry]

EFFECTS = (
    "Effects: the mean over the other factor minus the mean of all, in points of mIoU, with 95 % "
    "intervals over scored images and, with several seeds, over seeds."
)
INTERACTIONS = (
    "Interactions: what a pair has beyond the effects of both, in points of mIoU. Intervals are "
    "for one number each, not for all together; * marks those without 0."
)


@dataclass(frozen=True, eq=False)
class Factorial:
    """Generators and chains of refiners, every pair of which was scored with the same draws."""

    generators: tuple[str, ...]
    chains: tuple[Chain, ...]
    crossing: Crossing


def factorial_tables(loaded: Sequence[LoadedRecord]) -> tuple[Table, Table] | None:
    """Cells with main effects, and interactions, of pseudo-masks; None without a crossing."""
    every = boards(loaded)
    factorial = factorial_of(every[0]) if len(every) == 1 else None
    return None if factorial is None else (effects_table(factorial), interactions_table(factorial))


def factorial_of(board: Board) -> Factorial | None:
    """The crossing in the masks of a board; None if fewer than two levels of each are crossed."""
    cells = cells_of(board.entries(MASKS))
    generators, chains = crossed(cells)
    if len(generators) < 2 or len(chains) < 2:
        return None
    entries = [cells[generator, chain] for generator in generators for chain in chains]
    means = Means(
        [entry.estimate for entry in entries if entry.estimate],
        [repetition.draws(entry.records, entry.values, MASKS) for entry in entries],
    )
    if len({tuple(draws.values) for draws in means.draws}) > 1:
        return None  # other seeds, or seeds that share what they draw
    shape = len(generators), len(chains)
    values = np.array([list(draws.values.values()) for draws in means.draws])
    deletions = np.stack([means.by_draw(row, "deletions") for row in range(len(entries))])
    crossing = Crossing(values.reshape(*shape, -1), deletions.reshape(*shape, *deletions.shape[1:]))
    return Factorial(generators, chains, crossing)


def cells_of(entries: Sequence[Entry]) -> dict[tuple[str, Chain], Entry]:
    """The first method of each generator and chain of refiners that has an estimate."""
    cells: dict[tuple[str, Chain], Entry] = {}
    for entry in entries:
        if entry.kind == "method" and entry.estimate:
            recipe = entry.records[0].recipe
            chain = (*recipe.get("refiners", ()), *recipe.get("mask_refiners", ()))
            cells.setdefault((recipe["generator"], chain), entry)
    return cells


def crossed(cells: Cells) -> tuple[tuple[str, ...], tuple[Chain, ...]]:
    """The chains that several generators have, and the generators that have them all."""
    generators = dict.fromkeys(generator for generator, _ in cells)
    chains = {
        chain: sum((generator, chain) in cells for generator in generators)
        for chain in dict.fromkeys(chain for _, chain in cells)
    }
    shared = tuple(chain for chain, count in chains.items() if count > 1)
    complete = [g for g in generators if all((g, chain) in cells for chain in shared)]
    return tuple(complete), shared


def effects_table(factorial: Factorial) -> Table:
    """The mean of each cell, with the effects of generators on the right, of refiners below."""
    cells = factorial.crossing.values.mean(2)
    generators, refiners = (factorial.crossing.main(factor) for factor in (0, 1))
    rows = [
        TableRow((name, *(percent(cell) for cell in row), effect))
        for name, row, effect in zip(factorial.generators, cells, written(generators), strict=True)
    ]
    total = f"mean {percent(float(cells.mean()))}"
    rows.append(TableRow(("Effect of refiners", *written(refiners), total)))
    return Table(
        "Generators by refiners: mIoU of the masks, and main effects",
        heads(factorial, "Effect"),
        tuple(rows),
        (EFFECTS,),
    )


def interactions_table(factorial: Factorial) -> Table:
    effects = factorial.crossing.interactions()
    rows = [
        TableRow((name, *written(Effects(values, reaches))))
        for name, values, reaches in zip(
            factorial.generators, effects.values, effects.reaches, strict=True
        )
    ]
    return Table(
        "Generators by refiners: interactions", heads(factorial), tuple(rows), (INTERACTIONS,)
    )


def heads(factorial: Factorial, *more: str) -> tuple[Column, ...]:
    names = [JOINT.join(chain) or ALONE for chain in factorial.chains]
    return (Column("Generator", words=True), *map(Column, [*names, *more]))


def written(effects: Effects) -> Iterator[str]:
    """Effects in points, with half of their interval; a mark if 0 is outside of it."""
    for value, reach in zip(effects.values, effects.reaches, strict=True):
        mark = "*" if abs(value) > reach else ""
        yield f"{100 * value:+.1f} ±{100 * reach:.1f}{mark}"
