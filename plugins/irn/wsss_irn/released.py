"""The tensors of checkpoints that jiwoon-ahn/irn writes, under our names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

EDGE_HEAD: Mapping[str, str] = {
    name: f"head.{name}"
    for name in (
        *(f"fc_edge{k}.{part}" for k in range(1, 6) for part in ("0.weight", "1.weight", "1.bias")),
        *("fc_edge6.weight", "fc_edge6.bias"),
    )
}
BACKBONE = "backbone.resnet50."
# The same tensors again under the names of lists, and the branch of displacements.
REPEATED = ("stage", "backbone.", "newly_added.", "edge_layers.", "dp_layers.")
DISPLACEMENTS = ("fc_dp", "mean_shift.")


def adapted(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """``state`` with the backbone's own names, without what no semantic mask needs."""
    dropped = tuple(f"backbone.{name}" for name in (*REPEATED, *DISPLACEMENTS))
    return {
        name.replace(BACKBONE, "backbone.", 1) if name.startswith(BACKBONE) else name: value
        for name, value in state.items()
        if not name.startswith(dropped)
    }
