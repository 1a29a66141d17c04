"""Class activation maps and their kin as generators."""

from wsss_cam_baselines.cam import Cam
from wsss_harness.hookspecs import hookimpl

__all__ = ["Cam"]


@hookimpl
def wsss_generators() -> dict[str, type[Cam]]:
    return {"cam": Cam}
