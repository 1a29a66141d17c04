"""Maps from gradients by torchcam: Grad-CAM and related methods on the network of CAM.

Grad-CAM: Selvaraju et al., ICCV 2017. XGrad-CAM: Fu et al., BMVC 2020. LayerCAM: Jiang et al., TIP
2021. Each weighs the features A of a layer by the gradient of a class's score and keeps positive
values:

    Grad-CAM   relu(sum_k mean(dY/dA_k) A_k)      LayerCAM   relu(sum_k relu(dY/dA_k) A_k)

Y is the sum of the class's map, not its mean: a mean would divide the maps of each scale by the
size of its grid. At the features that the head sees, Grad-CAM then is CAM. Of several layers, the
maps are divided by their maximum before the largest is taken (LayerCAM, eq. 9, with its tanh).
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torchcam.methods import GradCAM, LayerCAM, XGradCAM

from wsss_harness import ClassMaps, ConfigError, MapReader

TINY = 1e-12  # a map of zeros stays 0
METHODS: Mapping[str, type] = {"grad_cam": GradCAM, "xgrad_cam": XGradCAM, "layer_cam": LayerCAM}


class Scored(nn.Module):
    """A network of class maps as images -> scores (B, C), with its features as a module to hook."""

    def __init__(self, network: ClassMaps) -> None:
        super().__init__()
        self.backbone, self.head = network.backbone, network.head
        self.features = nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.head(self.features(self.backbone(images)["out"])).sum((2, 3))
        return scores


def reader(method: str, layers: Sequence[str]) -> MapReader:
    """A function that reads the maps of ``channels`` by a method, the largest of several layers."""

    def read(network: ClassMaps, images: Tensor, channels: Sequence[int]) -> Tensor:
        scored = Scored(network)
        refuse_unknown(layers, scored)
        with torch.enable_grad(), METHODS[method](scored, list(layers)) as extract:
            # The parameters of a frozen network require no gradients, so the images must.
            scores = scored(images.requires_grad_())
            maps = {c: fused(extract, scores, c) for c in channels}
        blank = torch.zeros_like(next(iter(maps.values()))) if maps else images.new_zeros(2, 1, 1)
        return torch.stack([maps.get(c, blank) for c in range(network.channels)], 1)

    return read


def fused(extract: GradCAM, scores: Tensor, channel: int) -> Tensor:
    """The map of one class, (B, h, w)."""
    layers = extract(channel, scores, normalized=False, retain_graph=True)
    if len(layers) > 1:  # layers differ in magnitude, and fusing expects maps up to 1
        layers = [layer / layer.amax((1, 2), keepdim=True).clamp_min(TINY) for layer in layers]
    maps: Tensor = extract.fuse_cams(layers).detach()
    return maps


def refuse_unknown(layers: Sequence[str], scored: nn.Module) -> None:
    modules = dict(scored.named_modules())
    unknown = [layer for layer in layers if layer not in modules]
    if unknown or not layers:
        children = [name for name in modules if name.count(".") == 1]
        raise ConfigError(
            f"layers names {unknown or 'nothing'}; name features or modules of the network, "
            f"such as {', '.join(children)}"
        )
