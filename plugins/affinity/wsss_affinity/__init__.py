"""Refinement of class scores: dense CRF, semantic affinity with a random walk."""

from wsss_affinity.crf import Crf
from wsss_harness.hookspecs import hookimpl

__all__ = ["Crf"]


@hookimpl
def wsss_refiners() -> dict[str, type[Crf]]:
    return {"crf": Crf}
