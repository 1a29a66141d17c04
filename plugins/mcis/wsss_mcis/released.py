"""The tensors of GuoleiSun/MCIS_wsss under our names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

CONVOLUTIONS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)  # places in the stack of VGG16
QUANTITIES = ("weight", "bias")

NAMES: Mapping[str, str] = {
    **{
        f"vgg.features.{place}.{quantity}": f"backbone.features.{place}.{quantity}"
        for place in CONVOLUTIONS
        for quantity in QUANTITIES
    },
    **{f"vgg.extra_convs.{n}.{q}": f"extra.{n}.{q}" for n in (0, 2, 4) for q in QUANTITIES},
    **{f"vgg.extra_last_conv.{q}": f"head.{q}" for q in QUANTITIES},
    "extra_linear_e.weight": "affinity.weight",
    "extra_gate.weight": "common_head.weight",
    "extra_gate_merge.weight": "gate.weight",
}


def adapted(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """``state`` with the counter of this network."""
    import torch

    return {"iterations": torch.zeros((), dtype=torch.long), **state}
