"""SEPL: masks improved by regions that have no class, such as those of SAM or superpixels."""

from collections.abc import Mapping

from wsss_harness import hookimpl
from wsss_sepl.sepl import Sepl

__all__ = ["Sepl"]


@hookimpl
def wsss_mask_refiners() -> Mapping[str, type[Sepl]]:
    return {"sepl": Sepl}
