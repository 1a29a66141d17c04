"""What a stage used of the machine, and which machine that was."""

import contextlib
import os
import platform
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from wsss_harness.system import memory


@dataclass(frozen=True)
class ResourceUse:
    """Times in seconds; memory in bytes at its peak.

    CPU time and memory include worker processes. Memory is resident and measured twice a second;
    what processes share counts for each. A GPU counts for the whole time in which it was held;
    without one, both values are None.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_memory: int
    gpu_seconds: float | None
    gpu_peak_memory: int | None


class Meter:
    """Measures the body of a with statement."""

    def __enter__(self) -> "Meter":
        self._peak = 0
        self._observe(memory.resident())
        self._started, self._cpu = time.monotonic(), _cpu_seconds()
        if gpu := _cuda():
            gpu.reset_peak_memory_stats()
        self._polling = memory.polled(self._observe)
        self._polling.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._polling.__exit__(None, None, None)
        self._wall = time.monotonic() - self._started
        self._cpu = _cpu_seconds() - self._cpu

    def _observe(self, resident: int) -> None:
        self._peak = max(self._peak, resident)

    def resource_use(self) -> ResourceUse:
        """What the body used, once it has ended."""
        wall, gpu = round(self._wall, 3), _cuda()
        return ResourceUse(
            wall_seconds=wall,
            cpu_seconds=round(self._cpu, 3),
            peak_memory=max(self._peak, memory.resident()),
            gpu_seconds=wall if gpu else None,
            gpu_peak_memory=gpu.max_memory_allocated() if gpu else None,
        )


def _cpu_seconds() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _cuda() -> Any:
    """torch.cuda if torch was imported and there is a GPU, else None."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_available() else None


# Distributions whose code may change a result.
LIBRARIES = (
    *("torch", "torchvision", "onedl-mmengine", "onedl-mmcv", "onedl-mmsegmentation"),
    *("numpy", "scipy", "opencv-python", "pillow", "pydensecrf2"),
)


@cache
def library_versions() -> Mapping[str, str]:
    """The installed version of each library; optional libraries may be missing."""
    versions = {}
    for name in LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions


def environment() -> dict[str, str]:
    """Versions and settings that may change results; those of torch only if it was imported."""
    versions = {"python": platform.python_version(), "wsss-bench": version("wsss-bench")}
    versions |= library_versions()
    gpu, torch = _cuda(), sys.modules.get("torch")
    if torch is not None:
        versions["threads"] = str(torch.get_num_threads())
        versions["deterministic"] = str(torch.are_deterministic_algorithms_enabled()).lower()
    return {**versions, "device": gpu.get_device_name() if gpu else "cpu"}
