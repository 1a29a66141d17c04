"""What each row of a suite lacks: supervision, saliency maps, weights and checkpoints."""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.findings import Finding, judge
from wsss_harness.contract.supervision import IMAGE_LABELS, LANGUAGE, REGIONS, SALIENCY
from wsss_harness.plugins.elsewhere import plugins_at
from wsss_harness.plugins.registry import Plugins
from wsss_harness.suite.spec import Offered, Suite

SOURCES = {
    SALIENCY: "saliency maps",
    IMAGE_LABELS: "image labels",
    REGIONS: "regions",
    LANGUAGE: "texts",
}


def missing(suite: Suite, plugins: Plugins, supervision: frozenset[str]) -> Iterator[Finding]:
    """A finding for each row: the supervision, weights and checkpoints that it lacks."""
    for row in suite.rows:
        needs = row.rule.built.needs
        lacking = chain(
            *(_lacking(suite, plugins, supervision, *offer) for offer in suite.offers_of(row)),
            _maps(suite, supervision, needs, row.saliency),
        )
        yield judge(f"row '{row.method}' has all files", _problem(lacking))


def _problem(lacking: Iterable[str]) -> str | None:
    """What a row lacks, or why that cannot be told; None if it lacks nothing."""
    try:
        problem = ", ".join(dict.fromkeys(lacking))
    except ConfigError as error:  # such as an environment that is not there
        return str(error)
    return f"missing: {problem}" if problem else None


def _lacking(
    suite: Suite, plugins: Plugins, supervision: frozenset[str], kind: str, offered: Offered
) -> Iterator[str]:
    """What a plugin of a row lacks."""
    cls = plugins_at(plugins, offered.environment).dataclass_of(kind, offered.name)
    needs = frozenset(getattr(cls, "needs", ()))
    regions = suite.maps("regions")[offered.regions] if offered.regions else None
    own = supervision | ({REGIONS} if regions else set()) | ({LANGUAGE} if suite.texts else set())
    yield from _maps(suite, own, needs, offered.saliency)
    if regions and regions.folder and not regions.path.is_dir():
        yield f"the maps of regions.{offered.regions}.folder"
    for label in offered.named_weights.values():
        file = suite.weights[label].file
        if file and not Path(file).is_file():
            yield f"the weights {file} (weights.{label}.file)"
    checkpoint = offered.options.get("checkpoint")
    if checkpoint and not Path(checkpoint).is_file():
        yield f"the checkpoint {checkpoint} of '{offered.name}'"


def _maps(
    suite: Suite, supervision: frozenset[str], needs: frozenset[str], saliency: str | None
) -> Iterator[str]:
    """The supervision that is missing, where maps of this label replace the dataset's own."""
    available = supervision | ({SALIENCY} if saliency else set())
    yield from (SOURCES[part] for part in sorted(needs - available))
    if saliency and not suite.maps("saliency")[saliency].path.is_dir():
        yield f"the maps of saliency.{saliency}.folder"
