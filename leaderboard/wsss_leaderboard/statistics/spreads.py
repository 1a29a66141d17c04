"""The spread over the draws of rows: own variances, and variances that rows share.

A draw is an independent repetition: everything a row draws at random, drawn anew. A few draws
hardly determine a variance, so rows pool theirs (analysis of variance; Snedecor and Cochran,
"Statistical Methods", 1980). The variance of a row is the larger of its own and the pooled one,
each with its own degrees of freedom, so that the steady rows of a board hide no unsteady one. A row
with one draw borrows the pooled variance, unless nothing about it is drawn: then it has none.

Rows are often made from the same draws: several refiners of one generator, several rules for the
same scores. Such rows are a family, and say the same thing twice. So a pooled variance has the
degrees of freedom of the draws it is made of, not of the rows:

- that of rows is the sum of three parts: what the means of all families share, such as the luck of
  common initial weights, with n - 1 degrees of freedom; what is left of families, with
  (families - 1)(n - 1); and what is left of rows, with (lineages - families)(n - 1);
- that of differences is paired by draw (randomised blocks) and pooled by what two rows have in
  common: nothing, the family, or more of their lineage. Of a node of the tree of lineages, the
  means of its k branches differ with (k - 1)(n - 1) degrees of freedom, and what is left of rows
  has (lineages - k)(n - 1). Rows of one lineage are functions of one draw and have n - 1.

The sum of parts has the degrees of freedom of Satterthwaite ("An approximate distribution of
estimates of variance components", Biometrics Bulletin 1946).

Only rows that leave the same things fixed are pooled, and only rows with the same draws are paired.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsss_leaderboard.statistics.estimates import Floats

Places = NDArray[np.intp]


@dataclass(frozen=True)
class RowDraws:
    """The draws of a row. ``values`` by seed, in order: draws of the same seeds are paired.

    ``runs``: the places of the runs of each draw.
    ``lineage``: what made each draw, on levels from the family on; rows with equal beginnings share
    those draws.
    ``fixed``: what is drawn at random, but was not drawn anew. ``number``: of equal draws that
    would vary as little, 1 / sum of squared weights, if some count more than others in the mean.
    ``deterministic``: nothing about the row is drawn, as about a bound that is made of the truth.
    """

    values: Mapping[Hashable, float]
    runs: Sequence[Sequence[int]]
    lineage: tuple[tuple[Hashable, ...], ...]
    fixed: frozenset[str] = frozenset()
    number: float = 1.0
    deterministic: bool = False


@dataclass(frozen=True)
class Spread:
    """A pooled variance of a draw, or of a difference of two, with its degrees of freedom."""

    variance: float
    df: float


@dataclass(frozen=True, eq=False)
class Spreads:
    """Variances of the means of rows, or of all their differences, with degrees of freedom."""

    variances: Floats
    df: Floats


@dataclass(frozen=True, eq=False)
class Block:
    """Rows with the same draws and the same ``fixed``: their places, and a value for each draw.

    ``levels``: the branch of each row, at each level from "all in one" to "each in its own".
    ``drawn``: what made the draws of its families.
    """

    places: Places
    fixed: frozenset[str]
    table: Floats
    number: float
    levels: Sequence[Places]
    drawn: frozenset[Hashable]

    @property
    def df(self) -> int:
        return int(self.table.shape[1]) - 1

    @cached_property
    def covariance(self) -> Floats:
        return np.atleast_2d(np.cov(self.table))

    @cached_property
    def gaps(self) -> Floats:
        """The variance of the difference of each two rows."""
        own = np.diagonal(self.covariance)
        gaps: Floats = np.maximum(np.add.outer(own, own) - 2 * self.covariance, 0)
        return gaps

    def of_rows(self) -> Spread:
        """The pooled variance of a row: what all share, what families do not, what rows do not."""
        means, rest, rows = self._parts(np.arange(len(self.places)), self.levels[1])
        count, shared = len(means), float(means.mean())
        apart = float(np.diagonal(means).mean()) - shared
        return self._sum((shared, 1), (apart, count - 1), (rest, rows - count))

    def of_gaps(self) -> Iterator[tuple[int, NDArray[np.bool_], Spread]]:
        """For each level: the pairs of rows that part there, and the pooled variance of these."""
        for level, (parents, children) in enumerate(pairwise(self.levels)):
            pairs = np.equal.outer(parents, parents) & np.not_equal.outer(children, children)
            nodes = [np.flatnonzero(parents == parent) for parent in np.unique(parents)]
            spreads = [self._of_node(n, children[n]) for n in nodes if len(set(children[n])) > 1]
            if spreads:
                yield level, pairs, pooled(spreads)

    def _of_node(self, rows: Places, children: Places) -> Spread:
        """The pooled variance of differences between rows of several children of a node."""
        means, rest, distinct = self._parts(rows, children)
        count = len(means)
        own = float(np.diagonal(means).mean())
        others = (float(means.sum()) - own * count) / (count * (count - 1))
        contrasts = min(distinct, count) - 1  # none between rows of one lineage
        return self._sum((2 * (own - others), contrasts), (2 * rest, distinct - count))

    def _parts(self, rows: Places, groups: Places) -> tuple[Floats, float, int]:
        """The covariance of group means, the mean variance of rows about them, and lineages."""
        members = np.equal.outer(np.unique(groups), groups)
        shares = members / members.sum(1, keepdims=True)
        covariance = self.covariance[np.ix_(rows, rows)]
        means = shares @ covariance @ shares.T
        rest = float((shares @ np.diagonal(covariance) - np.diagonal(means)).mean())
        return means, rest, len(np.unique(self.levels[-2][rows]))

    def _sum(self, *parts: tuple[float, int]) -> Spread:
        """The sum of variances, each with its degrees of freedom in contrasts between rows."""
        total = sum(variance for variance, _ in parts)
        squares = sum(variance**2 / max(contrasts, 1) for variance, contrasts in parts)
        return Spread(total, self.df * (total**2 / squares if squares else 1))


def pooled(spreads: Sequence[Spread]) -> Spread:
    """Of independent draws: the mean, weighted by degrees of freedom."""
    df = sum(spread.df for spread in spreads)
    return Spread(sum(spread.variance * spread.df for spread in spreads) / df, df)


def pooled_over(blocks: Sequence[Block], spreads: Sequence[Spread]) -> Spread:
    """Of several blocks; those that share draws have together the degrees of freedom of one."""
    groups = [[spreads[n] for n in places] for places in connected([b.drawn for b in blocks])]
    return pooled(
        [Spread(pooled(group).variance, max(spread.df for spread in group)) for group in groups]
    )


def connected(marks: Sequence[Collection[Hashable]]) -> list[list[int]]:
    """The places of sets of marks, those together that are linked by common marks."""
    groups: list[tuple[set[Hashable], list[int]]] = []
    for place, own in enumerate(marks):
        linked = [group for group in groups if not group[0].isdisjoint(own)]
        groups = [group for group in groups if group[0].isdisjoint(own)]
        places = sorted(place for _, others in linked for place in others)
        groups.append((set(own).union(*(marks for marks, _ in linked)), [*places, place]))
    return sorted(places for _, places in groups)


def larger(own: Floats, df: float, spread: Spread) -> tuple[Floats, Floats]:
    """The larger of own and pooled variances, each with its degrees of freedom."""
    unsteady = own > spread.variance
    return np.where(unsteady, own, spread.variance), np.where(unsteady, df, spread.df)


def blocks_of(draws: Sequence[RowDraws]) -> list[Block]:
    """The rows with several draws, by what they leave fixed and the seeds of their draws."""
    rows: dict[Any, list[int]] = {}
    for place, row in enumerate(draws):
        if len(row.values) > 1:
            rows.setdefault((row.fixed, frozenset(row.values)), []).append(place)
    depth = max((len(row.lineage) for row in draws), default=0)
    return [_block(places, [draws[place] for place in places], depth) for places in rows.values()]


def _block(places: list[int], rows: Sequence[RowDraws], depth: int) -> Block:
    beginnings = [[row.lineage[:level] for row in rows] for level in range(depth + 1)]
    return Block(
        np.array(places),
        rows[0].fixed,
        np.array([list(row.values.values()) for row in rows]),
        rows[0].number,
        [*map(numbered, beginnings), np.arange(len(rows))],
        frozenset().union(*(row.lineage[0] for row in rows)),
    )


def numbered(names: Sequence[Hashable]) -> Places:
    """A number for each name, the same for equal ones."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names])


