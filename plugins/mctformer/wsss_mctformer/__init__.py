"""MCTformer V1, V2 and MCTformer+: class maps from the attention of a token for each class."""

from collections.abc import Mapping

from wsss_harness import ClassMapGenerator, hookimpl, require_extra
from wsss_mctformer.generators import MctformerPlus, MctformerV1, MctformerV2
from wsss_mctformer.refiner import PatchAffinity

__all__ = ["MctformerPlus", "MctformerV1", "MctformerV2", "PatchAffinity"]

require_extra("timm", "vit", "plugin 'mctformer'")


@hookimpl
def wsss_generators() -> Mapping[str, type[ClassMapGenerator]]:
    return {
        "mctformer_v1": MctformerV1,
        "mctformer_v2": MctformerV2,
        "mctformer_plus": MctformerPlus,
    }


@hookimpl
def wsss_refiners() -> Mapping[str, type[PatchAffinity]]:
    return {"patch_affinity": PatchAffinity}
