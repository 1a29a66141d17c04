"""The stages that refine masks: pseudo-masks of train, and predictions on val."""

from __future__ import annotations

from typing import Any

from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.supervision import REGIONS
from wsss_harness.plugins.options import divided
from wsss_harness.stages.refining_masks import RefineMasks
from wsss_harness.stages.stage_data import TRAIN, VAL
from wsss_harness.store.stage import Stage
from wsss_harness.suite.counts import CountStages
from wsss_harness.suite.environments import environment_identity, place_of
from wsss_harness.system.memo import memoize


class RefinedMasks(CountStages):
    """The stages of refiners of masks, which are not trained and so have no seed."""

    @memoize
    def refined_masks(self, label: str, masks: Stage, split: str) -> Stage:
        """What a refiner makes of the masks of a split."""
        offered, owner = self.suite.mask_refiners[label], f"mask_refiner '{label}'"
        plugin = self.built("mask_refiner", label, offered.options)
        if offered.weights is not None:
            raise ConfigError(f"{owner} is not trained; take its weights out of the suite")
        if split == VAL and {*plugin.needs} - {REGIONS}:
            raise ConfigError(
                f"{owner} needs {sorted(plugin.needs)}, but test images have only regions; let it "
                "refine pseudo-masks (refiners of a row), not predictions (prediction_refiners)"
            )
        regions = self.regions_for(owner, plugin.needs, offered, split)
        identity = plugin.identity() if hasattr(plugin, "identity") else {}
        view = self.view(split, plugin.needs, owner, offered.saliency, regions.folder)
        return Stage(
            kind="remask" if split == TRAIN else "repredict",
            name=f"{masks.name}+{offered.name}",
            body=RefineMasks(plugin, view),
            options={
                **_counting_options(plugin),
                **identity,
                **self.saliency_identity(offered.saliency),
                **self.texts_identity(plugin.needs),
                **regions.identity,
                **environment_identity(offered),
                "split": split,
            },
            inputs={"data": self.data, "masks": masks, **regions.inputs},
            note={
                "needs": sorted(plugin.needs),
                "also": self.also(offered.saliency, offered.regions),
            },
            subject=masks.subject,
            heavy=True,
            images=True,
            place=place_of(offered),
        )


def _counting_options(plugin: Any) -> dict[str, Any]:
    """The options that decide what it does; all but the idle ones."""
    always, late = divided(plugin)
    return {**always, **late}
