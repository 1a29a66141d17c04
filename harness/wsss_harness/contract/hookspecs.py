"""Everything that a plugin can announce.

Each hook runs once, when plugins are loaded, and returns named classes; the work is done by their
objects. The classes are frozen dataclasses: their fields are the keys that a suite may set.
Three class attributes are optional and decide nothing: ``paper`` says where a method comes from,
``quick`` holds options with which the checks of wsss_harness.testing take seconds, and
``publishable = True`` says that the pictures of a dataset may be shown on public pages.

The contract has a number. A module that sets ``wsss_contract`` to the one that it was written for
is set aside, with the reason, by a harness that has another.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, runtime_checkable

import pluggy

if TYPE_CHECKING:
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

    import numpy as np
    from numpy.typing import NDArray

    from wsss_harness.contract.supervision import Dataset, View
    from wsss_harness.contract.types import ClassScores, Mask, Sample

Result = TypeVar("Result")
GROUP = "wsss"
CONTRACT = 1  # rises when a plugin that kept the contract would no longer work
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


def _silent(done: int, total: int) -> None:
    pass


@dataclass(frozen=True)
class Run:
    """What a plugin works with while it fits.

    It writes only below ``folder``, which keeps what an interrupted run left there, so that the
    next one goes on. ``weights`` is a state dict to start from; ``progress(done, total)`` reports.
    """

    folder: Path
    seed: int = 0
    device: str = "cpu"
    weights: Path | None = None
    progress: Callable[[int, int], None] = field(default=_silent)


class DatasetSource(Protocol):
    """Where a dataset comes from."""

    def prepare(self, run: Run) -> None:
        """Write what the dataset needs below the run's folder; a dataset on disk writes nothing."""

    def open(self, folder: Path) -> Dataset: ...


@runtime_checkable
class Generator(Protocol):
    """Image-level supervision in, class scores out.

    A class attribute ``at_inference`` may name options that ``fit`` does not look at; another value
    of them then trains nothing anew. ``idle`` may name options that change no result, only how it
    is reached. A method ``identity()`` may give, as JSON, what else decides the result, such as the
    digest of a file that it reads. ``distributed = True`` says that ``fit`` trains by the loop
    of the harness alone and writes what it learns by its ``finish``: then torchrun may run it in
    several processes at once. All of this holds for refiners and segmentors too.

    What ``load`` gives may have a method ``many``, which takes a list in place of each argument and
    gives a list: on a GPU it gets several images of one size at once.
    """

    needs: ClassVar[Collection[str]]

    def fit(self, data: View, run: Run) -> None: ...
    def load(self, folder: Path, device: str) -> Callable[[Sample], ClassScores]: ...


@runtime_checkable
class Refiner(Protocol):
    """Class scores in, better class scores out. ``scores(image_id)`` reads what came before.

    A class attribute ``parallel = True`` says that what it loads is a pure function on the CPU with
    the same result in any process; then as many images are refined at once as there are cores.

    A method ``explain(folder, device)`` may load a function of a sample and its scores that shows
    how it decides: a list of (name, map (H, W) in [0, 1], (row, column) it is about or None).
    """

    needs: ClassVar[Collection[str]]

    def fit(self, data: View, scores: Callable[[str], ClassScores], run: Run) -> None: ...
    def load(self, folder: Path, device: str) -> Callable[[Sample, ClassScores], ClassScores]: ...


@runtime_checkable
class Segmentor(Protocol):
    """Pseudo-masks in, a network out that segments without any supervision at test time."""

    def fit(self, data: View, masks: Path, run: Run) -> None: ...
    def load(self, folder: Path, device: str) -> Callable[[Sample], Mask]: ...


@dataclass(frozen=True)
class Metric:
    """Two pure functions: counts of one image, which add up over images, and their reading.

    ``count(truth, mask, classes, context)``: (H, W) maps, the number C of classes and the context
    maps by name (empty where a dataset has none, None where an image has none).
    ``read(counts, names, contexts)``: summed counts, the names of 0..C and the pairs (context,
    class).
    """

    count: Callable[[Mask, Mask, int, Mapping[str, NDArray[np.bool_] | None]], NDArray[np.int64]]
    read: Callable[
        [NDArray[np.int64], tuple[str, ...], tuple[tuple[str, str], ...]], dict[str, Any]
    ]


