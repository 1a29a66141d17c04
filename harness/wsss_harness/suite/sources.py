"""What methods see of the data: views, with the maps, regions and texts that a suite names."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.contract.supervision import LANGUAGE, REGIONS
from wsss_harness.datasets.lists import refuse_twins
from wsss_harness.plugins.options import construct
from wsss_harness.stages.stage_data import TRAIN, StageData, StageView
from wsss_harness.stages.texts import SuiteTexts
from wsss_harness.store.stage import Stage
from wsss_harness.suite.data_stages import DataStages, set_by
from wsss_harness.suite.source_spec import Source, SourceKind
from wsss_harness.suite.spec import Offered, digest_of
from wsss_harness.system.digests import digest_together, files_below
from wsss_harness.system.memo import memoize
from wsss_harness.system.region_files import region_files
from wsss_harness.system.similar import did_you_mean


@dataclass(frozen=True)
class RegionSource:
    """``identity`` goes into cache keys; the regions are a folder, a stage or neither."""

    identity: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    inputs: Mapping[str, Stage] = field(default_factory=dict)


class Sources(DataStages):
    """Views of the dataset, and the sources of supervision that belong to them."""

    def stage_data(self, saliency: str | None = None, regions: Path | None = None) -> StageData:
        """The dataset as stages open it, with the saliency maps of this name if one is given."""
        if saliency is None:
            return StageData(self.source, regions=regions)
        maps = self.suite.maps("saliency")[saliency]
        return StageData(self.source, maps.path, regions, maps.resize)

    def texts(self, needs: Collection[str], owner: str) -> SuiteTexts | None:
        """The texts of the suite for a method that needs language.

        Raises:
            ConfigError: it needs them, and the suite has none.
        """
        spec = self.suite.texts
        if LANGUAGE not in needs:
            return None
        if spec is None:
            raise ConfigError(
                f"{owner} needs language; add [texts] to the suite, with file = NAME, or with "
                "classes and background"
            )
        return SuiteTexts(spec.classes, spec.background)

    def texts_identity(self, needs: Collection[str]) -> dict[str, Any]:
        """What identifies the texts in keys of stages whose method reads them."""
        return {"texts": digest_of(self.suite.texts)} if LANGUAGE in needs else {}

    def view(
        self,
        split: str,
        needs: Collection[str],
        owner: str,
        saliency: str | None = None,
        regions: Path | None = None,
    ) -> StageView:
        data = self.stage_data(saliency, regions)
        if (texts := self.texts(needs, owner)) is not None:
            data = replace(data, texts=texts)
        return StageView(data, split, frozenset(needs), owner)

    def regions_for(
        self, owner: str, needs: Collection[str], offered: Offered, split: str = TRAIN
    ) -> RegionSource:
        """The regions that a plugin reads of the images of a split.

        Raises:
            ConfigError: it needs some, and the suite names none for it.
        """
        if REGIONS in needs and offered.regions is None:
            raise ConfigError(
                f"{owner} needs regions; define some as [sources.NAME] and set its option regions "
                f"to NAME{did_you_mean('', self.suite.maps('regions'))}"
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
        maps = self.suite.maps("regions")[label]
        if maps.superpixels is not None:
            return RegionSource(inputs={"regions": self._superpixels(label, split)})
        origin = {"made_by": maps.made_by, "trained_on": maps.trained_on}
        place = self.place("regions", label)
        digest = digest_of_maps(place, maps.path, region_files(maps.path))
        return RegionSource({"regions": {**origin, "digest": digest}}, maps.path)

    def _superpixels(self, label: str, split: str) -> Stage:
        from wsss_harness.stages.superpixels import Superpixels, WriteSuperpixels

        options = self.suite.maps("regions")[label].superpixels or {}
        with set_by(f"{self.place('regions', label)}.superpixels."):
            superpixels = construct(f"superpixels of '{label}'", Superpixels, options)
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
        maps = self.suite.maps("saliency")[saliency]
        return {"saliency": identity_of_maps(self.place("saliency", saliency), maps)}

    def also(self, saliency: str | None, regions: str | None) -> dict[str, list[str]]:
        """By part of the data, what else went into its maps of these labels, for notes."""
        labels: tuple[tuple[SourceKind, str | None], ...]
        labels = (("saliency", saliency), ("regions", regions))
        maps = {kind: self.suite.maps(kind)[label] for kind, label in labels if label}
        return {kind: list(source.also) for kind, source in maps.items() if source.also}

    def place(self, kind: SourceKind, label: str) -> str:
        """Where the suite has a source, as for ``--set``."""
        return f"{'sources' if label in self.suite.sources else kind}.{label}"


def identity_of_maps(place: str, maps: Source) -> dict[str, Any]:
    """What cache keys and records say of saliency maps: their origin, and a digest of all maps.

    Raises:
        DataError: the folder is missing or holds no map.
    """
    digest = digest_of_maps(place, maps.path, files_below(maps.path, ".png"))
    origin = {"detector": maps.made_by, "trained_on": maps.trained_on, "digest": digest}
    return origin if maps.resize == "none" else {**origin, "resize": maps.resize}


def digest_of_maps(place: str, folder: Path, paths: Sequence[Path]) -> str:
    """A digest of all maps, ``paths``, in a folder that a suite names.

    Raises:
        DataError: there are none, or two of one id.
    """
    if not paths:
        table, _, label = place.partition(".")
        raise DataError(f"{table} '{label}': {folder} holds no maps ID.png; set {place}.folder")
    refuse_twins(paths)
    return digest_together(folder, paths)
