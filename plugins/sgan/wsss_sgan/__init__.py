"""SGAN: seeds spread between pixels that are similar, and salient alike."""

from collections.abc import Mapping

from wsss_harness import hookimpl
from wsss_sgan.sgan import Sgan

__all__ = ["Sgan"]


@hookimpl
def wsss_refiners() -> Mapping[str, type[Sgan]]:
    return {"sgan": Sgan}
