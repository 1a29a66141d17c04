"""Who leads among the methods of a board, and by how much, in one sentence."""

from collections.abc import Sequence

from wsss_leaderboard.ranking.entries import Entry
from wsss_leaderboard.ranking.ranking import Place, differences
from wsss_leaderboard.tables.table import inert, percent

LONGEST = 48  # characters of a name
SCOPES = {"draws": "", "parts": ", masks not repeated", "images": ", seeds not covered"}


def lead_of(entries: Sequence[Entry], places: Sequence[Place | None]) -> str:
    """The best method, its lead over the second, and how many are not significantly worse."""
    methods = [entry for entry in entries if entry.kind == "method" and entry.mean is not None]
    if not methods:
        return "No method has finished."
    methods.sort(key=lambda entry: (-(entry.mean or 0), entry.method))
    name, score = named(methods[0]), percent(methods[0].mean)
    if len(methods) == 1:
        return f"{name} has {score} mIoU; there is no other method yet."
    lead = over(entries, *methods[:2])
    return f"{name} leads with {score} mIoU, {lead}. {ties(places)}".rstrip()


def named(entry: Entry) -> str:
    """The method in one line, cut to a maximum length."""
    line = " ".join(inert(entry.method).split()) or "(no name)"
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def over(entries: Sequence[Entry], best: Entry, second: Entry) -> str:
    """The difference between two methods, with its 95 % interval if there is one."""
    difference = (best.mean or 0) - (second.mean or 0)
    start = f"{points(difference)} over {named(second)}"
    estimated = [entry for entry in entries if entry.estimate]
    if best not in estimated or second not in estimated:
        return start
    between, pair = differences(estimated), (estimated.index(best), estimated.index(second))
    reach = float(between.reaches[pair])
    ends = f"{points(difference - reach)} to {points(difference + reach)}"
    return f"{start} (95 % interval {ends}{SCOPES[between.scopes[pair]]})"


def points(difference: float) -> str:
    return f"{100 * difference:+.1f}".replace("-", "\N{MINUS SIGN}")


def ties(places: Sequence[Place | None]) -> str:
    tied = sum(place is not None and place.group == 1 for place in places) - 1
    if tied < 1:
        return ""
    return f"{tied} other {'method is' if tied == 1 else 'methods are'} not significantly worse."
