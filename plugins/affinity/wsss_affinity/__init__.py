"""Refinement of class scores: AffinityNet with its random walk, and the dense CRF."""

from wsss_affinity.affinitynet import AffinityNet
from wsss_affinity.crf import Crf
from wsss_harness import Refiner, hookimpl

__all__ = ["AffinityNet", "Crf"]


@hookimpl
def wsss_refiners() -> dict[str, type[Refiner]]:
    return {"affinity": AffinityNet, "crf": Crf}
