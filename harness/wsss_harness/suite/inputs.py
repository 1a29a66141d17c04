"""What the stages of a suite start from: data, saliency maps and initial weights."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.contract.hookspecs import DatasetSource
from wsss_harness.contract.supervision import IMAGE_LABELS, REGIONS, Dataset
from wsss_harness.datasets.lists import refuse_twins
from wsss_harness.plugins.options import construct
from wsss_harness.plugins.registry import Plugins
from wsss_harness.stages.fitting import Pretrain, Training
from wsss_harness.stages.stage_data import TRAIN, PrepareData, StageData, StageView, open_dataset
from wsss_harness.store.stage import Stage
from wsss_harness.suite.given_weights import GivenWeights, SuiteWeights
from wsss_harness.suite.spec import Offered, SaliencyMaps, Suite, Weights
from wsss_harness.system.digests import digest_once, digest_together, files_below
from wsss_harness.system.memo import memoize
from wsss_harness.system.region_files import region_files


@dataclass(frozen=True)
class RegionSource:
    """``identity`` goes into cache keys; the regions are a folder, a stage or neither."""

    identity: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    inputs: Mapping[str, Stage] = field(default_factory=dict)


class Inputs:
    """The stages that all rows share, for the repetition with the number ``seed``."""

    def __init__(self, suite: Suite, plugins: Plugins, seed: int) -> None:
        self.suite = suite
        self.plugins = plugins
        self.seed = seed
        self.seeds = suite.seeds_of(seed)

    @cached_property
    def data(self) -> Stage:
        return self.data_of(self.suite.dataset.name, self.source)

    def data_of(self, name: str, source: Any) -> Stage:
        """The stage that prepares a dataset."""
        return Stage(
            kind="data", name=name, body=PrepareData(source), options=identity_of_data(source)
        )

    def source_of(self, offered: Offered) -> Any:
        return self.plugins.build("dataset", offered.name, offered.options)

    @cached_property
    def source(self) -> DatasetSource:
        source: DatasetSource = self.source_of(self.suite.dataset)
        return source

    def opened(self, folder: Path) -> Dataset:
        """The dataset whose stage lies in ``folder``."""
        return open_dataset(self.source, folder)

    def stage_data(self, saliency: str | None = None, regions: Path | None = None) -> StageData:
        """The dataset as stages open it, with the saliency maps of this name if one is given."""
        if saliency is None:
            return StageData(self.source, regions=regions)
        maps = self.suite.saliency[saliency]
        return StageData(self.source, Path(maps.folder), regions, maps.resize)

    def view(
        self,
        split: str,
        needs: Collection[str],
        owner: str,
        saliency: str | None = None,
        regions: Path | None = None,
    ) -> StageView:
        return StageView(self.stage_data(saliency, regions), split, frozenset(needs), owner)

    def regions_for(
        self, owner: str, needs: Collection[str], offered: Offered, split: str = TRAIN
    ) -> RegionSource:
        """The regions that a plugin reads of the images of a split.

        Raises:
            ConfigError: it needs some, and the suite names none for it.
        """
        if REGIONS in needs and offered.regions is None:
            raise ConfigError(
                f"{owner} needs regions; define some as [regions.NAME] and set its option regions "
                f"to NAME (defined: {', '.join(self.suite.regions) or 'none'})"
            )
        return self.regions(offered.regions, split)

    @memoize
    def regions(self, label: str | None, split: str = TRAIN) -> RegionSource:
        """The regions of this label for the images of a split; none without a label.

        Raises:
            ConfigError: an option of the superpixels is unknown or out of range.
            DataError: the folder is missing or holds no map.
        """
        if label is None:
            return RegionSource()
        maps = self.suite.regions[label]
        if maps.superpixels is not None:
            return RegionSource(inputs={"regions": self._superpixels(label, split)})
        origin = {"made_by": maps.made_by, "trained_on": maps.trained_on}
        folder = Path(str(maps.folder))
        digest = digest_of_maps("regions", label, folder, region_files(folder))
        return RegionSource({"regions": {**origin, "digest": digest}}, folder)

    def _superpixels(self, label: str, split: str) -> Stage:
        from wsss_harness.stages.superpixels import Superpixels, WriteSuperpixels

        options = self.suite.regions[label].superpixels or {}
        superpixels = construct(f"superpixels of regions '{label}'", Superpixels, options)
        view = self.view(split, (), f"regions '{label}'")
        return Stage(
            kind="regions",
            name=label,
            body=WriteSuperpixels(superpixels, view),
            options=asdict(superpixels) | ({"split": split} if split != TRAIN else {}),
            inputs={"data": self.data},
            subject="" if split == TRAIN else split,
            images=True,
        )

    @memoize
    def saliency_identity(self, saliency: str | None) -> dict[str, Any]:
        """Options that identify the saliency maps a stage reads; empty for the dataset's own."""
        if saliency is None:
            return {}
        return {"saliency": identity_of_maps(saliency, self.suite.saliency[saliency])}

    def given_weights(self, offered: Offered) -> GivenWeights:
        """The weights that the suite gives to a method, by name."""
        labels = offered.named_weights
        return GivenWeights({name: self.weights(label) for name, label in labels.items()})

    @memoize
    def weights(self, label: str) -> SuiteWeights:
        """The weights of this label.

        Raises:
            ConfigError: the suite does not say where they come from.
            DataError: their file is missing.
        """
        spec = self.suite.weights[label]
        identity = {"name": label, "trained_on": spec.trained_on}
        if not spec.file:
            return SuiteWeights(identity, spec.kind, stage=self._pretraining(label, spec))
        path = Path(spec.file)
        if not path.is_file():
            raise DataError(f"weights '{label}': there is no file {path}; set weights.{label}.file")
        return SuiteWeights({**identity, "digest": digest_once(path)}, spec.kind, path)

    def _pretraining(self, label: str, spec: Weights) -> Stage:
        from wsss_harness.networks.classmaps.pretraining import Pretraining

        if spec.dataset is None or spec.pretraining is None:
            raise ConfigError(f"weights '{label}' need either a file or dataset and pretraining")
        owner = f"pretraining of '{label}'"
        pretraining = construct(f"pretraining of weights '{label}'", Pretraining, spec.pretraining)
        source, seed = self.source_of(spec.dataset), self.seeds["weights"]
        view = StageView(StageData(source), TRAIN, frozenset({IMAGE_LABELS}), owner)
        return Stage(
            kind="pretrain",
            name=label,
            body=Pretrain(pretraining, Training(view, seed)),
            options={**asdict(pretraining), "seed": seed},
            inputs={"data": self.data_of(spec.dataset.name, source)},
            heavy=True,
            distributed=True,
        )


