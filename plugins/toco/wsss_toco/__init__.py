"""ToCo and SeCo: segmentation in a single stage, with contrast between tokens of a transformer.

PAR, by which they refine their labels, is a refiner as well.
"""

from collections.abc import Mapping

from wsss_harness import hookimpl, require_extra
from wsss_toco.method import TokenMethod
from wsss_toco.refiner import ParRefiner
from wsss_toco.seco import SeCo
from wsss_toco.toco import ToCo

__all__ = ["ParRefiner", "SeCo", "ToCo", "TokenMethod"]

require_extra("timm", "vit", "plugin 'toco'")


@hookimpl
def wsss_generators() -> Mapping[str, type[TokenMethod]]:
    return {"toco": ToCo, "seco": SeCo}


@hookimpl
def wsss_refiners() -> Mapping[str, type[ParRefiner]]:
    return {"par": ParRefiner}
