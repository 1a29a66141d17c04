"""Generators: class activation maps (CAM) and SEAM."""

from collections.abc import Mapping

from wsss_cam_baselines.cam import Cam
from wsss_cam_baselines.seam import Seam
from wsss_harness import ClassMapGenerator, hookimpl

__all__ = ["Cam", "Seam"]


@hookimpl
def wsss_generators() -> Mapping[str, type[ClassMapGenerator]]:
    return {"cam": Cam, "seam": Seam}
