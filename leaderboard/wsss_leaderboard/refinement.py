"""The table of what refiners add: a method alone, and with each refiner, beside what is known.

Its form is that of the reproduced report: Method, Paper, ours, w/ Affinity Net.
"""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wsss_leaderboard import notes
from wsss_leaderboard.comparable import check_comparable
from wsss_leaderboard.lines import FAILED
from wsss_leaderboard.published import Figure, published
from wsss_leaderboard.records import Record, Score, distinct
from wsss_leaderboard.table import NOTHING, Column, Row, Table
from wsss_leaderboard.tables import rule_of

MASKS = "pseudo-masks"
Group = Sequence[Record]  # one method's records, a seed each
Chain = tuple[str, ...]  # labels of refiners, in their order


@dataclass(frozen=True)
class Family:
    """A method without refiners, and the same method behind each chain of refiners."""

    plain: Group
    refined: dict[Chain, Group]


@dataclass(frozen=True)
class Result:
    """What one target, the masks or a segmentor, reached: percent for each finished seed."""

    values: tuple[float, ...]
    complete: bool
    score: Score | None
    images: int = 0

    @property
    def mean(self) -> float | None:
        """As it is printed."""
        return round(statistics.mean(self.values), 1) if self.complete else None

    @property
    def text(self) -> str:
        if self.mean is None:
            return FAILED
        spread = f" ±{statistics.stdev(self.values):.1f}" if len(self.values) > 1 else ""
        return f"{self.mean:.1f}{spread}"


def refinement_table(groups: Sequence[Group]) -> Table | None:
    """The table over methods (their records together), or None if nothing was refined.

    Raises:
        ConfigError: the records may not share a table (see ``check_comparable``).
    """
    families = list(paired(groups))
    if not families:
        return None
    records = [record for group in groups for record in group]
    check_comparable(records)
    chains = list(dict.fromkeys(chain for family in families for chain in family.refined))
    lines = [line for family in families for line in _lines(family, chains)]
    figures = list(dict.fromkeys(f for line in lines for f in line.figures if f))
    kinds = [kind for kind in KINDS if any(f.kind == kind for f in figures)]
    columns = [Column(head, words=True) for head in ("Method", "sup")]
    columns += [Column(name) for name in _names(chains, kinds)]
    used = [record for family in families for group in _groups(family) for record in group]
    below = (
        "mIoU, of pseudo-masks on train and of segmentors on val.",
        f"In brackets: {'ours less Paper; ' * ('published' in kinds)}with a refiner less without.",
        *(note for family in families for note in _rules(family)),
        *notes.chosen(used),
        *notes.weights(used),
        *notes.common(used),
        *(figure.note for figure in figures),
    )
    rows = tuple(line.row(kinds) for line in lines)
    return Table("What refiners add", tuple(columns), rows, below)


KINDS = {"published": "Paper", "reported": "reported"}


def _names(chains: Sequence[Chain], kinds: Sequence[str]) -> Iterator[str]:
    """Heads of the columns of numbers: what is known stands before what was measured."""
    yield from (KINDS[kind] for kind in kinds)
    yield "ours"
    for chain in chains:
        yield from (f"{KINDS[kind]} w/ {' + '.join(chain)}" for kind in kinds if kind == "reported")
        yield f"w/ {' + '.join(chain)}"


def paired(groups: Sequence[Group]) -> Iterator[Family]:
    """Methods that stand in a table both alone and refined, by their generator.

    Of several refined alike, the one with the background rule of the method alone is its partner.
    """
    methods = [group for group in groups if not group[0].control]
    for plain in methods:
        if plain[0].recipe["refiners"]:
            continue
        found = [g for g in methods if g[0].recipe["refiners"] and _same(g, plain, "generator")]
        found.sort(key=lambda group: _same(group, plain, "rule"))
        refined = {tuple(group[0].recipe["refiners"]): group for group in found}
        if refined:
            yield Family(plain, refined)


def _same(one: Group, other: Group, key: str) -> bool:
    return bool(one[0].recipe[key] == other[0].recipe[key])


def _rules(family: Family) -> list[str]:
    """Which background rules were compared, if not one and the same."""
    if all(_same(group, family.plain, "rule") for group in family.refined.values()):
        return []
    each = [f"{group[0].method} {rule_of(group)}" for group in _groups(family)]
    return [f"Background rules: {', '.join(each)}."]


def _groups(family: Family) -> Iterator[Group]:
    yield family.plain
    yield from family.refined.values()


@dataclass(frozen=True)
class Line:
    """One target of a family; ``figures`` are those found for it, alone and refined."""

    words: tuple[str, ...]
    plain: Result
    refined: tuple[Result | None, ...]
    known: dict[str, Figure]
    known_refined: tuple[dict[str, Figure], ...]

    @property
    def figures(self) -> list[Figure]:
        return [f for found in (self.known, *self.known_refined) for f in found.values()]

    def row(self, kinds: Sequence[str]) -> Row:
        paper = self.known.get("published")
        cells = [*self.words, *(_cell(self.known, kind) for kind in kinds)]
        measured = {len(cells): self.plain}
        cells.append(_against(self.plain, paper.value if paper else None))
        for result, known in zip(self.refined, self.known_refined, strict=True):
            cells += [_cell(known, kind) for kind in kinds if kind == "reported"]
            if result:
                measured[len(cells)] = result
            cells.append(_against(result, self.plain.mean) if result else NOTHING)
        means = {place: r.mean for place, r in measured.items() if r.mean is not None}
        best = {p for p, mean in means.items() if len(means) > 1 and mean == max(means.values())}
        return Row(tuple(cells), best=frozenset(best))


def _cell(known: dict[str, Figure], kind: str) -> str:
    return known[kind].cell if kind in known else NOTHING


def _against(result: Result, other: float | None) -> str:
    if result.mean is None or other is None:
        return result.text
    return f"{result.text} ({result.mean - other:+.1f})"


def _lines(family: Family, chains: Sequence[Chain]) -> Iterator[Line]:
    """A line for the masks, and one for each segmentor that the method alone was trained with."""
    head = family.plain[0]
    for target in ("", *head.recipe["segmentors"]):
        plain = reached(family.plain, target)
        partners = [family.refined.get(chain) for chain in chains]
        refined = [
            reached(group, target) if group and _aims_at(group, target) else None
            for group in partners
        ]
        names = [group[0].method if group else "" for group in partners]
        yield Line(
            (f"{head.method}, {target or MASKS}", head.sup),
            plain,
            tuple(refined),
            _figures(head.method, target, plain),
            tuple(
                _figures(name, target, result) if result else {}
                for name, result in zip(names, refined, strict=True)
            ),
        )


def _aims_at(group: Group, target: str) -> bool:
    return not target or target in group[0].recipe["segmentors"]


def reached(group: Group, target: str) -> Result:
    """What the records reached on ``target``: a segmentor's label, or "" for the masks."""
    group = distinct(group, target)
    if not target:
        masks = [record.masks for record in group if record.masks]
        values = tuple(100 * one.score.miou for one in masks)
        first = masks[0] if masks else None
        score, images = (first.score, first.images) if first else (None, 0)
    else:
        trained = [s for r in group for s in r.segmentations if s.segmentor == target]
        values = tuple(one.mmseg["mIoU"] for one in trained)
        score, images = (trained[0].score, trained[0].images) if trained else (None, 0)
    return Result(values, len(values) == len(group), score, images)


def _figures(method: str, target: str, result: Result) -> dict[str, Figure]:
    if result.score is None:
        return {}
    return published().known(method, target, result.score, result.images)
