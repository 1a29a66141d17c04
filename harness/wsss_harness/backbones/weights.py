"""Initial weights of a backbone from a file of named tensors."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from wsss_harness.errors import DataError
from wsss_harness.resuming import read_state

# First parts of names that belong to what stood on top of the backbone.
HEADS = frozenset(
    {"classifier", "fc", "head", "decode_head", "auxiliary_head"}  # torchvision, mmseg, ours
    | {"linear1000", "fc8", "f8_3", "f8_4", "f8_5", "f9"}  # the psa lineage
)
PREFIXES = ("module.", "network.", "backbone.")


@dataclass(frozen=True)
class Loaded:
    """How many tensors a backbone took, and the names of those that were left out as heads."""

    tensors: int
    left_out: tuple[str, ...]


def load_weights(module: nn.Module, path: Path) -> Loaded:
    """Fill ``module`` with the tensors of a state dict, whose heads are left out.

    Raises:
        DataError: the file is missing or damaged, or its tensors are not those of the module.
    """
    state = _plain(read_state(path), path)
    own = module.state_dict()
    left_out = tuple(name for name in state if name not in own and name.split(".")[0] in HEADS)
    state = {name: value for name, value in state.items() if name not in left_out}
    needed = [name for name in own if not name.endswith("num_batches_tracked")]
    _agree(path, "missing", [name for name in needed if name not in state])
    _agree(path, "unexpected", [name for name in state if name not in own])
    differing = [name for name in needed if state[name].shape != own[name].shape]
    _agree(path, "of another shape", differing)
    module.load_state_dict(state, strict=False)
    return Loaded(len(state), left_out)


def _plain(content: Any, path: Path) -> dict[str, Tensor]:
    """Tensors by name, without the prefixes of what wrapped the backbone."""
    for key in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not all(
        isinstance(value, Tensor) for value in content.values()
    ):
        raise DataError(f"{path} does not hold tensors by name; save the state dict of a network")
    return {_stripped(name): value for name, value in content.items()}


def _stripped(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _agree(path: Path, how: str, names: list[str]) -> None:
    if names:
        few = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        raise DataError(
            f"{path} does not fit the backbone: {len(names)} tensors are {how} ({few}); give the "
            "weights of this backbone with the same options"
        )