class Pool(Protocol):
    """Runs jobs, knowing nothing of what they do.

    ``here``: jobs run in this process, so that it hears of their progress itself.
    """

    here: bool

    def width(self, heavy: bool) -> int:
        """How many jobs run at once; a heavy one works with networks."""

    def share(self, heavy: bool) -> float:
        """What part of all cores a job takes."""

    def submit(self, job: Callable[[], Result], heavy: bool) -> Future[Result]:
        """Start a job, which is picklable; WorkerDied in its future if its process ends."""

    def kill(self, future: Future[Any]) -> None:
        """End a job at once, or one that has ended for good: its process is not used again."""


class Executor(Protocol):
    """Where stages are made. Its fields are options of the command, not of a suite."""

    def start(self, folder: Path) -> AbstractContextManager[Pool]:
        """A pool whose jobs all read and write in ``folder``, and have ended when it is left."""


PROTOCOLS: Mapping[str, type] = {
    "dataset": DatasetSource,
    "generator": Generator,
    "refiner": Refiner,
    "segmentor": Segmentor,
    "executor": Executor,
}


@dataclass(frozen=True)
class StageEvent:
    """``kind`` is waiting, started, progress, retried, finished, reused or failed.

    Of a whole suite: ``suite``, with how many of its stages have ended, and ``stopping``. ``stage``
    is a title; ``key`` tells apart stages of one title.
    """

    kind: str
    stage: str
    done: int = 0
    total: int = 0
    message: str = ""
    key: str = ""


@hookspec
def wsss_datasets() -> Mapping[str, type[DatasetSource]]:  # type: ignore[empty-body]
    """Announce datasets by name.

    Examples:
        >>> @hookimpl
        ... def wsss_datasets():
        ...     return {"my_street_scenes": StreetScenes}
    """


@hookspec
def wsss_generators() -> Mapping[str, type[Generator]]:  # type: ignore[empty-body]
    """Announce generators by name.

    Examples:
        >>> @dataclass(frozen=True)
        ... class Everywhere:
        ...     '''Every present class scores one at every pixel.'''
        ...     needs = frozenset({"image_labels"})
        ...     def fit(self, data, run): ...
        ...     def load(self, folder, device):
        ...         def score(sample):
        ...             shape = (len(sample.present), *sample.image.shape[:2])
        ...             return ClassScores(sample.present, np.ones(shape, np.float32))
        ...         return score
        >>> @hookimpl
        ... def wsss_generators():
        ...     return {"everywhere": Everywhere}
    """


@hookspec
def wsss_refiners() -> Mapping[str, type[Refiner]]:  # type: ignore[empty-body]
    """Announce refiners by name.

    Examples:
        >>> @hookimpl
        ... def wsss_refiners():
        ...     return {"blur": Blur}  # Blur(3).load(folder, device)(sample, scores) -> scores
    """


@hookspec
def wsss_segmentors() -> Mapping[str, type[Segmentor]]:  # type: ignore[empty-body]
    """Announce segmentors by name.

    Examples:
        >>> @hookimpl
        ... def wsss_segmentors():
        ...     return {"mmseg": MmsegSegmentor}
    """


@hookspec
def wsss_metrics() -> Mapping[str, Metric]:  # type: ignore[empty-body]
    """Announce metrics by name.

    Examples:
        >>> def count(truth, mask, classes, context):
        ...     return np.array([(truth == mask).sum(), truth.size])
        >>> @hookimpl
        ... def wsss_metrics():
        ...     read = lambda counts, names, contexts: {"accuracy": counts[0] / counts[1]}
        ...     return {"accuracy": Metric(count, read)}
    """


@hookspec
def wsss_executors() -> Mapping[str, type[Executor]]:  # type: ignore[empty-body]
    """Announce executors by name.

    Examples:
        >>> @hookimpl
        ... def wsss_executors():
        ...     return {"queue": Queue}  # Queue(partition="gpu").start(store) gives a pool
    """


@hookspec
def wsss_stage_event(event: StageEvent) -> None:
    """Observe the stages as they run: progress displays and log writers are observers.

    Examples:
        >>> @hookimpl
        ... def wsss_stage_event(event):
        ...     print(event.kind, event.stage, event.message)
    """
