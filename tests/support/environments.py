"""A Python environment beside this one, with a plugin and a library of its own.

The library ``olddep`` has another version there, and the plugin is installed nowhere else.
"""

import sys
from pathlib import Path

PLUGIN = '''
import os
import signal
import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import olddep
from wsss_harness import ClassScores, hookimpl


@dataclass(frozen=True)
class Old:
    """Scores every present class by how red the image is, times a number of ``olddep``."""

    needs: ClassVar[frozenset[str]] = frozenset({"image_labels"})
    at_inference: ClassVar[frozenset[str]] = frozenset({"value"})
    idle: ClassVar[frozenset[str]] = frozenset({"pause", "how"})
    distributed: ClassVar[bool] = True
    value: float = 1.0
    width: int = 3
    pause: float = 0.0
    how: str = ""

    def fit(self, data, run):
        (run.folder / "pid.txt").write_text(str(os.getpid()))
        run.progress(0, 1)
        print("olddep", olddep.__version__)
        time.sleep(self.pause)
        if self.how == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "truth":
            data.truth(data.ids[0])
        if self.how == "writes":
            (run.folder.parent / "stray.txt").write_text("x")
        (run.folder / "version.txt").write_text(olddep.__version__)

    def load(self, folder, device):
        assert (folder / "version.txt").read_text() == olddep.__version__
        return self.score

    def score(self, sample):
        red = self.value * olddep.FACTOR * sample.image[..., 0].astype(np.float32) / 255
        return ClassScores(sample.present, np.stack([red] * len(sample.present)))


@dataclass(frozen=True)
class OldRefiner:
    needs: ClassVar[frozenset[str]] = frozenset()
    parallel: ClassVar[bool] = True

    def fit(self, data, scores, run):
        pass

    def load(self, folder, device):
        return halved


def halved(sample, scores):
    return ClassScores(scores.classes, scores.values * np.float32(olddep.FACTOR))


@dataclass(frozen=True)
class OldSegmentor:
    def fit(self, data, masks, run):
        (run.folder / "class.txt").write_text(str(len(list(masks.glob("*.png"))) % 2))

    def load(self, folder, device):
        answer = int((folder / "class.txt").read_text())
        return lambda sample: np.full(sample.image.shape[:2], answer, np.uint8)


@dataclass(frozen=True)
class OldMaskRefiner:
    needs: ClassVar[frozenset[str]] = frozenset()

    def load(self, device):
        return lambda sample, mask: np.where(mask == 1, 255, mask).astype(np.uint8)


@hookimpl
def wsss_generators():
    return {"old": Old}


@hookimpl
def wsss_refiners():
    return {"old_refiner": OldRefiner}


@hookimpl
def wsss_mask_refiners():
    return {"old_mask_refiner": OldMaskRefiner}


@hookimpl
def wsss_segmentors():
    return {"old_segmentor": OldSegmentor}
'''


def install(site: Path, name: str, version: str, source: str, entry_points: str = "") -> None:
    """Install a distribution of one module in a folder of packages."""
    site.mkdir(parents=True, exist_ok=True)
    (site / f"{name}.py").write_text(source)
    for stale in site.glob(f"{name}-*.dist-info/METADATA"):
        stale.unlink()
        stale.parent.rename(stale.parent.with_name(f"{name}-{version}.dist-info"))
    info = site / f"{name}-{version}.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "top_level.txt").write_text(f"{name}\n")
    if entry_points:
        (info / "entry_points.txt").write_text(entry_points)


def install_olddep(site: Path, version: str) -> None:
    factor = 0.5 if version.startswith("1.") else 1.0
    install(site, "olddep", version, f"__version__ = {version!r}\nFACTOR = {factor}\n")


def environment(folder: Path, version: str = "1.0", plugin: str = PLUGIN) -> Path:
    """The interpreter of an environment with the plugin and this version of its library."""
    site, python = folder / "site", folder / "bin/python"
    install_olddep(site, version)
    install(site, "old_method", "0.1", plugin, "[wsss]\nold = old_method\n")
    return interpreter(python, site)


def interpreter(path: Path, *sites: Path) -> Path:
    """An executable that is Python with further folders of packages."""
    path.parent.mkdir(parents=True, exist_ok=True)
    folders = "".join(f"{site}:" for site in sites)
    path.write_text(f'#!/bin/sh\nPYTHONPATH="{folders}$PYTHONPATH" exec {sys.executable} "$@"\n')
    path.chmod(0o755)
    return path