def identity_of_data(source: Any) -> dict[str, Any]:
    """What cache keys say of a dataset: what it says of itself, or its options.

    A dataset that reads its files where they lie can be opened before it is prepared; then they
    count as well, by its fingerprint.
    """
    if hasattr(source, "identity"):
        identity: dict[str, Any] = source.identity()
        return identity
    options = asdict(source)
    place = f"{type(source).__module__}.{type(source).__qualname__} {options!r}"
    if place not in _fingerprints:
        _fingerprints[place] = _fingerprint(source)
    return {**options, **({FINGERPRINT: known} if (known := _fingerprints[place]) else {})}


FINGERPRINT = "fingerprint"
_fingerprints: dict[str, str] = {}  # by dataset and options, since every row of a suite asks


def _fingerprint(source: Any) -> str:
    """The fingerprint of a dataset before it is prepared; empty if it must be prepared first."""
    with TemporaryDirectory(prefix="wsss-unprepared-") as folder, suppress(Exception):
        return str(source.open(Path(folder)).fingerprint())
    return ""


def identity_of_maps(label: str, maps: SaliencyMaps) -> dict[str, Any]:
    """What cache keys and records say of saliency maps: their origin, and a digest of all maps.

    Raises:
        DataError: the folder is missing or holds no map.
    """
    folder = Path(maps.folder)
    digest = digest_of_maps("saliency", label, folder, files_below(folder, ".png"))
    origin = {"detector": maps.detector, "trained_on": maps.trained_on, "digest": digest}
    return origin if maps.resize == "none" else {**origin, "resize": maps.resize}


def digest_of_maps(table: str, label: str, folder: Path, paths: Sequence[Path]) -> str:
    """A digest of all maps, ``paths``, in a folder that a suite names.

    Raises:
        DataError: there are none, or two of one id.
    """
    if not paths:
        raise DataError(
            f"{table} '{label}': {folder} holds no maps ID.png; set {table}.{label}.folder"
        )
    refuse_twins(paths)
    return digest_together(folder, paths)
