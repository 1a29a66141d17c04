"""Training of AffinityNet on the scores of a generator."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor, nn

from wsss_affinity import items
from wsss_affinity.affinities import Norm, affinities
from wsss_affinity.backgrounds import Stacks
from wsss_affinity.labels import sure_labels
from wsss_affinity.network import AffinityFeatures
from wsss_harness import ConfigError, Cropping, Draws, fit_network, for_each_image
from wsss_harness.networks import crf
from wsss_harness.networks.affinity.pairs import PairWarning, affinity_losses, pair_kinds

if TYPE_CHECKING:
    from wsss_affinity.settings import AffinitySettings
    from wsss_harness import Batch, ClassScores, Run, View

EVIDENCE = "evidence"


def learn(
    settings: AffinitySettings,
    learner: AffinityFeatures,
    data: View,
    scores: Callable[[str], ClassScores],
    run: Run,
) -> None:
    """Train a network on labels from ``scores``."""
    make = crops(settings, learner, data, scores, run)
    draws = Draws(data.ids, make, run.seed)
    fit_network(learner, PairLoss(settings.radius, settings.norm), draws, run, settings)
    shutil.rmtree(run.folder / EVIDENCE, ignore_errors=True)


def crops(
    settings: AffinitySettings,
    learner: AffinityFeatures,
    data: View,
    scores: Callable[[str], ClassScores],
    run: Run,
) -> Callable[[str, np.random.Generator], items.Item]:
    """A function that makes training items; ConfigError if the crop is not a whole grid."""
    if settings.crop % learner.stride:
        raise ConfigError(
            f"AffinityNet: crop is {settings.crop}, but must be a multiple of {learner.stride}, "
            "the stride of its features"
        )
    evidence = settings.evidence()
    stacks: Callable[[str], Stacks] = partial(evidence.of_image, data, scores)
    if evidence.parameters is not None:
        stacks = sharpened(stacks, data.ids, run)
    channels = 1 + max((len(scores(image_id).classes) for image_id in data), default=0)
    return items.item_maker(data, stacks, channels, Cropping.of(settings, learner.backbone))


def sharpened(make: Callable[[str], Stacks], ids: Sequence[str], run: Run) -> items.CachedStacks:
    """The stacks of all images, cached in files: a CRF is too slow to run for every crop."""
    crf.library()  # fails before any work if it is missing
    cached = items.CachedStacks(run.folder / EVIDENCE, make)
    cached.folder.mkdir(parents=True, exist_ok=True)
    for_each_image(cached.store, ids, run)
    return cached


class PairLoss:
    """The loss of a batch of crops; labels and pairs are computed on the device of the features."""

    def __init__(self, radius: int, norm: Norm) -> None:
        self.radius, self.norm = radius, norm
        remedy = "bring the options 'careful' and 'eager' closer together"
        self.warning = PairWarning("wsss_affinity", remedy)

    def __call__(self, learner: nn.Module, batch: Batch) -> dict[str, Tensor]:
        features = learner(batch["image"])
        stride = batch["image"].shape[-1] // features.shape[-1]
        labels = sure_labels(batch["careful"], batch["eager"], stride)
        pairs = pair_kinds(labels, self.radius)
        self.warning.look_at(pairs)
        return affinity_losses(affinities(features, self.radius, self.norm), pairs)
