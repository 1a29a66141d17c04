"""What SeCo remembers of past batches: a queue of tagged keys, and a prototype of each class.

Yang et al., CVPR 2024, section 3.3; zwyang6/SeCo: model/model_seco.py.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

MOMENTUM = 0.9  # of prototypes


class Queue(nn.Module):
    """The latest ``length`` keys (length, width) with their tags (length,).

    Keys start as random numbers whose tag is ``start``: 0, background, as released, or -1, which
    counts for nothing.
    """

    keys: Tensor
    tags: Tensor
    place: Tensor

    def __init__(self, length: int, width: int, start: int) -> None:
        super().__init__()
        self.register_buffer("keys", normalize(torch.randn(length, width), dim=0))
        self.register_buffer("tags", torch.full((length,), float(start)))
        self.register_buffer("place", torch.zeros(1, dtype=torch.long))

    @torch.no_grad()
    def add(self, keys: Tensor, tags: Tensor) -> None:
        """Write keys (M, width) over the oldest ones."""
        places = (torch.arange(len(keys), device=keys.device) + self.place) % len(self.keys)
        self.keys[places], self.tags[places] = keys.detach(), tags.to(self.tags)
        self.place.copy_((self.place + len(keys)) % len(self.keys))


@torch.no_grad()
def moved_prototypes(prototypes: Tensor, features: Tensor, tags: Tensor) -> Tensor:
    """Prototypes (C, D) moved to features (B, D) with a class 1..C, one by one, and normalised."""
    moved = prototypes.clone()
    for feature, tag in zip(features, tags.tolist(), strict=True):
        if tag > 0:
            moved[tag - 1] = MOMENTUM * moved[tag - 1] + (1 - MOMENTUM) * feature
    return normalize(moved, dim=1)
