"""Training of the boundary network on the scores of a generator."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from wsss_harness import ConfigError
from wsss_harness.networks import crf
from wsss_harness.networks.backbones.weights import load_released, load_weights
from wsss_harness.networks.classmaps.augment import Cropping
from wsss_harness.networks.training.loop import Draws, fit_network
from wsss_harness.store.work import LOG
from wsss_harness.system import parallel
from wsss_irn.items import item_maker
from wsss_irn.labels import LabelFiles
from wsss_irn.loss import BoundaryLoss

if TYPE_CHECKING:
    from wsss_harness import ClassScores, Run, View
    from wsss_irn.network import EdgeNetwork
    from wsss_irn.settings import IrnSettings

LABELS = "labels"


def fit(settings: IrnSettings, data: View, scores: Callable[[str], ClassScores], run: Run) -> None:
    """Train a network on labels from ``scores``, and write it to the run's folder."""
    shape = settings.shape()
    network = shape.build(run.seed)
    if settings.checkpoint is not None:
        load_released(network, Path(settings.checkpoint), settings.released, settings.adapt)
    else:
        check_crop(settings, network)
        load_backbone(network, run)
        labels = label_files(settings, data, scores, run)
        cropping = Cropping.of(settings, network.backbone)
        low, high = settings.rescale
        make = item_maker(data, labels, (low, high), network.stride, cropping)
        draws = Draws(data.ids, make, run.seed)
        fit_network(network, BoundaryLoss(settings.radius), draws, run, settings)
    shape.save(network, run)
    shutil.rmtree(run.folder / LABELS, ignore_errors=True)


def load_backbone(network: EdgeNetwork, run: Run) -> None:
    """Fill the backbone with the run's weights; random ones that stay so are told."""
    if run.weights is not None:
        load_weights(network.backbone, run.weights)
    elif network.frozen:
        logging.getLogger("wsss_irn").warning(
            "the backbone of IRN is never trained, and here its weights are random, because the "
            "suite names none: set 'weights' of the refiner, or its option frozen = 'none'"
        )


def check_crop(settings: IrnSettings, network: EdgeNetwork) -> None:
    """ConfigError unless a crop is a whole grid in which a node has all its neighbours."""
    fewest = (2 * settings.radius - 1) * network.stride
    if settings.crop % network.coarsest or settings.crop < fewest:
        raise ConfigError(
            f"option 'crop' of Irn is {settings.crop}; expected a multiple of {network.coarsest}, "
            f"the stride of the backbone, and at least {fewest}, so that neighbours closer than "
            f"'radius' ({settings.radius} nodes of {network.stride} pixels) fit on both sides"
        )


def label_files(
    settings: IrnSettings, data: View, scores: Callable[[str], ClassScores], run: Run
) -> LabelFiles:
    """The labels of all images; those of a CRF are made on all cores."""
    processes = 1
    if settings.crf != "none":
        crf.library()  # fails before any work if it is missing
        processes = parallel.cores()
    labels = LabelFiles(run.folder / LABELS, data, scores, settings)
    labels.folder.mkdir(parents=True, exist_ok=True)
    finished = count(1)

    def progress() -> None:
        run.progress(next(finished), len(data.ids))

    start = partial(getattr, labels, "store")
    parallel.run(start, data.ids, processes, run.folder / LOG, progress)
    return labels
