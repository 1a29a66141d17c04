"""What somebody may have meant by a name that does not exist."""

from collections.abc import Iterable
from difflib import SequenceMatcher

CLOSE = 0.5  # of 1, which is the same name
SHORT = 6  # names that a message lists


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """What to say of a name that is none of ``names``, to follow what is wrong in a message.

    ``; did you mean 'NAME'? Others: A, B and 7 more``: the most similar one first, then at most a
    short list. Without a similar one ``; there are A, B and 7 more``, or ``; there are none``.
    """
    likeness = {other: _likeness(name, other) for other in names}
    nearest = sorted(likeness, key=lambda other: -likeness[other])
    if not nearest:
        return "; there are none"
    if likeness[nearest[0]] < CLOSE:
        return f"; there {'are' if nearest[1:] else 'is'} {_listed(list(likeness))}"
    others = f" Others: {_listed(nearest[1:])}" if nearest[1:] else ""
    return f"; did you mean '{nearest[0]}'?{others}"


def _likeness(name: str, other: str) -> float:
    a, b = name.casefold(), other.casefold()
    ratio = SequenceMatcher(None, a, b).ratio()
    return max(ratio, CLOSE) if a and a in b else ratio  # as V2 in DeepLab V2


def _listed(names: list[str]) -> str:
    more = len(names) - SHORT if len(names) > SHORT + 1 else 0
    shown = [repr(name) if "," in name else name for name in names[: len(names) - more]]
    return ", ".join(shown) + (f" and {more} more" if more else "")
