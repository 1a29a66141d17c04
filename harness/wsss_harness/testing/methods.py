"""Checks that run generators, refiners, mask refiners and segmentors."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wsss_harness.contract.findings import OK, WARNING, Finding, judge
from wsss_harness.contract.weights import wanted_weights
from wsss_harness.plugins.offers import Offer
from wsss_harness.plugins.registry import installed
from wsss_harness.testing import claims
from wsss_harness.testing.bench import Bench
from wsss_harness.testing.probe import MASK_REFINER, ProbeReport

KINDS = ("generator", "refiner", MASK_REFINER, "segmentor")
AT_ONCE = 2.0  # seconds of a fit that is too short to report progress


def check(
    offer: Offer, options: Mapping[str, Any], limit: float, weights: Mapping[str, Path]
) -> Iterator[Finding]:
    """Fit, load, kill and resume a method on a few scenes."""
    wanted = wanted_weights(installed().build(offer.kind, offer.name, options))
    if missing := [name for name in wanted if name not in weights]:
        remedy = f"pass a file: --weights {missing[0]}=FILE, or weights= in a test"
        yield judge("gets the weights that it wants", remedy)
        return
    with tempfile.TemporaryDirectory(prefix="wsss-check-") as scratch:
        bench = Bench(offer, options, limit, Path(scratch), weights)
        first = bench.probe("first", fit=True, answer=True)
        problem = f"{first.error}\n{first.trace}" if first.trace else first.error
        yield judge("fits and predicts a few scenes on the CPU", problem)
        if problem:
            return
        yield judge("reports its progress", _progress(first), WARNING)
        yield _supervision(offer, bench)
        yield judge("writes below its folder only", bench.trespass(first))
        yield judge("returns valid predictions", "; ".join(first.problems[:3]) or None)
        if not first.problems:
            yield _reloaded(bench)
            if offer.kind != MASK_REFINER:  # it has no fit
                yield from _repeats(bench, first)
            yield from claims.check(bench, "killed")


def _reloaded(bench: Bench) -> Finding:
    loaded = bench.probe("loaded", owner="first", answer=True)
    problem = loaded.error or bench.difference("first", "loaded")
    return judge("predicts the same when it is loaded in a fresh process", problem)


def _repeats(bench: Bench, first: ProbeReport) -> Iterator[Finding]:
    """Resuming and fitting again give the same predictions."""
    name = "resumes after a kill with the same result"
    killed = bench.probe("killed", fit=True, kill=True)
    resumed = bench.probe("resumed", owner="killed", fit=True, answer=True)
    problem = resumed.error or bench.difference("first", "resumed")
    if not problem:
        if killed.error:
            yield Finding(name)
        else:  # the fit did not report when it was half done, where it would have been killed
            outcome = OK if first.seconds < AT_ONCE else WARNING
            yield Finding(name, outcome, "not tried: it reported no progress between start and end")
        yield Finding("gives the same result for the same seed")
        return
    same = bench.probe("same", fit=True, answer=True)
    yield judge(name, problem)
    problem = same.error or bench.difference("first", "same")
    yield judge("gives the same result for the same seed", problem)


def _progress(report: ProbeReport) -> str | None:
    if report.progress or report.seconds < AT_ONCE:
        return None
    return "call run.progress(done, total) in fit; people see an estimate, and kills are tested"


def _supervision(offer: Offer, bench: Bench) -> Finding:
    unused = sorted(set(offer.needs or ()) - bench.read)
    remedy = "and never reads it; take it out of its needs"
    problem = f"it declares '{unused[0]}' {remedy}" if unused else None
    return judge("reads the supervision that it declares, no other", problem, WARNING)
