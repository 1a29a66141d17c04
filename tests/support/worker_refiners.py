"""Refiners for worker processes, which import them from here by name."""

import os
import signal
import time
from dataclasses import dataclass
from typing import ClassVar

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.types import ClassScores


@dataclass(frozen=True)
class Shifted:
    """Multiplies scores by a factor that depends on the image; ``trouble`` says what goes wrong."""

    needs: ClassVar[frozenset[str]] = frozenset({"image_labels"})
    parallel: ClassVar[bool] = True
    trouble: str = ""
    at: tuple[str, ...] = ()

    def load(self, folder, device):
        assert device == "cpu"
        return self.refine

    def refine(self, sample, scores):
        print("refined", sample.image_id, "in", os.getpid(), os.environ.get("OMP_NUM_THREADS"))
        if sample.image_id in self.at:
            self.fail(sample)
        assert scores.classes == sample.present
        factor = sample.image[0, 0, 0] / 255
        return ClassScores(scores.classes, scores.values * factor)

    def fail(self, sample):
        if self.trouble == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.trouble == "undeclared":
            _ = sample.saliency
        if self.trouble == "data":
            raise DataError(f"the map of {sample.image_id} is missing")
        raise ZeroDivisionError("nothing to divide by")


@dataclass(frozen=True)
class Alone(Shifted):
    parallel: ClassVar[bool] = False


@dataclass(frozen=True)
class Meeting:
    """Work that goes on only when two processes do it at the same time."""

    folder: str

    def __call__(self):
        return self.meet

    def meet(self, image_id):
        open(os.path.join(self.folder, str(os.getpid())), "w").close()
        end = time.monotonic() + 300
        while len(os.listdir(self.folder)) < 2:
            assert time.monotonic() < end, "alone"
            time.sleep(0.01)
