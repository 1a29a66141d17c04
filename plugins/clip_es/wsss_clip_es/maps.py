"""Maps stretched from 0 to 1: linyq2117/CLIP-ES: pytorch_grad_cam, utils/image.py."""

from torch import Tensor

EPSILON = 1e-7


def stretched(maps: Tensor) -> Tensor:
    """(K, h, w) from 0 to 1: minus the minimum, then divided by the maximum."""
    maps = maps - maps.amin((1, 2), keepdim=True)
    return maps / (EPSILON + maps.amax((1, 2), keepdim=True))
