"""Checks of metrics: counts can be added, and results are JSON."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from wsss_harness.contract.findings import FAILURE, Finding, judge
from wsss_harness.contract.types import IGNORE
from wsss_harness.plugins.offers import Offer

NAMES = ("background", "square", "disc")
PAIRS = (("strip", "square"),)
SIZES = ((24, 32), (17, 9), (1, 1))


def check(offer: Offer) -> Iterator[Finding]:
    """Check on images with and without context maps."""
    for pairs, kind in ((PAIRS, "with context maps"), ((), "without context maps")):
        yield from _check(offer.announced, pairs, kind)


def _check(metric: Any, pairs: tuple[tuple[str, str], ...], kind: str) -> Iterator[Finding]:
    name = f"counts images {kind}, also empty and ignored ones"
    try:
        counts, again = ([metric.count(*image) for image in _images(pairs)] for _ in range(2))
    except Exception as error:
        yield Finding(name, FAILURE, f"{type(error).__name__}: {error}")
        return
    yield Finding(name)
    problem = _shapes(counts)
    yield judge(f"counts {kind} in whole numbers of one shape", problem)
    if not problem:
        same = all(np.array_equal(a, b) for a, b in zip(counts, again, strict=True))
        yield judge(f"counts {kind} the same twice", None if same else "it is not a pure function")
        yield judge(f"reads its counts {kind} as JSON", _reading(metric, counts, pairs))


def _images(pairs: tuple[tuple[str, str], ...]) -> Iterator[tuple[Any, ...]]:
    """Truth, mask, number of classes, context; of several sizes, all background, all ignored."""
    for seed, shape in enumerate(SIZES):
        rng = np.random.default_rng(seed)
        truth, mask = rng.integers(0, len(NAMES), (2, *shape)).astype(np.uint8)
        context = {name: rng.random(shape) > 0.5 for name, _ in pairs}
        yield truth, mask, len(NAMES) - 1, context
        yield np.zeros_like(truth), mask, len(NAMES) - 1, context
        yield truth, mask, len(NAMES) - 1, dict.fromkeys(context)
        yield np.full_like(truth, IGNORE), np.full_like(mask, IGNORE), len(NAMES) - 1, context


def _shapes(counts: list[Any]) -> str | None:
    shapes = {np.shape(count) for count in counts}
    if len(shapes) > 1:
        return f"counts have the shapes {sorted(shapes)}; use one shape for all images"
    kinds = {np.asarray(count).dtype.kind for count in counts}
    return None if kinds <= set("iub") else "counts are not integers; compute ratios in read"


def _reading(metric: Any, counts: list[Any], pairs: tuple[tuple[str, str], ...]) -> str | None:
    total = np.sum(counts, 0)
    for summed in (total, np.zeros_like(total)):
        try:
            json.dumps(metric.read(summed, NAMES, pairs), allow_nan=False)
        except Exception as error:
            return f"{type(error).__name__}: {error}; return plain values, None for undefined ones"
    return None
