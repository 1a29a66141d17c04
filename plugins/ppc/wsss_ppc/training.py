"""The losses of a batch: two views of each image, the second one smaller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from wsss_cam_baselines.seam_network import resized
from wsss_ppc import contrast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wsss_harness import Batch, Loss
    from wsss_ppc.settings import ContrastSettings

    SeamLosses = Callable[[Any, Any, Tensor], dict[str, Tensor]]


def seer(network: nn.Module) -> Callable[[Tensor], Any]:
    """What a network says of a view; see ``network``."""
    maps_and_pixels: Any = network
    see: Callable[[Tensor], Any] = maps_and_pixels.view
    return see


def two_sizes(images: Tensor, factor: float) -> tuple[Tensor, Tensor]:
    """Images (B, 3, H, W), and the same ones resized by ``factor``."""
    return images, resized(images, [max(round(side * factor), 1) for side in images.shape[2:]])


def contrasted(
    maps: Sequence[Tensor], pixels: Sequence[Tensor], present: Tensor, settings: ContrastSettings
) -> dict[str, Tensor]:
    """The losses of the contrast, of images with classes, on the grid of the second view.

    ``maps`` (B, C, h, w) of the classes and ``pixels`` (B, d, h, w), each of both views.
    """
    labelled, size = present.any(1), maps[1].shape[2:]
    if not labelled.any():
        none = pixels[0].sum() * 0
        return dict.fromkeys(NAMES, none)
    views = [
        contrast.view_of(
            resized(m[labelled], size), resized(p[labelled], size), present[labelled], settings
        )
        for m, p in zip(maps, pixels, strict=True)
    ]
    return contrast.losses(views[0], views[1], settings)


NAMES = ("loss_cross_prototype", "loss_cross_label", "loss_intra_view")


def seam_losses(
    network: nn.Module, batch: Batch, own: SeamLosses, settings: ContrastSettings
) -> dict[str, Tensor]:
    """``own`` are the losses of SEAM, of two views and labels."""
    present, see = batch["present"], seer(network)
    first, second = (see(images) for images in two_sizes(batch["image"], settings.view))
    terms = own(first[:2], second[:2], present)
    maps = [refined[:, 1:] for _, _, refined, _ in (first, second)]
    pixels = [projected for *_, projected in (first, second)]
    return terms | contrasted(maps, pixels, present, settings)


class Answer(nn.Module):
    """A network that has seen the images already: the loss of EPS asks it for maps and logits."""

    def __init__(self, maps: Tensor) -> None:
        super().__init__()
        self.maps = maps

    def forward(self, images: Any) -> tuple[Tensor, Tensor]:
        return self.maps, self.maps.mean((2, 3))


def eps_losses(
    network: nn.Module, batch: Batch, own: Loss, settings: ContrastSettings
) -> dict[str, Tensor]:
    """``own`` is the loss of EPS."""
    see = seer(network)
    (maps, pixels), (maps_2, pixels_2) = map(see, two_sizes(batch["image"], settings.view))
    both = own(Answer(maps), batch), own(Answer(maps_2), batch)
    terms = {name: (both[0][name] + both[1][name]) / 2 for name in both[0]}
    of_classes = [m.softmax(1)[:, :-1] for m in (maps, maps_2)]
    return terms | contrasted(of_classes, (pixels, pixels_2), batch["present"], settings)
