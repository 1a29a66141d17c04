"""Scores of an image from its pairs with copies of itself and with references."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from wsss_harness import ClassScores, read_json
from wsss_mcis.aggregation import aligned, as_scores, at_size, summed
from wsss_mcis.items import squash_of
from wsss_mcis.partners import Partners
from wsss_mcis.settings import SEED

if TYPE_CHECKING:
    from wsss_harness import Sample, View
    from wsss_mcis.items import Squash, Values
    from wsss_mcis.network import McisNetwork
    from wsss_mcis.settings import McisSettings


def scorer(settings: McisSettings, folder: Path, device: str, train: View) -> McisScorer:
    """What scores an image with the network in ``folder``."""
    network = settings.trained(folder, device)
    seed = read_json(folder / SEED)
    squash = squash_of(settings, network.backbone)
    return McisScorer(network, squash, settings, train, Partners.among(train, train.ids), seed)


@dataclass(frozen=True)
class McisScorer:
    """Scores of a sample (GuoleiSun/MCIS_wsss: Classifier/scripts/test.py).

    ``seed`` draws references among the images of ``train``.
    """

    network: McisNetwork
    squash: Squash
    settings: McisSettings
    train: View
    partners: Partners
    seed: int

    def __call__(self, sample: Sample) -> ClassScores:
        height, width = sample.image.shape[:2]
        if not sample.present:
            return ClassScores((), np.zeros((0, height, width), np.float32))
        maps = self.maps(sample).cpu().numpy()
        pictures = at_size(summed(maps, self.settings.at_least), (height, width))
        return ClassScores(sample.present, as_scores(pictures, self.settings.stretch))

    @torch.inference_mode()
    def maps(self, sample: Sample) -> Tensor:
        """The maps of the present classes, (5, K, h, w)."""
        wanted = [number - 1 for number in sample.present]
        image = self.features(self.squash.whole(sample.image))
        copies = self.squash.copies(sample.image)
        mirrored, *others = (
            self.network.common(image, self.features(values)) for values in copies.values()
        )
        return aligned(
            [maps[0, wanted] for maps in mirrored],
            [maps.second[0, wanted] for maps in others],
            self.with_references(sample, image, wanted),
        )

    def with_references(self, sample: Sample, image: Tensor, wanted: list[int]) -> Tensor:
        """The map of each class, a mean over the images of that class that are looked at."""
        result = image.new_zeros((len(wanted), *image.shape[2:]))
        groups = self.partners.references(
            sample.image_id, sample.present, self.settings.references, self.seed
        )
        for own, channel, group in zip(result, wanted, groups, strict=True):
            maps = [self.network.common(image, self.seen(name, sample)) for name in group]
            own += torch.stack([pair.first[0, channel] for pair in maps]).mean(0)
        return result

    def seen(self, image_id: str, sample: Sample) -> Tensor:
        """The features of an image of train, or of the sample itself."""
        other = sample if image_id == sample.image_id else self.train[image_id]
        return self.features(self.squash.whole(other.image))

    def features(self, values: Values) -> Tensor:
        features: Tensor = self.network(torch.from_numpy(values)[None].to(self.network.device))
        return features.float()
