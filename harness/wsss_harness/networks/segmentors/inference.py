"""Segment whole images with a trained network, at one or several scales."""

from collections.abc import Callable, Iterable, Iterator
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
from wsss_harness.networks.segmentors.settings import Average, PredictionSettings
from wsss_harness.system import files


def load(folder: Path, device: str, options: PredictionSettings) -> Callable[[Sample], Mask]:
    """A function from a sample to its mask, with the network that ``fitting.fit`` wrote."""
    if options.crf != "none":
        crf.library()  # fails before any work if it is missing
    settings = files.read_json(folder / CONFIG)
    network = assemble(ConfigDict(settings["model"]))
    network.load_state_dict(read_state(folder / WEIGHTS))
    network.to(device).eval()
    cubic = bool(settings["train"].get("cubic"))
    return lambda sample: segment(network, sample.image, options, cubic)


@torch.inference_mode()
def segment(network: Any, image: Image, options: PredictionSettings, cubic: bool = False) -> Mask:
    """The most probable class of each pixel over all copies of an image.

    ``cubic``: rescale the image by cubic interpolation. A CRF starts from the probabilities of all
    classes, as in kazuto1011/deeplab-pytorch.
    """
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)
    normalised = network.data_preprocessor({"inputs": [pixels]}, training=False)["inputs"]
    probabilities = averaged(_logits(network, normalised, options, cubic), options.average)
    if options.crf == "none":
        mask: Mask = probabilities.argmax(0).to(torch.uint8).cpu().numpy()
    else:
        sharpened = crf.infer(image, probabilities.cpu().numpy(), PARAMETERS[options.crf])
        mask = sharpened.argmax(0).astype(np.uint8)
    return mask


def averaged(logits: Iterable[Tensor], average: Average) -> Tensor:
    """Probabilities (C + 1, H, W) of an image from the logits of its copies.

    The softmax of the mean of the "logits", or the mean of the "probabilities" of each copy.
    """
    total, count = torch.zeros(()), 0
    for copy in logits:  # one at a time: all copies of a large image would fill the memory
        total = total.to(copy) + (copy if average == "logits" else copy.softmax(0))
        count += 1
    mean = total / count
    return mean.softmax(0) if average == "logits" else mean


def _logits(
    network: Any, image: Tensor, options: PredictionSettings, cubic: bool
) -> Iterator[Tensor]:
    """(C + 1, H, W) for each copy of an image (1, 3, H, W), at the image's size.

    Logits are enlarged to their copy and then to the image, both as ``align_corners`` of the head
    says (YudeWang/semantic-segmentation-codebase: test.py).
    """
    size, corners = tuple(image.shape[2:]), network.align_corners
    for scale in options.scales:
        sides = tuple(max(1, round(side * scale)) for side in size)
        mode = "bicubic" if cubic else "bilinear"
        copy = interpolate(image, sides, mode=mode, align_corners=False)
        for flipped in (False, True)[: 1 + options.flip]:
            view = copy.flip(3) if flipped else copy
            logits = network.encode_decode(view, [{"img_shape": sides}])
            logits = interpolate(logits, size, mode="bilinear", align_corners=corners)
            yield (logits.flip(3) if flipped else logits)[0]
