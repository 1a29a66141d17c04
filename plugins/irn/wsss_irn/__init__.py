"""IRN: class boundaries between which scores walk, and the class maps that it starts from."""

from collections.abc import Mapping

from wsss_harness import hookimpl
from wsss_irn.cam_irn import CamIrn
from wsss_irn.irn import Irn

__all__ = ["CamIrn", "Irn"]


@hookimpl
def wsss_generators() -> Mapping[str, type[CamIrn]]:
    return {"cam_irn": CamIrn}


@hookimpl
def wsss_refiners() -> Mapping[str, type[Irn]]:
    return {"irn": Irn}
