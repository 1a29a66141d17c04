"""What a stage cost, and the machine that paid it."""

import contextlib
import os
import platform
import sys
import threading
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import psutil

EVERY = 0.5  # seconds between two looks at the memory; a look reads the list of all processes


@dataclass(frozen=True)
class ResourceUse:
    """Seconds, and bytes of memory at their peak.

    CPU time and memory are those of the process and its workers together; memory is resident,
    looked at twice a second, and what workers share counts for each. A GPU counts all seconds
    in which it was held; without one both are None.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_memory: int
    gpu_seconds: float | None
    gpu_peak_memory: int | None


class Meter:
    """Measures the body of a with statement."""

    def __enter__(self) -> "Meter":
        self._ended = threading.Event()
        self._peak = resident()
        self._started, self._cpu = time.monotonic(), _cpu_seconds()
        if gpu := _cuda():
            gpu.reset_peak_memory_stats()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._watcher.join()
        self._wall = time.monotonic() - self._started
        self._cpu = _cpu_seconds() - self._cpu

    def _watch(self) -> None:
        while not self._ended.wait(EVERY):
            self._peak = max(self._peak, resident())

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


def resident() -> int:
    """Bytes of memory that this process and those that it started hold."""
    own = psutil.Process()
    total: int = own.memory_info().rss
    for child in own.children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile
            total += child.memory_info().rss
    return total


def _cpu_seconds() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _cuda() -> Any:
    """torch.cuda if a stage has loaded torch and there is a GPU, else None."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_available() else None


def environment() -> dict[str, str]:
    """The versions and settings that may move a number; those of torch if a stage has loaded it."""
    names = (
        "wsss-bench",
        "torch",
        "torchvision",
        "onedl-mmengine",
        "onedl-mmsegmentation",
        "numpy",
    )
    versions = {"python": platform.python_version(), **{name: version(name) for name in names}}
    with contextlib.suppress(PackageNotFoundError):  # it is optional
        versions["pydensecrf2"] = version("pydensecrf2")
    gpu, torch = _cuda(), sys.modules.get("torch")
    if torch is not None:
        versions["threads"] = str(torch.get_num_threads())
        versions["deterministic"] = str(torch.are_deterministic_algorithms_enabled()).lower()
    return {**versions, "device": gpu.get_device_name() if gpu else "cpu"}
