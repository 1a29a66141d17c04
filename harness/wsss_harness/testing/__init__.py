"""Conformance checks: whether a plugin keeps the contract of wsss_harness.contract.hookspecs.

A plugin's own tests call one function, and the command `wsss plugin check` prints the same:

    from wsss_harness.testing import assert_conforms

    def test_mine_conforms():
        assert_conforms("generator", "mine", {"iterations": 2})

Methods run on a few built-in scenes, each step in a fresh process on the CPU, with the options of
their class attribute ``quick`` and those that are passed.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.findings import FAILURE, Finding
from wsss_harness.plugins.registry import installed

__all__ = ["Finding", "assert_conforms", "check"]


def check(
    kind: str,
    name: str,
    options: Mapping[str, Any] | None = None,
    limit: float = 600,
    weights: Mapping[str, Path] | None = None,
) -> Iterator[Finding]:
    """Check an offer; yields each finding as soon as it is made.

    ``kind`` is generator, refiner, segmentor, metric, dataset or executor. A step of a method that
    takes more than ``limit`` seconds is a failure. ``weights``: the files that it gets, by name.

    Raises:
        ConfigError: nothing of this kind and name is installed.
    """
    from wsss_harness.testing import announcing, datasets, executors, methods, metrics

    plugins = installed()
    offer = plugins.find(kind, name)
    chosen = {**getattr(offer.announced, "quick", {}), **(options or {})}
    findings = list(announcing.check(plugins, offer, chosen))
    yield from findings
    if any(finding.outcome == FAILURE for finding in findings):
        return  # it cannot be run
    if kind in methods.KINDS:
        yield from methods.check(offer, chosen, limit, weights or {})
    elif kind == "metric":
        yield from metrics.check(offer)
    elif kind == "dataset":
        yield from datasets.check(offer, chosen)
    elif kind == "executor":
        yield from executors.check(offer, chosen, limit)


def assert_conforms(
    kind: str,
    name: str,
    options: Mapping[str, Any] | None = None,
    limit: float = 600,
    weights: Mapping[str, Path] | None = None,
) -> None:
    """Raise AssertionError with every failure, if ``check`` finds one."""
    try:
        findings = check(kind, name, options, limit, weights)
        failures = [str(finding) for finding in findings if finding.outcome == FAILURE]
    except ConfigError as error:
        failures = [str(error)]
    if failures:
        raise AssertionError("\n".join((f"{kind} '{name}' breaks its contract:", *failures)))
