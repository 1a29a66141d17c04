"""Which rows are one method without refiners and with some."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wsss_leaderboard.records.record import Record

Group = Sequence[Record]  # one method's records, a seed each
Chain = tuple[str, ...]  # labels of refiners, in their order


@dataclass(frozen=True)
class Family:
    """A method without refiners, and the same method with each chain of refiners."""

    plain: Group
    refined: dict[Chain, Group]

    @property
    def groups(self) -> list[Group]:
        return [self.plain, *self.refined.values()]


def paired(groups: Sequence[Group]) -> Iterator[Family]:
    """Methods that are in a table both alone and refined, matched by their generator.

    Of several with the same refiners, the one with the background rule of the method alone is kept.
    """
    methods = [group for group in groups if not group[0].control]
    for plain in methods:
        if plain[0].recipe.get("refiners"):
            continue
        partners = [
            g for g in methods if g[0].recipe.get("refiners") and same(g, plain, "generator")
        ]
        partners.sort(key=lambda group: same(group, plain, "rule"))
        refined = {tuple(group[0].recipe["refiners"]): group for group in partners}
        if refined:
            yield Family(plain, refined)


def same(group: Group, other: Group, key: str) -> bool:
    """Whether a part of the recipe is the same."""
    return bool(group[0].recipe[key] == other[0].recipe[key])
