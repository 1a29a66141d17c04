"""What a dataset may call its classes: a list that is ambiguous is refused before any work."""

import unicodedata
from collections.abc import Sequence

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.types import BACKGROUND, IGNORE

MOST = IGNORE - 1  # masks have 8 bits; 0 is the background and 255 does not count
# What lists of other tools call their values 0 and 255, without case, blanks and underscores.
NO_CLASS = {
    **dict.fromkeys(("background", "bg"), BACKGROUND),
    **dict.fromkeys(("void", "ignore", "ignored", "unlabeled", "unlabelled"), IGNORE),
}


def check_classes(names: object, source: str) -> tuple[str, ...]:
    """The names of the classes 1..C as a tuple, read from ``source``.

    Raises:
        DataError: they are no list of names, none or more than 254, or two of them cannot be told
            apart, or one of them is the background or void.
    """
    if not isinstance(names, list | tuple):
        raise DataError(f"{source}: the classes are {names!r:.80}; expected a list of names")
    if not names or len(names) > MOST:
        raise DataError(
            f"{source} has {len(names)} classes; expected 1 to {MOST}, because masks have 8 bits, "
            f"{BACKGROUND} is the background and {IGNORE} does not count"
        )
    for number, name in enumerate(names, 1):
        _check_name(name, number, source)
    _check_distinct(names, source)
    return tuple(names)


def _check_name(name: object, number: int, source: str) -> None:
    if not isinstance(name, str) or not _key(name) or not name.isprintable():
        raise DataError(f"{source}: class {number} is {name!r}; expected a name in plain text")
    value = NO_CLASS.get(_key(name).strip("_-").replace("_", ""))
    if value is not None:
        meaning = "the background" if value == BACKGROUND else "pixels that do not count"
        raise DataError(
            f"{source} lists {name!r} as class {number}, but {value} in a mask always means "
            f"{meaning}; take it out of the list, and number the classes of the masks 1, 2, ..."
        )


def _check_distinct(names: Sequence[str], source: str) -> None:
    first_places: dict[str, int] = {}
    for number, name in enumerate(names, 1):
        first = first_places.setdefault(_key(name), number)
        if first != number:
            raise DataError(
                f"{source}: class {first}, {names[first - 1]!r}, and class {number}, {name!r}, "
                "have one name, so records cannot tell them apart; rename or remove one of them"
            )


def _key(name: str) -> str:
    """A name without case, blanks and ways to encode its letters."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(unicodedata.normalize("NFKC", folded).split())
