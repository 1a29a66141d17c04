"""The stages of a row, and control rows."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from wsss_harness.contract.supervision import SALIENCY
from wsss_harness.plugins.elsewhere import plugins_at
from wsss_harness.plugins.registry import Plugins
from wsss_harness.store.stage import Stage, upstream
from wsss_harness.suite.names import of_control
from wsss_harness.suite.spec import Choice, Offered, Row, RuleSpec, Suite


@dataclass(frozen=True)
class SegmentationStages:
    label: str
    fit: Stage
    predictions: Stage
    counts: Stage


@dataclass(frozen=True)
class RowStages:
    """The stages of one row for one seed; a bound row has no scores and therefore no curve.

    Without a truth of train there are no ``counts`` of its masks, no ``curve`` and no ``further``.
    ``further``: the counts of each metric of a plugin, by the name of the metric.
    """

    row: Row
    seed: int
    masks: Stage
    counts: Stage | None
    scores: Stage | None = None
    curve: Stage | None = None
    segmentations: tuple[SegmentationStages, ...] = ()
    explained: tuple[Stage, ...] = ()
    further: Mapping[str, Stage] = field(default_factory=dict)

    @property
    def targets(self) -> tuple[Stage, ...]:
        ends = (s.counts for s in self.segmentations)
        curve = (self.curve,) if self.curve else ()
        return (*curve, self.counts or self.masks, *self.further.values(), *self.explained, *ends)

    def unscored(self) -> "RowStages":
        """The stages of the row without those that compare train with its truth."""
        return replace(self, counts=None, curve=None, further={})


def chosen_on(row: RowStages) -> Choice:
    """The truth on which the threshold was chosen; "unknown" if a pack does not say."""
    if choice := row.row.rule.choice:
        return choice
    stated: Iterator[Choice]
    stated = (stage.note.get("chosen_on", "fixed") for stage in upstream(row.masks))
    return next((choice for choice in stated if choice != "fixed"), "fixed")


def saliency_of(row: Row, suite: Suite) -> str | None:
    """The label of the saliency maps that a row reads; None for the dataset's own."""
    parts = suite.offers_of(row) if row.generator else ()
    named = [row.saliency, *(part.saliency for _, part in parts)]
    return next((label for label in named if label), None)


def control_row(suite: Suite, plugins: Plugins, saliency: str | None) -> Row:
    """Saliency above 0.5, painted with the classes of a generator.

    If possible, the generator reads no saliency itself.
    """

    def uses_saliency(label: str) -> bool:
        return any(SALIENCY in _needs(plugins, offered) for offered in suite.rounds_of(label))

    trained = dict.fromkeys(row.generator for row in suite.rows)  # no training for a control alone
    label = min(trained, key=uses_saliency)
    rule = RuleSpec(name="saliency", threshold=0.5)
    method = of_control(label, saliency)
    return Row(method=method, generator=label, rule=rule, saliency=saliency, control=True)


def _needs(plugins: Plugins, generator: Offered) -> Collection[str]:
    found = plugins_at(plugins, generator.environment)
    cls: Any = found.dataclass_of("generator", generator.name)
    needs: Collection[str] = cls.needs
    return needs
