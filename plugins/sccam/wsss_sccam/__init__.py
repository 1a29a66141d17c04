"""The generator SC-CAM."""

from collections.abc import Mapping

from wsss_harness import ClassMapGenerator, hookimpl
from wsss_sccam.sccam import ScCam

__all__ = ["ScCam"]


@hookimpl
def wsss_generators() -> Mapping[str, type[ClassMapGenerator]]:
    return {"sccam": ScCam}