@dataclass(frozen=True, eq=False)
class PooledSpreads:
    """The draws of all rows of a board; without a row of several draws, spreads are unknown."""

    draws: Sequence[RowDraws]

    @cached_property
    def blocks(self) -> list[Block]:
        return blocks_of(self.draws)

    @cached_property
    def pools(self) -> dict[frozenset[str], Spread]:
        """The pooled variance of rows, by what they leave fixed."""
        blocks = defaultdict(list)
        for block in self.blocks:
            blocks[block.fixed].append(block)
        return {f: pooled_over(own, [b.of_rows() for b in own]) for f, own in blocks.items()}

    @property
    def borrowed(self) -> Spread:
        """For rows with one draw: of those that leave least fixed, the largest variance."""
        ranked = ((-len(fixed), spread.variance, spread) for fixed, spread in self.pools.items())
        return max(ranked, key=lambda entry: entry[:2], default=(0, 0.0, Spread(0.0, np.inf)))[2]

    def of_rows(self) -> Spreads:
        """Variances of the means of rows."""
        borrowed = self.borrowed
        variances = np.full(len(self.draws), borrowed.variance)
        df = np.full(len(self.draws), float(borrowed.df))
        for block in self.blocks:
            own = np.diagonal(block.covariance)
            variances[block.places], df[block.places] = larger(
                own, block.df, self.pools[block.fixed]
            )
        steady = [row.deterministic for row in self.draws]
        variances[steady], df[steady] = 0.0, np.inf
        return Spreads(variances / [row.number for row in self.draws], df)

    def of_differences(self) -> Spreads:
        """Variances of all differences of means, (n, n)."""
        rows = self.of_rows()
        variances = np.add.outer(rows.variances, rows.variances)
        parts = np.add.outer(rows.variances**2 / rows.df, rows.variances**2 / rows.df)
        df = np.full(variances.shape, np.inf)
        np.divide(variances**2, parts, out=df, where=parts > 0)
        gaps = defaultdict(list)
        for block in self.blocks:
            for level, pairs, spread in block.of_gaps():
                gaps[block.fixed, level].append((block, pairs, spread))
        for entries in gaps.values():
            blocks, _, spreads = zip(*entries, strict=True)
            pool = pooled_over(blocks, spreads)
            for block, pairs, _ in entries:
                own = larger(block.gaps[pairs], block.df, pool)
                first, second = (block.places[places] for places in np.nonzero(pairs))
                variances[first, second], df[first, second] = own[0] / block.number, own[1]
        return Spreads(variances, df)
