"""Training of the boundary network on the scores of a generator."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

from wsss_harness import ConfigError, Cropping, Draws, fit_network, for_each_image
from wsss_harness.networks import crf
from wsss_irn.items import item_maker
from wsss_irn.labels import LabelFiles
from wsss_irn.loss import BoundaryLoss

if TYPE_CHECKING:
    from wsss_harness import ClassScores, Run, View
    from wsss_irn.network import EdgeNetwork
    from wsss_irn.settings import IrnSettings

LABELS = "labels"


def learn(
    settings: IrnSettings,
    network: EdgeNetwork,
    data: View,
    scores: Callable[[str], ClassScores],
    run: Run,
) -> None:
    """Train a network on labels from ``scores``."""
    check_crop(settings, network)
    if run.weights is None and network.frozen:
        logging.getLogger("wsss_irn").warning(
            "the backbone of IRN is never trained, and here its weights are random, because the "
            "suite names none: set 'weights' of the refiner, or its option frozen = 'none'"
        )
    labels = label_files(settings, data, scores, run)
    cropping = Cropping.of(settings, network.backbone)
    make = item_maker(data, labels, settings.rescale, network.stride, cropping)
    draws = Draws(data.ids, make, run.seed)
    fit_network(network, BoundaryLoss(settings.radius), draws, run, settings)
    shutil.rmtree(labels.folder)


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
    sharpens = settings.crf != "none"
    if sharpens:
        crf.library()  # fails before any work if it is missing
    labels = LabelFiles(run.folder / LABELS, data, scores, settings)
    labels.folder.mkdir(parents=True, exist_ok=True)
    for_each_image(labels.store, data.ids, run, processes=None if sharpens else 1)
    return labels
