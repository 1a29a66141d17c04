"""Stages that train: pretraining, generators, refiners and segmentors."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from wsss_harness.contract.hookspecs import Generator, Refiner, Segmentor
from wsss_harness.contract.run import Previous, Run
from wsss_harness.contract.weights import BACKBONE
from wsss_harness.plugins.guard import for_fit
from wsss_harness.stages.arrays import reader_of
from wsss_harness.stages.products import device
from wsss_harness.stages.stage_data import StageView
from wsss_harness.stages.stage_files import StageFiles
from wsss_harness.store.work import Work

if TYPE_CHECKING:
    from wsss_harness.networks.classmaps.pretraining import Pretraining


@dataclass(frozen=True)
class Training:
    """What any training starts from: a seed and files of weights, if there are any."""

    view: StageView
    seed: int
    files: StageFiles = field(default_factory=StageFiles)

    def run(self, work: Work) -> Run:
        """The Run that the fit of a plugin receives; a backbone counts as read."""
        files = self.files.open(work, self.view.owner)
        weights = next((files[name] for name in files if name == BACKBONE), None)
        return Run(work.folder, self.seed, device(), weights, work.progress, files=files)


@dataclass(frozen=True)
class Pretrain:
    """Trains a backbone to classify images of single objects."""

    pretraining: Pretraining
    training: Training

    def __call__(self, work: Work) -> None:
        self.pretraining.fit(self.training.view.open(work), self.training.run(work))


@dataclass(frozen=True)
class FitGenerator:
    """Trains a generator on a view of the data; ``previous`` is the one that it builds on.

    ``files_before``: those that the previous one loads.
    """

    generator: Generator
    training: Training
    previous: Generator | None = None
    files_before: StageFiles = field(default_factory=StageFiles)

    def __call__(self, work: Work) -> None:
        view, run = self.training.view.open(work), self.training.run(work)
        if self.previous is not None:
            files = self.files_before.open(work, f"the generator before {view.owner}")
            before = Previous(self.previous, work.inputs["previous"], files)
            run = replace(run, previous=before)
        for_fit(self.generator, view.owner).fit(view, run)


@dataclass(frozen=True)
class FitRefiner:
    """Trains a refiner on the scores of the stage ``scores``, with the arrays that it wants."""

    refiner: Refiner
    training: Training
    wants: tuple[str, ...] = ()

    def __call__(self, work: Work) -> None:
        view, scores = self.training.view.open(work), reader_of(work, self.wants)
        for_fit(self.refiner, view.owner).fit(view, scores, self.training.run(work))


@dataclass(frozen=True)
class FitSegmentor:
    """Trains a segmentor on the masks of the stage ``masks``."""

    segmentor: Segmentor
    training: Training

    def __call__(self, work: Work) -> None:
        view, run = self.training.view.open(work), self.training.run(work)
        for_fit(self.segmentor, view.owner).fit(view, work.inputs["masks"], run)
