"""What somebody may have meant by a name that does not exist."""

from collections.abc import Iterable
from difflib import get_close_matches

CLOSE = 0.4  # of 1, which is the same name


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """``; did you mean 'NAME'?`` with the most similar of ``names``, or nothing if none is."""
    by_folded = {other.casefold(): other for other in names}
    close = get_close_matches(name.casefold(), by_folded, n=1, cutoff=CLOSE)
    return f"; did you mean '{by_folded[close[0]]}'?" if close else ""
