"""Checks of what a method claims of its options: that some do not count, everywhere or in fit.

Results are found by the options that count, so a wrong claim gives one result for two values.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Any

from wsss_harness.contract.findings import Finding, judge
from wsss_harness.plugins.options import divided
from wsss_harness.plugins.registry import installed
from wsss_harness.system.digests import digest_file
from wsss_harness.testing.bench import Bench
from wsss_harness.testing.other_values import other_values

FIT = "fits the same with other values of options that fit ignores"
IDLE = "predicts the same with other values of idle options"
Attempt = Callable[[str, Mapping[str, Any]], str | None]  # (probe, other values) -> problem


def check(bench: Bench, again: str) -> Iterator[Finding]:
    """Fit and load with other values; ``again`` is a probe that fitted with the first ones."""
    method = installed().build(bench.offer.kind, bench.offer.name, bench.options)
    idle = set(getattr(method, "idle", ()))
    ignored = idle | set(divided(method)[1])
    others = other_values(bench.offer, bench.options, ignored)
    chosen = {name: value for name, value in others.items() if name in idle}
    if others:
        attempt = partial(
            _fitted, bench, _files(bench, "first").items() & _files(bench, again).items()
        )
        yield _finding(FIT, others, ignored, attempt)
    if chosen:
        yield _finding(IDLE, chosen, idle, partial(_predicted, bench))


def _finding(
    check: str, others: Mapping[str, Any], claimed: Collection[str], attempt: Attempt
) -> Finding:
    """All options are changed at once; only after a difference one by one, to name the cause."""
    if attempt(f"{check} all", others) is None:
        untried = ", ".join(sorted(set(claimed) - set(others)))
        return Finding(check, message=f"not tried: {untried}" if untried else "")
    for name, value in others.items():
        if problem := attempt(f"{check} {name}", {name: value}):
            return judge(check, f"with {name} = {value!r}, {problem}")
    return judge(check, f"with other values of {', '.join(others)}, {attempt(check, others)}")


def _fitted(
    bench: Bench, same: Collection[tuple[str, str]], probe: str, others: Mapping[str, Any]
) -> str | None:
    """How a fit with other values differs from the ``same`` files that two fits wrote."""
    report = bench.probe(probe, fit=True, others=others)
    unlike = sorted(name for name, _ in set(same) - _files(bench, probe).items())
    if report.error or not unlike:
        return report.error or None
    return f"{unlike[0]} differs; take it out of at_inference or idle, since it counts"


def _predicted(bench: Bench, probe: str, others: Mapping[str, Any]) -> str | None:
    """How predictions of the first fit differ where it is loaded with other values."""
    report = bench.probe(probe, owner="first", answer=True, others=others)
    return report.error or bench.difference("first", probe)


def _files(bench: Bench, probe: str) -> dict[str, str]:
    """The files of a fit with their digests."""
    folder = bench.folder(probe)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): digest_file(path) for path in paths}
