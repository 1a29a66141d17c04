"""PPC: pixel-to-prototype contrast, added to SEAM and to EPS."""

from collections.abc import Mapping

from wsss_harness import ClassMapGenerator, hookimpl
from wsss_ppc.ppc import PpcEps, PpcSeam

__all__ = ["PpcEps", "PpcSeam"]


@hookimpl
def wsss_generators() -> Mapping[str, type[ClassMapGenerator]]:
    return {"ppc_seam": PpcSeam, "ppc_eps": PpcEps}
