"""Load released checkpoints under our names, so that scoring can start without training."""

from collections.abc import Callable, Mapping
from pathlib import Path

from torch import Tensor, nn

from wsss_harness.networks.backbones import weights
from wsss_harness.networks.backbones.weights import State

Heads = Mapping[str, str]
"""Names of head tensors in a released checkpoint, and our names for them."""


def take(
    network: nn.Module, path: Path, heads: Heads, change: Callable[[State], State] = dict
) -> None:
    """Fill a network, whose backbone is called ``backbone``, from a checkpoint.

    The checkpoint has our names, or those of psa and its descendants: the backbone's without a
    prefix, and ``heads``. ``change`` converts tensors whose form differs from the network's.

    Raises:
        DataError: a tensor is missing, left over, or has another shape.
    """
    state = weights.read_weights(path)
    if not any(name.startswith("backbone.") for name in state):
        state = change(ours(state, heads))
    weights.fill(network, state, path)


def ours(state: Mapping[str, Tensor], heads: Heads) -> State:
    """The tensors under our names; a head of another network keeps its own."""
    return {heads.get(name) or _of_backbone(name): value for name, value in state.items()}


def _of_backbone(name: str) -> str:
    return name if name.partition(".")[0] in weights.HEADS else f"backbone.{name}"
