"""What a stage uses of the machine, and which machine that is."""

import contextlib
import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import psutil

INTERVAL = 0.5  # seconds between two looks; each may read the list of all processes


def resident() -> int:
    """Bytes of resident memory; memory that processes share counts for each of them."""
    own = psutil.Process()
    total: int = own.memory_info().rss
    for child in own.children(recursive=True) if _has_children() else ():
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile
            total += child.memory_info().rss
    return total


def _has_children() -> bool:
    """Whether there may be any; to list them takes a look at every process of the machine."""
    if not hasattr(os, "waitid"):
        return True
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


@contextlib.contextmanager
def polled(observe: Callable[[int], None]) -> Iterator[None]:
    """Call ``observe`` with the resident bytes, from a thread, twice a second during the body."""
    ended = threading.Event()

    def poll() -> None:
        while not ended.wait(INTERVAL):
            observe(resident())

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


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
        self._observe(resident())
        self._started, self._cpu = time.monotonic(), _cpu_seconds()
        if gpu := _cuda():
            gpu.reset_peak_memory_stats()
        self._polling = polled(self._observe)
        self._polling.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._polling.__exit__(None, None, None)
        self._wall = time.monotonic() - self._started
        self._cpu = _cpu_seconds() - self._cpu

    def _observe(self, memory: int) -> None:
        self._peak = max(self._peak, memory)

    def resource_use(self) -> ResourceUse:
        """What the body used, once it has ended."""
        wall, gpu = round(self._wall, 3), _cuda()
        return ResourceUse(
            wall_seconds=wall,
            cpu_seconds=round(self._cpu, 3),
            peak_memory=max(self._peak, resident()),
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
