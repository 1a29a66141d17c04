"""Who leads a board, and by how much, in one sentence."""

from wsss_leaderboard.site.board_table import BoardRow, BoardTable
from wsss_leaderboard.site.pages import points, shown
from wsss_leaderboard.tables.table import percent

LONGEST = 48  # characters of a name


def lead_of(table: BoardTable) -> str:
    """The best method, its lead over the second, and how many are not significantly worse."""
    methods = [row for row in table.of_kind("method") if row.mean is not None]
    if not methods:
        return "No method has finished."
    name, score = shown(methods[0].method, LONGEST), percent(methods[0].mean)
    if len(methods) == 1:
        return f"{name} has {score} mIoU; there is no other method yet."
    return f"{name} leads with {score} mIoU, {over(table, *methods[:2])}. {ties(methods)}".rstrip()


def over(table: BoardTable, best: BoardRow, second: BoardRow) -> str:
    """The difference between two methods, with its 95 % interval if there is one."""
    difference = (best.mean or 0) - (second.mean or 0)
    start = f"{points(difference)} over {shown(second.method, LONGEST)}"
    if best.entry not in table.estimated or second.entry not in table.estimated:
        return start
    pair = table.estimated.index(best.entry), table.estimated.index(second.entry)
    reach = float(table.differences.reaches[pair])
    ends = f"{points(difference - reach)} to {points(difference + reach)}"
    seeds = "" if table.differences.scopes[pair] == "draws" else ", seeds not covered"
    return f"{start} (95 % interval {ends}{seeds})"


def ties(methods: list[BoardRow]) -> str:
    tied = sum(row.group == "1" for row in methods) - 1
    if tied < 1:
        return ""
    return f"{tied} other {'method is' if tied == 1 else 'methods are'} not significantly worse."
