"""Words that name a context: what surrounds a class so often that it is taken for it.

A background word such as "railroad" tells a method, by hand and class by class, what is no train.
The words below are those of the pairs that RailScenes draws and that EPS measures on VOC (Lee et
al., CVPR 2021, section 5: boat in water, train on rails), and of pairs of VOC's classes with the
places and things that most of their images show.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple


class Context(NamedTuple):
    """Words for one context, in the singular, and the classes that it surrounds."""

    words: frozenset[str]
    classes: frozenset[str]


def _context(words: str, classes: str) -> Context:
    return Context(frozenset(words.split()), frozenset(classes.split(", ")))


CONTEXTS: Mapping[str, Context] = MappingProxyType(
    {
        "rails": _context("rail railway railroad track", "train"),
        "water": _context(
            "water sea ocean lake river pond wave harbour harbor", "boat, ship, surfboard"
        ),
        "sky": _context("sky cloud", "aeroplane, airplane, bird, kite"),
        "road": _context(
            "road street highway asphalt", "bicycle, bus, car, motorbike, motorcycle, truck"
        ),
        "meadow": _context("meadow grass grassland field pasture", "cow, horse, sheep"),
        "branch": _context("branch twig tree", "bird"),
        "sofa": _context("sofa couch cushion", "cat"),
        "table": _context("table tablecloth", "bottle, cup, wine glass"),
        "keyboard": _context("keyboard desk", "laptop, tv, tvmonitor"),
        "helmet": _context("helmet", "bicycle, motorbike, motorcycle"),
    }
)


def contexts_named(
    background: Iterable[str], classes: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> dict[str, dict[str, list[str]]]:
    """{background word: {context: its classes}} for the words that name a context of the data.

    ``pairs``: the contexts that the data has maps of, each with a class.
    """
    contexts = dict(_of_data(classes, pairs))
    named: dict[str, dict[str, list[str]]] = {}
    for word in background:
        parts = _singulars(word)
        for name, (words, surrounded) in contexts.items():
            if parts & words:
                named.setdefault(word, {})[name] = surrounded
    return named


def _of_data(
    classes: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, tuple[frozenset[str], list[str]]]]:
    """Each context of the data with its words and its classes."""
    own: dict[str, list[str]] = {}
    for context, name in pairs:
        own.setdefault(context, []).append(name)
    for context, names in own.items():
        words = _singulars(context)
        same = (known.words for known in CONTEXTS.values() if known.words & words)
        yield context, (frozenset(words.union(*same)), names)
    for context, known in CONTEXTS.items():
        if context not in own and (names := [name for name in classes if name in known.classes]):
            yield context, (known.words, names)


def _singulars(text: str) -> set[str]:
    """The words of a text, without the s of a plural."""
    words = re.findall(r"\w+", text.casefold())
    return {*words, *(word.removesuffix("s") for word in words)}
