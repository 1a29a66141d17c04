"""What a benchmark reports, and how two ways of doing the same are timed."""

import time
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Result:
    """``ours`` and ``peer`` in ``unit``, less is better; ``ratio`` is peer / ours."""

    name: str
    ours: float
    peer: float
    unit: str
    note: str

    @property
    def ratio(self):
        return self.peer / self.ours


def interleave(ours, peer, repeats):
    """Median seconds of two functions that take turns, so that a busy machine slows both."""
    times = [(seconds(ours), seconds(peer)) for _ in range(repeats)]
    return tuple(median(side) for side in zip(*times, strict=True))


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def single_thread():
    """Keep OpenMP, OpenCV and torch to one thread each."""
    import cv2
    import torch

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
