"""The result of a benchmark, and the timing of two functions."""

import time
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Result:
    """``ours`` and ``peer`` in ``unit``, where less is better; ``ratio`` is peer / ours."""

    name: str
    ours: float
    peer: float
    unit: str
    note: str

    @property
    def ratio(self):
        return self.peer / self.ours


def interleave(ours, peer, repeats, clock=time.perf_counter):
    """Median seconds of two functions that take turns, so that a busy machine slows both.

    For work in one thread that never waits, ``time.process_time`` excludes other processes.
    """
    times = [(seconds(ours, clock), seconds(peer, clock)) for _ in range(repeats)]
    return tuple(median(side) for side in zip(*times, strict=True))


def seconds(work, clock=time.perf_counter):
    start = clock()
    work()
    return clock() - start


def single_thread():
    """Keep OpenMP, OpenCV and torch to one thread each."""
    import cv2
    import torch

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
