"""Build a segmentation network from a configuration and train it on masks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData
from torch import Tensor

from wsss_harness.networks.backbones.weights import load_weights
from wsss_harness.networks.mmengine_globals import silent
from wsss_harness.networks.mmseg_imports import MODELS, SegDataSample, initialise
from wsss_harness.networks.segmentors import networks  # noqa: F401 registers what configs name
from wsss_harness.networks.segmentors.augment import SegmentorAugmentation
from wsss_harness.networks.training.loop import Draws, finish, train
from wsss_harness.system import files, pictures

if TYPE_CHECKING:
    from mmengine import Config

    from wsss_harness.contract.hookspecs import Run
    from wsss_harness.contract.supervision import View

WEIGHTS, CONFIG = "weights.pth", "config.json"


def fit(settings: Config, data: View, masks: Path, run: Run, **options: Any) -> None:
    """Train, and write weights.pth and config.json; see MmsegSegmentor.fit.

    Does nothing if the folder already holds the weights. ``options``: of the training loop.
    """
    if (run.folder / WEIGHTS).is_file():
        return
    files.write_json(run.folder / CONFIG, settings.to_dict())
    network = build(settings.model, run.seed)
    if run.weights is not None:
        backbone = getattr(network.backbone, "named", network.backbone)
        load_weights(backbone, run.weights)
    with silent():
        optimizer = build_optim_wrapper(network, settings.optim_wrapper).optimizer
    train(
        network,
        loss,
        Draws(data.ids, item_maker(data, masks, augmentation(settings)), run.seed),
        run,
        iterations=settings.train.iterations,
        batch=settings.train.batch,
        optimizer=optimizer,
        schedule=settings.get("schedule"),
        **options,
    )
    finish(network, run.folder / WEIGHTS, run)


def build(model: Mapping[str, Any], seed: int) -> Any:
    """The network with initial weights that depend on ``seed`` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = assemble(model)
        initialise(network)
    return network


def assemble(model: Mapping[str, Any]) -> Any:
    """The network that a configuration describes, with arbitrary weights."""
    with DefaultScope.overwrite_default_scope("mmseg"):
        return MODELS.build(model)


def augmentation(settings: Any) -> SegmentorAugmentation:
    preprocessor, options = settings.model.data_preprocessor, settings.train
    red, green, blue = (round(value) for value in preprocessor.mean)
    if preprocessor.get("rgb_to_bgr"):  # then the means are in the order blue, green, red
        red, blue = blue, red
    optional = {name: options[name] for name in ("between", "hsv", "cubic") if name in options}
    colour = (red, green, blue)
    return SegmentorAugmentation(
        options.crop, tuple(options.scales), options.flip, colour, **optional
    )


def item_maker(
    data: View, masks: Path, augment: SegmentorAugmentation
) -> Callable[[str, np.random.Generator], dict[str, Tensor]]:
    """A function from an image id to an augmented image (3, H, W) and its mask (1, H, W)."""

    def make(image_id: str, rng: np.random.Generator) -> dict[str, Tensor]:
        image = data[image_id].image
        mask = pictures.read_class_mask(
            masks / f"{image_id}.png", image.shape[:2], len(data.classes)
        )
        image, mask = augment(image, mask, rng)
        return {
            "images": torch.from_numpy(image).permute(2, 0, 1),
            "masks": torch.from_numpy(mask).long()[None],
        }

    return make


def loss(network: Any, batch: Mapping[str, Any]) -> dict[str, Tensor]:
    """The losses of an EncoderDecoder on images (B, 3, crop, crop), masks (B, 1, crop, crop)."""
    samples = [SegDataSample(gt_sem_seg=PixelData(data=mask)) for mask in batch["masks"]]
    inputs = {"inputs": list(batch["images"]), "data_samples": samples}
    prepared = network.data_preprocessor(inputs, training=True)
    losses: dict[str, Tensor] = network(**prepared, mode="loss")
    return losses
