"""The losses by which the segmentation network of SGAN learns from its seeds.

Huang et al., "Weakly-Supervised Semantic Segmentation Network with Deep Seeded Region Growing",
CVPR 2018, equations 1 to 3, without the growing; the boundary loss is that of Kolesnikov and
Lampert, ECCV 2016. yaoqi-zd/SGAN has two forms with other constants: "caffe" (dsrg/pylayers), which
trained what is released, and "torch" (lib/loss/loss.py).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wsss_harness.networks import crf
from wsss_sgan.grids import LINEAR, zoomed

Form = Literal["caffe", "torch"]
LOWEST: dict[Form, float] = {"caffe": 1e-4, "torch": 1e-5}
NARROWEST, WIDEST = 0.05, 20.0  # bounds of q / p
MEANS = (104.0, 117.0, 123.0)  # blue, green, red
SCALE = 12.0  # how much smaller than an image its grid is to the CRF
PARAMETERS = crf.Parameters(source="yaoqi-zd/SGAN: dsrg/CRF/krahenbuhl2013/CRF.py").at_scale(SCALE)


def probabilities(logits: Tensor, form: Form) -> Tensor:
    """Softmax of ``logits`` (B, C, h, w), kept from 0: by a sum in caffe, by a bound in torch."""
    softmax, lowest = logits.softmax(1), LOWEST[form]
    kept = softmax + lowest if form == "caffe" else softmax.clamp(lowest, 1)
    return kept / kept.sum(1, keepdim=True)


def floored(values: Tensor, form: Form) -> Tensor:
    """``values`` of at least the form's lowest, with their own gradient everywhere.

    In caffe the layer of the CRF does this in place to the probabilities that the losses read.
    """
    return values + (values.clamp(min=LOWEST[form]) - values).detach()


def counted(number: Tensor, form: Form) -> Tensor:
    """What a sum over seeds is divided by, which is above 0 without any."""
    return number.clamp(min=LOWEST[form]) if form == "caffe" else number + LOWEST[form]


def seed_loss(p: Tensor, seeds: Tensor, form: Form) -> Tensor:
    """-log ``p`` at all seeds of an image over their number; the mean over images.

    ``seeds``: (B, C, h, w) zeros and ones, the background first.
    """
    total, number = (seeds * p.log()).sum((1, 2, 3)), seeds.sum((1, 2, 3))
    return -(total / counted(number, form)).mean()


def balanced_seed_loss(p: Tensor, seeds: Tensor, form: Form) -> Tensor:
    """The seed loss of the background and that of all classes, added up."""
    background = seed_loss(p[:, :1], seeds[:, :1], form)
    return background + seed_loss(p[:, 1:], seeds[:, 1:], form)


def boundary_loss(p: Tensor, log_q: Tensor) -> Tensor:
    """KL(q || ``p``) with bounds on q / p; the mean over images and pixels.

    ``log_q``: (B, C, h, w) of the CRF; the gradient is 0 outside the bounds.
    """
    q = log_q.exp()
    return (q * (q / p).clamp(NARROWEST, WIDEST).log()).sum(1).mean()


def sharpened(p: Tensor, images: NDArray[np.uint8], form: Form) -> Tensor:
    """Marginals (B, C, h, w) of a CRF on ``images`` (B, h, w, 3), without a gradient.

    The energy of a label is -p, not -log p, as released. Marginals are at least the form's lowest.
    """
    energies = -p.detach().cpu().numpy()
    marginals = [crf.marginals(i, e, PARAMETERS) for i, e in zip(images, energies, strict=True)]
    return renormalised(torch.from_numpy(np.stack(marginals)).to(p), form)


def renormalised(marginals: Tensor, form: Form) -> Tensor:
    """Marginals (B, C, h, w) of at least the form's lowest, which sum to one again."""
    kept = marginals.clamp(min=LOWEST[form])
    return kept / kept.sum(1, keepdim=True)


def log_of_crf(p: Tensor, q: Tensor) -> Tensor:
    """log ``q`` with 1 - q as its derivative by ``p``, as the layer of caffe gives back.

    It stands in for the derivative of the CRF.
    """
    return q.log() + (1 - q) * (p - p.detach())


def shrunk(image: NDArray[np.uint8], size: tuple[int, int], form: Form) -> NDArray[np.uint8]:
    """An image (H, W, 3) in BGR at ``size``, as the CRF sees it: rounded in caffe, cut in torch."""
    if form == "torch":
        return zoomed(image.astype(np.float64), size, LINEAR).astype(np.uint8)
    means = np.array(MEANS, np.float32)
    centred = zoomed(image.astype(np.float32) - means, size, LINEAR) + means
    return np.rint(centred).astype(np.uint8)
