"""Everything that a plugin can announce.

Each hook is called once, when plugins are loaded, and returns classes by name; their objects do the
work. The classes are frozen dataclasses whose fields are the options that a suite may set.

Four class attributes are optional and never change a result: ``paper`` cites the source of a
method, ``golden`` names the files of numbers of official code that its tests compare it with, as in
("eps_loss", "resnet38d"), ``quick`` holds options with which the checks of wsss_harness.testing
take seconds, and ``publishable = True`` permits a dataset's pictures on public pages.

A module may set ``wsss_contract`` to the CONTRACT that it was written for; a harness with another
CONTRACT does not load it and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, runtime_checkable

import pluggy

from wsss_harness.contract.executors import Executor as Executor
from wsss_harness.contract.executors import Pool as Pool
from wsss_harness.contract.executors import StageEvent as StageEvent
from wsss_harness.contract.run import Run as Run

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from wsss_harness.contract.supervision import Dataset, View
    from wsss_harness.contract.types import ClassScores, Mask, Sample

Result = TypeVar("Result")
GROUP = "wsss"
CONTRACT = 1  # raised by a change that breaks plugins which follow the contract
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


class DatasetSource(Protocol):
    """Prepares and opens a dataset.

    Optional: ``identity()`` returns as JSON what decides the data, such as digests of files.
    Without it these are the options and, if ``open`` works in a folder where nothing is prepared,
    the dataset's fingerprint. ``sizes()`` returns the number of images of each split by its name,
    if the options alone decide it, so that too few are refused before anything is prepared.
    """

    def prepare(self, run: Run) -> None:
        """Write what the dataset needs below ``run.folder``; DataError if a file is damaged."""

    def open(self, folder: Path) -> Dataset:
        """Open the data prepared in ``folder``; called in every process that needs it."""


@runtime_checkable
class Generator(Protocol):
    """Makes class scores from image-level supervision.

    A subclass may declare an inherited option again to change its default, with the same type. It
    may not give the option another meaning: another type, or a place in ``idle`` or, declared
    again, in ``at_inference`` that it did not have. Such a plugin is set aside.

    Optional, here and for refiners and segmentors:

    - ``at_inference``: a class attribute naming options that ``fit`` ignores; changing their values
      does not train again. Reading one in ``fit`` is a PluginError.
    - ``idle``: a class attribute naming options that never change a result, such as worker counts.
    - ``identity()``: returns as JSON what else decides the result, such as the digest of a file.
    - ``distributed = True``: ``fit`` trains only with the harness's loop and writes only in the
      loop's ``finish``, so torchrun may run it in several processes.
    - ``many``, a method of the function that ``load`` returns: takes a list for each argument and
      returns a list. On a GPU it gets several images of one size at once.
    - ``needs_train = True``: ``load`` gets the view of train as a third argument, for methods that
      look at other images when they score one. Not for segmentors.
    - ``wants_weights``: the names of the files that it needs besides a backbone, such as
      ``{"clip", "text_features"}``. The suite says which files these are; ``fit`` gets their paths
      as ``run.files["clip"]``, and ``load`` as the keyword argument ``files``. May be a property.
    - ``leaves``, generators only: the names of arrays, such as ``{"affinity"}``, that the scores of
      each image can carry as ``ClassScores.arrays``. They are kept if a refiner of the suite wants
      them.
    - ``follows``, generators only: the name of the generator that this one usually builds on. A
      suite then names one of its generators as ``previous``, and ``run.previous`` is its result.
    - ``load_segmentor(folder, device)``, single-stage generators only: returns a function of a
      sample without supervision that gives its mask (H, W) of 0..C. A row then has a column of
      its own on val, by the segmentor ``single_stage``.
    - ``selected_on``, single-stage generators only: the split on whose truth released weights were
      selected, "val" say; empty, the default, for the last iteration. Tables mark it.
    """

    needs: ClassVar[Collection[str]]
    """The supervision that the method reads: any of IMAGE_LABELS, SALIENCY, REGIONS,
    LANGUAGE."""

    def fit(self, data: View, run: Run) -> None:
        """Train on ``data`` (the split train) and write the result below ``run.folder``.

        Called once for each seed. Reading undeclared supervision raises SupervisionError.
        """

    def load(self, folder: Path, device: str) -> Callable[[Sample], ClassScores]:
        """Return the function that scores one image; ``folder`` is the ``run.folder`` of ``fit``.

        Its scores have the size of the image and lie in [0, 1]; PluginError otherwise.
        """


@runtime_checkable
class Refiner(Protocol):
    """Improves class scores. Optional, besides the members that Generator lists:

    - ``parallel = True``: the function that ``load`` returns is pure, runs on the CPU and gives the
      same result in every process; images are then spread over all cores.
    - ``wants``: the names of arrays of the row's generator, which ``scores.arrays`` then has,
      wherever the refiner stands in the row. A row whose generator leaves none is refused.
    - ``example_arrays(height, width)``: what they look like for an image of this size, for checks;
      a static method of refiners with ``wants``.
    - ``explain(folder, device)``: returns a function of a sample and its scores that illustrates a
      decision, as a list of (name, map (H, W) in [0, 1], (row, column) of its subject or None).
    """

    needs: ClassVar[Collection[str]]

    def fit(self, data: View, scores: Callable[[str], ClassScores], run: Run) -> None:
        """Train as for Generator; ``scores(image_id)`` reads the scores to refine."""

    def load(self, folder: Path, device: str) -> Callable[[Sample, ClassScores], ClassScores]:
        """Return the function that refines the scores of one image, of unchanged size."""


@runtime_checkable
class MaskRefiner(Protocol):
    """Improves masks: pseudo-masks, after the background rule, or what a segmentor predicts.

    It learns nothing. ``idle``, ``identity()`` and ``parallel = True`` as for generators and
    refiners. One that needs image labels cannot refine predictions, since test images have none.
    """

    needs: ClassVar[Collection[str]]

    def load(self, device: str) -> Callable[[Sample, Mask], Mask]:
        """Return the function that refines the mask of one image, of unchanged size.

        Masks are (H, W) uint8 with values 0..C, or 255 where pixels are left open.
        """


@runtime_checkable
class Segmentor(Protocol):
    """Trains a segmentation network on pseudo-masks; it gets no supervision at test time."""

    def fit(self, data: View, masks: Path, run: Run) -> None:
        """Train on the images of ``data`` with ``masks``/ID.png, palette PNG of class indices."""

    def load(self, folder: Path, device: str) -> Callable[[Sample], Mask]:
        """Return the function that segments one image: (H, W) with values 0..C."""


@dataclass(frozen=True)
class Metric:
    """Two pure functions: counts of one image, which are added, and their reading.

    ``count(truth, mask, classes, context)`` gets (H, W) maps of 0..C and 255, the number C of
    classes and bool maps (H, W) by context name: empty if the dataset has no contexts, None where
    an image is not annotated. It returns int64 counts, whose shape is the same for all images.

    ``read(counts, names, contexts)`` gets the sum over images, the names of classes 0..C and the
    pairs (context, class). It returns JSON: numbers as fractions, None where undefined.
    """

    count: Callable[[Mask, Mask, int, Mapping[str, NDArray[np.bool_] | None]], NDArray[np.int64]]
    read: Callable[
        [NDArray[np.int64], tuple[str, ...], tuple[tuple[str, str], ...]], dict[str, Any]
    ]


PROTOCOLS: Mapping[str, type] = {
    "dataset": DatasetSource,
    "generator": Generator,
    "refiner": Refiner,
    "mask_refiner": MaskRefiner,
    "segmentor": Segmentor,
    "executor": Executor,
}


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
        ...     '''Every present class scores 1 at every pixel.'''
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
def wsss_mask_refiners() -> Mapping[str, type[MaskRefiner]]:  # type: ignore[empty-body]
    """Announce refiners of masks by name.

    Examples:
        >>> @hookimpl
        ... def wsss_mask_refiners():
        ...     return {"median": Median}  # Median(5).load(device)(sample, mask) -> mask
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
        ...     return {"queue": Queue}  # Queue(partition="gpu").start(folder) opens a pool
    """


@hookspec
def wsss_stage_event(event: StageEvent) -> None:
    """Observe stages as they run, for progress displays and logs.

    Examples:
        >>> @hookimpl
        ... def wsss_stage_event(event):
        ...     print(event.kind, event.stage, event.message)
    """
