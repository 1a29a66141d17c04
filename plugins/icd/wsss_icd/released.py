"""The tensors of js-fan/ICD's networks in MXNet, under our names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from wsss_harness.networks.backbones.tensor_names import vgg_to_torchvision

if TYPE_CHECKING:
    from torch import Tensor

QUANTITIES = ("weight", "bias")
LAYERS = [f"conv{b}_{i}" for b, last in enumerate((2, 2, 3, 3, 3), 1) for i in range(1, last + 1)]
CONVOLUTIONS = [f"{layer}.{quantity}" for layer in LAYERS for quantity in QUANTITIES]
OTHERS = {
    "icd_bu_weight": "direction",
    "conv_ft_weight": "top_down.head.weight",
    "feat_bn_beta": "norm.bias",
    "feat_bn_moving_mean": "norm.running_mean",
    "feat_bn_moving_var": "norm.running_var",
    "icd_accum_resign_moving_mean": "evidence",
}
FACTOR = "backbone.feat_bn_gamma"  # always 1; the prefix is that of what has no name here

# Names after wsss_harness.networks.backbones.tensor_names.mxnet_to_torch.
NAMES: Mapping[str, str] = {
    **{
        f"{n}.{q}": f"backbone.{vgg_to_torchvision(f'{n}.{q}')}" for n in LAYERS for q in QUANTITIES
    },
    **{f"fc{n}.{q}": f"backbone.fc{n}.{q}" for n in (6, 7) for q in QUANTITIES},
    **{f"fc8.{q}": f"head.{q}" for q in QUANTITIES},
    **{f"fc{n}_ft_{q}": f"top_down.fc{n}.{q}" for n in (6, 7) for q in QUANTITIES},
    **OTHERS,
}


def adapted(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """``state`` with the shapes of this network, and with its counter."""
    import torch

    kept = {name: value for name, value in state.items() if name != FACTOR}
    return {"iterations": torch.zeros((), dtype=torch.long), **kept}
