"""Batch normalisation of a single value, which has no variance and which torch refuses to train on.

A batch of one has a single value of each channel where an image is pooled to one pixel, as in the
image pooling of ASPP, or where a crop is no larger than the stride of the network.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmengine import dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def running_statistics_of_single_values(network: nn.Module) -> Iterator[None]:
    """Normalise single values with running statistics, as at test time; others as ever.

    Normalisations that share their statistics between several processes are left alone.
    """
    swap = Swap()
    handles = []
    for norm in network.modules():
        shared = isinstance(norm, nn.SyncBatchNorm) and dist.get_world_size() > 1
        if isinstance(norm, _BatchNorm) and not shared:
            handles.append(norm.register_forward_pre_hook(swap.before))
            handles.append(norm.register_forward_hook(swap.after))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class Swap:
    """Puts a normalisation into eval mode for a pass with a single value of each channel."""

    def __init__(self) -> None:
        self.swapped: set[nn.Module] = set()
        self.warned = False

    def before(self, norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        values = inputs[0]
        if norm.training and values.numel() == values.shape[1]:
            norm.eval()
            self.swapped.add(norm)
            self.warn_once()

    def after(self, norm: nn.Module, *_: Any) -> None:
        if norm in self.swapped:
            self.swapped.remove(norm)
            norm.train()

    def warn_once(self) -> None:
        if not self.warned:
            self.warned = True
            logging.getLogger("wsss_harness").warning(
                "a batch normalisation sees a single value of each channel and uses its running "
                "statistics (shown once). To train it, set 'batch' to 2 or more, or a larger 'crop'"
            )
