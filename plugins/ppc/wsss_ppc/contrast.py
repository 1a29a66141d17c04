"""Pixels of two views of an image against prototypes of classes.

Du, Fu, Liu and Wang, "Weakly Supervised Semantic Segmentation by Pixel-to-Prototype Contrast",
CVPR 2022, sections 3.2 to 3.4; usr922/wseg: contrast_train.py. Both views lie on one grid (h, w);
classes are 0..C, of which 0 is the background.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from wsss_harness.networks.classmaps.inference import stretch

if TYPE_CHECKING:
    from wsss_ppc.settings import ContrastSettings

SHARE = 8  # one position in eight of a picture makes a prototype, out of the whole batch
EASIEST, HARD = 3, 10  # of the most similar prototypes the first are passed over, then these count
HARDEST = 0.6  # of the pixels of a class, by how little they are like their prototype

Draw = Callable[[int, int], Tensor]  # (class, number of its pixels) -> which of them count


@dataclass(frozen=True)
class ContrastView:
    """``pixels`` (n, d) of length one, their ``labels`` (n,), and ``prototypes`` (C + 1, d)."""

    pixels: Tensor
    labels: Tensor
    prototypes: Tensor


def scored(maps: Tensor, background: float, clipped: bool = False) -> Tensor:
    """Maps (B, C, h, w) of the classes to scores (B, C + 1, h, w), each from its lowest value.

    Released, values are not cut off below 0. No gradient goes back.
    """
    stretched = stretch(maps.detach().flatten(0, 1)).reshape(maps.shape)
    constant = torch.full_like(stretched[:, :1], background)
    return torch.cat((constant, stretched.clamp(min=0) if clipped else stretched), 1)


def with_background(present: Tensor) -> Tensor:
    """(B, C) to (B, C + 1): every image has background."""
    return torch.cat((torch.ones_like(present[:, :1]), present), 1)


def pixel_labels(scores: Tensor, present: Tensor) -> Tensor:
    """(B, h, w): the class of the highest score of each pixel; absent classes score 0."""
    return (scores * with_background(present)[:, :, None, None]).softmax(1).argmax(1)


def top_positions(scores: Tensor, background: str = "first") -> Tensor:
    """(C + 1, k): where in the whole batch each class scores highest, out of B * h * w.

    Of equal scores the first; so are all of the background, unless ``least_foreground``.
    """
    count = scores.shape[2] * scores.shape[3] // SHARE
    ranked = scores.transpose(0, 1).flatten(1)
    if background == "least_foreground":
        ranked = torch.cat((-ranked[1:].amax(0, keepdim=True), ranked[1:]))
    positions = ranked.sort(stable=True, dim=1, descending=True).indices[:, : max(count, 1)]
    return positions


def prototypes_of(scores: Tensor, features: Tensor, positions: Tensor) -> Tensor:
    """(C + 1, d) of length one: the mean feature at ``positions``, weighted by the scores there.

    ``features`` (B, d, h, w). Classes that are in no image have one as well. No gradient goes back.
    """
    weights = scores.transpose(0, 1).flatten(1).gather(1, positions)[..., None]
    rows = as_rows(features.detach())[positions]
    total = weights.sum(1)
    mean = (weights * rows).sum(1) / torch.where(total == 0, 1, total)
    return normalize(mean, dim=1)


def as_rows(features: Tensor) -> Tensor:
    """(B, d, h, w) to (B * h * w, d)."""
    return features.permute(0, 2, 3, 1).flatten(0, 2)


def to_prototypes(pixels: Tensor, prototypes: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """The mean over pixels of -log softmax of the similarity to the prototype of their label."""
    return cross_entropy(pixels @ prototypes.T / temperature, labels)


def within(view: ContrastView, temperature: float, draw: Draw, single: str = "counted") -> Tensor:
    """The contrast of pixels with prototypes of their own view, a mean over its classes.

    Of each class count the pixels that ``draw`` names, and half of them between the least similar
    tenth and the most similar four tenths; one in both counts twice.
    """
    losses = hard_contrast(view, temperature)
    similar = (view.pixels * view.prototypes[view.labels]).sum(1).detach()
    total, classes = losses.sum() * 0, torch.unique(view.labels).tolist()
    lonely = 0
    for number in classes:
        own = (view.labels == number).nonzero()[:, 0]
        if len(own) < 2:
            lonely += 1
            continue
        last = int(HARDEST * len(own))
        hard = own[similar[own].argsort()[last - len(own) // 2 : last]]
        chosen = torch.cat((own[draw(number, len(own)).to(own.device)], hard))
        total = total + losses[chosen].mean()
    return total / max(len(classes) - (lonely if single == "left_out" else 0), 1)


def hard_contrast(view: ContrastView, temperature: float) -> Tensor:
    """(n,): -log of the share of the own prototype, against it and hard prototypes.

    These are the 4th to the 13th most similar of all, the own one included.
    """
    similarity = view.pixels @ view.prototypes.T / temperature
    own = similarity.gather(1, view.labels[:, None])
    ranked = similarity.sort(1, descending=True).values[:, EASIEST : EASIEST + HARD]
    return torch.cat((own, ranked), 1).logsumexp(1) - own[:, 0]


def half_drawn(number: int, pixels: int) -> Tensor:
    """A random half of the pixels of a class."""
    return torch.randperm(pixels)[: pixels // 2]


def view_of(
    maps: Tensor,
    features: Tensor,
    present: Tensor,
    settings: ContrastSettings,
    positions: Tensor | None = None,
) -> ContrastView:
    """A view from maps (B, C, h, w) of the classes, features (B, d, h, w) and labels (B, C).

    ``positions``: see ``top_positions``; they may be given.
    """
    scores = scored(maps, settings.background_score, settings.clipped)
    if positions is None:
        positions = top_positions(scores, settings.background_positions)
    prototypes, labels = prototypes_of(scores, features, positions), pixel_labels(scores, present)
    pixels = normalize(as_rows(features), dim=1)
    view = ContrastView(pixels, labels.flatten(), prototypes)
    return view if settings.absent == "kept" else only_present(view, present)


def only_present(view: ContrastView, present: Tensor) -> ContrastView:
    """The view without prototypes of classes that no image has."""
    kept = with_background(present).any(0)
    numbers = kept.cumsum(0) - 1
    return ContrastView(view.pixels, numbers[view.labels], view.prototypes[kept])


def losses(
    first: ContrastView, second: ContrastView, settings: ContrastSettings, draw: Draw = half_drawn
) -> dict[str, Tensor]:
    """The three losses, each weighted and the mean of both views.

    Pixels with the prototypes of the other view; with the labels of the other view; within a view.
    """
    t, share = settings.temperature, settings.contrast / 2
    pairs = (first, second), (second, first)
    across = [to_prototypes(a.pixels, b.prototypes, a.labels, t) for a, b in pairs]
    labels = [to_prototypes(a.pixels, a.prototypes, b.labels, t) for a, b in pairs]
    inside = [within(view, t, draw, settings.single) for view in (first, second)]
    return {
        "loss_cross_prototype": share * (across[0] + across[1]),
        "loss_cross_label": share * (labels[0] + labels[1]),
        "loss_intra_view": share * (inside[0] + inside[1]),
    }
