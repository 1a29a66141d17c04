"""What a suite says: its dataset, methods and rows, as checked tables."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.kinds import WeightsKind
from wsss_harness.contract.weights import BACKBONE
from wsss_harness.plugins.environments import Environment
from wsss_harness.stages.background_rules import BackgroundRule, build_rule
from wsss_harness.stages.limited import Split
from wsss_harness.suite.source_spec import Source, SourceKind, of_kind
from wsss_harness.system.models import StrictModel
from wsss_harness.system.similar import did_you_mean

Options = dict[str, Any]
WeightsName = Annotated[str, Field(pattern=r"^[a-z]\w*$")]  # part of the name of a file
Axis = Literal["weights", "generator", "refiner", "segmentor"]
Choice = Literal["fixed", "held_out", "oracle", "unknown"]  # on what a threshold was chosen
AXES: tuple[Axis, ...] = ("weights", "generator", "refiner", "segmentor")
Seed = Annotated[int, Field(ge=0, lt=2**32)]  # what numpy and torch both take
Seeds = Annotated[tuple[Seed, ...], Field(min_length=1)]


class Offered(BaseModel, extra="allow", frozen=True):
    """A plugin by name, the weights that it gets, and its options.

    ``weights``: the label of weights of the suite to start from, or a table of labels by the names
    that the plugin knows, of which ``backbone`` is the same as that one label.
    ``saliency``: the label of maps of the suite that it reads instead of the dataset's own.
    ``regions``: the label of regions of the suite.
    ``previous``: the label of the generator that this generator builds on.
    ``environment``: where its stages run, if not in this environment.
    """

    name: str
    weights: str | dict[WeightsName, str] | None = None
    saliency: str | None = None
    regions: str | None = None
    previous: str | None = None
    environment: Environment | None = None

    @property
    def options(self) -> Options:
        return dict(self.model_extra or {})

    @property
    def named_weights(self) -> dict[str, str]:
        """The label of the weights of each name."""
        if isinstance(self.weights, str):
            return {BACKBONE: self.weights}
        return dict(self.weights or {})


class Weights(StrictModel):
    """A file of weights or of what goes with them, or a pretraining on single objects.

    ``kind``: with what supervision they were trained; by default with labels of images, as those of
    ImageNet.
    """

    trained_on: str
    kind: WeightsKind = "image_labels"
    file: str | None = None
    dataset: Offered | None = None
    pretraining: Options | None = None


class TextsSpec(StrictModel):
    """What classes are called, by their names, and words for the background.

    A suite file may name a file with these tables instead, as ``texts.file``.
    """

    classes: dict[str, tuple[str, ...]]
    background: tuple[str, ...] = ()

    @field_validator("classes", mode="before")
    @classmethod
    def _one_prompt(cls, classes: Any) -> Any:
        if not isinstance(classes, Mapping):
            return classes
        return {name: (p,) if isinstance(p, str) else p for name, p in classes.items()}


class RuleSpec(BaseModel, extra="allow", frozen=True):
    """A background rule by name and its options.

    The threshold "held_out" or "oracle" is chosen on truth, which the tables say.
    """

    name: str = "constant"
    threshold: float | Literal["held_out", "oracle"] | None = None

    @field_validator("threshold", mode="before")
    @classmethod
    def _check_threshold(cls, threshold: Any) -> Any:
        number = isinstance(threshold, int | float) and not isinstance(threshold, bool)
        if threshold in (None, "held_out", "oracle") or (number and 0 <= threshold <= 1):
            return threshold
        raise ValueError("expected a number from 0 to 1, 'held_out' or 'oracle'")

    @property
    def choice(self) -> Literal["held_out", "oracle"] | None:
        """The truth on which the threshold is to be chosen; None for a fixed threshold."""
        return self.threshold if isinstance(self.threshold, str) else None

    @property
    def options(self) -> Options:
        """The options of the rule, without a threshold that is still to be chosen."""
        fixed = {} if isinstance(self.threshold, str | None) else {"threshold": self.threshold}
        return {**(self.model_extra or {}), **fixed}

    @cached_property
    def built(self) -> BackgroundRule:
        """The rule itself; its default threshold stands in for one that is still to be chosen.

        Raises:
            ConfigError: an unknown rule, or an unknown, missing or wrong option of it.
        """
        return build_rule(self.name, self.options)


class Row(StrictModel):
    """A row of the mask table, and for each segmentor one of the segmentation table.

    ``refiners``: labels of refiners of scores, then of masks, which come after the rule.
    ``prediction_refiners``: those of masks, for what its segmentors predict.
    ``saliency``: the label of the maps that its rule reads, if not the dataset's own.
    """

    method: str
    generator: str
    refiners: tuple[str, ...] = ()
    rule: RuleSpec = RuleSpec(threshold=0.2)
    segmentors: tuple[str, ...] = ()
    prediction_refiners: tuple[str, ...] = ()
    saliency: str | None = None
    control: bool = False


class Product(StrictModel):
    """A row for each generator with each chain of refiners, with one rule and all segmentors.

    A row is named after its parts, such as EPS + CRF.
    """

    generators: Annotated[tuple[str, ...], Field(min_length=1)]
    refiners: Annotated[tuple[tuple[str, ...], ...], Field(min_length=1)] = ((),)
    rule: RuleSpec = RuleSpec(threshold=0.2)
    segmentors: tuple[str, ...] = ()

    def rows(self) -> tuple[Row, ...]:
        return tuple(
            Row(
                method=" + ".join((generator, *chain)),
                generator=generator,
                refiners=chain,
                rule=self.rule,
                segmentors=self.segmentors,
            )
            for generator in self.generators
            for chain in self.refiners
        )


class Suite(StrictModel):
    """Rows that share stages: those of the ``product``, then those that are listed.

    ``vary``: what is repeated with each of the ``seeds``: pretrained weights, generators, refiners,
    segmentors. Everything else has the first seed.
    ``cross`` gives axes seeds of their own and repeats rows with each combination; then ``seeds``
    are the numbers of the combinations, ``vary`` the axes with several seeds, and axes without
    seeds have seed 0.
    ``sources``: maps of saliency or regions by name; ``saliency`` and ``regions`` are older tables
    for those of one kind.
    ``shared``: options of all generators that have them and do not set them themselves.
    ``held_out``: how many train images, spread evenly over the list, are kept apart. The threshold
    "held_out" is chosen on their truth, and their masks are not scored.
    ``limit``: the most images of a split, chosen to hold as many classes as they can.
    ``rehearsal``: its results mean nothing, see suite.rehearsal.
    ``bounds``: bound rows that take a network, which are made on request: each refiner on a perfect
    seed, and segmentors with full supervision.
    """

    title: str
    dataset: Offered
    seeds: Seeds = (0,)
    vary: Annotated[tuple[Axis, ...], Field(min_length=1)] = AXES
    cross: dict[Axis, Seeds] = Field(default={})
    held_out: Annotated[int, Field(ge=0)] = 0
    limit: dict[Split, Annotated[int, Field(ge=1)]] = Field(default={})
    rehearsal: bool = False
    bounds: tuple[Literal["refined", "supervised"], ...] = ()
    weights: dict[str, Weights] = Field(default={})
    sources: dict[str, Source] = Field(default={})
    saliency: dict[str, Source] = Field(default={})
    regions: dict[str, Source] = Field(default={})
    texts: TextsSpec | None = None
    shared: Options = Field(default={})
    generators: dict[str, Offered]
    refiners: dict[str, Offered] = Field(default={})
    mask_refiners: dict[str, Offered] = Field(default={})
    segmentors: dict[str, Offered] = Field(default={})
    product: Product | None = None
    rows: tuple[Row, ...] = ()

    @field_validator("saliency", "regions", mode="before")
    @classmethod
    def _of_kind(cls, tables: Any, info: ValidationInfo) -> Any:
        return of_kind(tables, str(info.field_name))

    def maps(self, kind: SourceKind) -> dict[str, Source]:
        """The sources of a kind by their labels, in whichever table they are."""
        older = {"saliency": self.saliency, "regions": self.regions}[kind]
        return {**older, **{label: s for label, s in self.sources.items() if s.kind == kind}}

    def seeds_of(self, repetition: int) -> dict[Axis, int]:
        """The seed of each axis in a repetition: one of ``seeds``, or any number without ``cross``.

        Raises:
            ConfigError: seeds are crossed, and no combination of them has this number.
        """
        if not self.cross:
            return {axis: repetition if axis in self.vary else self.seeds[0] for axis in AXES}
        if repetition not in self.seeds:
            raise ConfigError(
                f"no combination of seeds has the number {repetition}; there are 0 to "
                f"{self.seeds[-1]}"
            )
        return dict.fromkeys(AXES, 0) | combinations(self.cross)[repetition]

    def rounds_of(self, generator: str) -> Iterator[Offered]:
        """The generator of this label, then those that it builds on, the last round first."""
        label: str | None = generator
        while label is not None:
            yield self.generators[label]
            label = self.generators[label].previous

    def chain_of(self, row: Row) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The labels of the refiners of a row: those of scores, and those of masks."""
        of_scores = tuple(label for label in row.refiners if label not in self.mask_refiners)
        return of_scores, tuple(label for label in row.refiners if label in self.mask_refiners)

    def offers_of(self, row: Row) -> Iterator[tuple[str, Offered]]:
        """The plugins of a row with their kinds, those that its generator builds on included."""
        of_scores, of_masks = self.chain_of(row)
        yield from (("generator", offered) for offered in self.rounds_of(row.generator))
        yield from (("refiner", self.refiners[label]) for label in of_scores)
        for label in (*of_masks, *row.prediction_refiners):
            yield "mask_refiner", self.mask_refiners[label]
        yield from (("segmentor", self.segmentors[label]) for label in row.segmentors)

    def row(self, method: str) -> Row:
        """The row of this name; ConfigError lists the rows."""
        for row in self.rows:
            if row.method == method:
                return row
        names = [row.method for row in self.rows]
        raise ConfigError(f"no row is named '{method}'{did_you_mean(method, names)}")


def digest_of(texts: TextsSpec | None) -> str:
    """SHA-256 of texts in their order, whatever file they came from; empty for none."""
    if texts is None:
        return ""
    content = json.dumps(texts.model_dump(mode="json"), ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()


def combinations(cross: Mapping[Axis, Sequence[int]]) -> list[dict[Axis, int]]:
    """All combinations of seeds; the seed of the last axis changes first."""
    axes = [axis for axis in AXES if axis in cross]
    chosen = product(*(cross[axis] for axis in axes))
    return [dict(zip(axes, seeds, strict=True)) for seeds in chosen]
