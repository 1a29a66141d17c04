"""Training of a ClassMaps network on the images of a view, and recomputed normalisations."""

from collections.abc import Callable
from typing import NoReturn

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import default_collate

from wsss_harness.contract.errors import DataError, SupervisionError
from wsss_harness.contract.hookspecs import Run
from wsss_harness.contract.supervision import SALIENCY, View
from wsss_harness.networks.classmaps.augment import Augmentation, augment
from wsss_harness.networks.classmaps.network import ClassMaps
from wsss_harness.networks.classmaps.settings import ClassifierSettings
from wsss_harness.networks.training.loop import Batch, Draws, Loss, fit_network
from wsss_harness.networks.training.single_values import running_statistics_of_single_values

Item = dict[str, NDArray[np.float32]]
ItemMaker = Callable[[str, np.random.Generator], Item]
Extra = Callable[[str], Item]  # what a generator adds to the item of an image


def multilabel_loss(network: nn.Module, batch: Batch) -> dict[str, Tensor]:
    """The mean over images and classes of the binary cross-entropy of the pooled logits."""
    _, pooled = network(batch["image"])
    return {"loss_cls": F.multilabel_soft_margin_loss(pooled, batch["present"])}


def single_label_loss(network: nn.Module, batch: Batch) -> dict[str, Tensor]:
    """Softmax cross-entropy of the pooled logits of images with exactly one class."""
    _, pooled = network(batch["image"])
    return {"loss_cls": F.cross_entropy(pooled, batch["present"].argmax(1))}


def labelled_ids(data: View, unlabelled: str) -> list[str]:
    """The ids to train on; what ``unlabelled`` says of images without classes: see the settings.

    Raises:
        DataError: there are such images, and it says "error".
    """
    if unlabelled == "negative":
        return list(data)
    without = {image_id for image_id in data if not data[image_id].present}
    if without and unlabelled == "error":
        first = next(image_id for image_id in data if image_id in without)
        raise DataError(
            f"image {first} has no classes ({len(without)} of {len(data)} images have none); "
            "set unlabelled = 'negative' to train on them with all labels 0, or 'skip' to leave "
            "them out"
        )
    return [image_id for image_id in data if image_id not in without]


def one_hot(present: tuple[int, ...], classes: int) -> NDArray[np.float32]:
    """Classes 1..C as (C,) zeros and ones."""
    vector = np.zeros(classes, np.float32)
    vector[[index - 1 for index in present]] = 1
    return vector


def item_maker(data: View, augmentation: Augmentation) -> ItemMaker:
    """Items {"image", "present"}, and "saliency" where the view's reader declares it."""

    def make(image_id: str, rng: np.random.Generator) -> Item:
        sample = data[image_id]
        saliency = sample.saliency if SALIENCY in data.needs else None
        if saliency is not None:
            sample.check_size(saliency.shape, "saliency")
        image, cropped = augment(sample.image, saliency, augmentation, rng)
        item = {"image": image, "present": one_hot(sample.present, len(data.classes))}
        return item if cropped is None else item | {"saliency": cropped}

    return make


class Declared(dict[str, Tensor]):
    """A batch whose KeyError names the supervision that the generator must declare."""

    def __init__(self, batch: Batch, data: View) -> None:
        super().__init__(batch)
        self.data = data

    def __missing__(self, part: str) -> NoReturn:
        raise SupervisionError(
            f"the loss of {self.data.owner} read '{part}', but the batch holds {', '.join(self)}: "
            f"it declares {sorted(self.data.needs)}; add what it reads to its `needs`"
        )


def extended(make: ItemMaker, extra: Extra | None) -> ItemMaker:
    """Items with what ``extra`` adds to them."""
    return make if extra is None else lambda image_id, rng: make(image_id, rng) | extra(image_id)


def draws(
    network: ClassMaps,
    data: View,
    run: Run,
    settings: ClassifierSettings,
    extra: Extra | None = None,
) -> Draws:
    """The training items by number; they depend on the run's seed and the number alone."""
    resize = (settings.resize[0], settings.resize[1])
    augmentation = Augmentation.of(settings, network.backbone, resize=resize)
    make = extended(item_maker(data, augmentation), extra)
    return Draws(labelled_ids(data, settings.unlabelled), make, run.seed)


def fit_classifier(
    network: ClassMaps,
    loss: Loss,
    data: View,
    run: Run,
    settings: ClassifierSettings,
    extra: Extra | None = None,
) -> None:
    """Train ``network`` in place; resume from the state of an interrupted run, if there is one.

    The batch of ``loss`` holds ``image`` (B, 3, crop, crop), ``present`` (B, C) and, where the view
    gives it, ``saliency`` (B, 1, crop, crop); ``extra`` may add more.

    Raises:
        DataError: an image has no classes, or its saliency has another size.
        StageError: the loss is no longer finite.
    """
    make = draws(network, data, run, settings, extra)
    fit_network(network, lambda net, batch: loss(net, Declared(batch, data)), make, run, settings)


@torch.no_grad()
def recalibrate(network: nn.Module, draws: Draws, batches: int, size: int) -> None:
    """Recompute running means and variances as their plain average over batches of ``draws``.

    Statistics kept during training lag behind the weights and include the noise of dropout. Here
    only the normalisations are in training mode.
    """
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    network.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.train()
        norm.momentum = None  # torch then averages over all batches
    device = next(network.parameters()).device
    with running_statistics_of_single_values(network):
        for first in range(0, batches * size, size):
            batch = default_collate([draws[first + index] for index in range(size)])
            network(batch["image"].to(device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    network.eval()
