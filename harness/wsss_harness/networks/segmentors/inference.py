"""Segment whole images with a trained network, at one or several scales."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine import ConfigDict
from torch import Tensor
from torch.nn.functional import interpolate

from wsss_harness.contract.types import Image, Mask, Sample
from wsss_harness.networks import crf
from wsss_harness.networks.checkpoints import read_state
from wsss_harness.networks.crf import PARAMETERS
from wsss_harness.networks.segmentors.fitting import CONFIG, WEIGHTS, assemble
from wsss_harness.system import files


def load(
    folder: Path, device: str, scales: tuple[float, ...], flip: bool, crf_name: str = "none"
) -> Callable[[Sample], Mask]:
    """A function from a sample to its mask, with the network that ``fitting.fit`` wrote."""
    if crf_name != "none":
        crf.library()  # fails before any work if it is missing
    settings = files.read_json(folder / CONFIG)
    network = assemble(ConfigDict(settings["model"]))
    network.load_state_dict(read_state(folder / WEIGHTS))
    network.to(device).eval()
    return lambda sample: segment(network, sample.image, scales, flip, crf_name)


@torch.inference_mode()
def segment(
    network: Any, image: Image, scales: tuple[float, ...], flip: bool, crf_name: str = "none"
) -> Mask:
    """The most probable class of each pixel, from probabilities averaged over all copies.

    A CRF starts from the averages of all classes, as in kazuto1011/deeplab-pytorch.
    """
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)
    normalised = network.data_preprocessor({"inputs": [pixels]}, training=False)["inputs"]
    copies = list(_probabilities(network, normalised, scales, flip))
    mean = torch.stack(copies).mean(0)
    if crf_name == "none":
        mask: Mask = mean.argmax(0).to(torch.uint8).cpu().numpy()
    else:
        sharpened = crf.infer(image, mean.cpu().numpy(), PARAMETERS[crf_name])
        mask = sharpened.argmax(0).astype(np.uint8)
    return mask


def _probabilities(
    network: Any, image: Tensor, scales: tuple[float, ...], flip: bool
) -> Iterator[Tensor]:
    """(C + 1, H, W) for each copy of an image (1, 3, H, W), at the image's size."""
    size = tuple(image.shape[2:])
    for scale in scales:
        sides = [max(1, round(side * scale)) for side in size]
        copy = interpolate(image, sides, mode="bilinear", align_corners=False)
        for flipped in (False, True)[: 1 + flip]:
            view = copy.flip(3) if flipped else copy
            logits = network.encode_decode(view, [{"img_shape": size}])
            yield (logits.flip(3) if flipped else logits).softmax(1)[0]
