"""Read files of named tensors, and fill networks with them under our names."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from wsss_harness.contract.errors import DataError
from wsss_harness.networks.backbones.base import Backbone
from wsss_harness.networks.backbones.params_file import is_params, read_params
from wsss_harness.networks.backbones.tensor_names import (
    deep_stem_to_mmseg,
    deeplab_to_torchvision,
    mxnet_to_torch,
    vgg_to_torchvision,
)
from wsss_harness.networks.backbones.vit_files import image_tower, read_npz, read_safetensors
from wsss_harness.networks.checkpoints import read_state

# First parts of the names of tensors that belong to heads on the backbone.
HEADS = frozenset(
    {"classifier", "fc", "head", "decode_head", "auxiliary_head", "aspp"}  # of libraries, and ours
    | {"pre_logits", "projection"}  # of vision transformers
    | {"fc1", "linear1000", "fc6", "fc7", "fc8", "f8_3", "f8_4", "f8_5", "f9"}  # the psa lineage
)
WRAPPERS = ("module.", "network.", "base.", "scale.")
COUNTER = "num_batches_tracked"
State = dict[str, Tensor]
Heads = Mapping[str, str]
"""Names of head tensors in a released checkpoint, and our names for them."""


@dataclass(frozen=True)
class Misfit:
    """Names of tensors that differ from those of a network."""

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    differing: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(self.missing) + len(self.unexpected) + len(self.differing)

    def __str__(self) -> str:
        parts = {
            "missing": self.missing,
            "unexpected": self.unexpected,
            "of another shape": self.differing,
        }
        return "; ".join(
            f"{len(names)} tensors are {how} ({', '.join(names[:3])}{', ...' * (len(names) > 3)})"
            for how, names in parts.items()
            if names
        )


def load_weights(module: nn.Module, path: Path, optional: Collection[str] = ()) -> tuple[str, ...]:
    """Fill a backbone from a file; return the names of the tensors of heads, which it leaves out.

    The file holds a state dict under the names of the backbone, of tensor_names or of CLIP, or is
    one of the others that ``read_weights`` reads. ``optional`` parts of the module keep their
    values if the file has nothing of them.

    Raises:
        DataError: the file is missing or damaged, or its tensors are not those of the module.
    """
    state, own = of_backbone(read_weights(path)), module.state_dict()
    if isinstance(module, Backbone):
        state = module.adapted(state)
    left_out = tuple(name for name in state if name not in own and name.split(".")[0] in HEADS)
    absent = set(optional) - {name.split(".")[0] for name in state}
    kept = {name: value for name, value in own.items() if name.split(".")[0] in absent}
    found = {name: value for name, value in state.items() if name not in left_out}
    fill(module, kept | found, path)
    return left_out


def fill(module: nn.Module, state: Mapping[str, Tensor], path: Path) -> None:
    """Load a state dict with exactly the module's tensors; DataError says what differs."""
    difference = misfit(state, module.state_dict())
    if difference.size:
        raise DataError(
            f"{path} does not fit the network: {difference}; give the weights of this network with "
            "the same options. `wsss weights inspect` says what a file holds"
        )
    module.load_state_dict(state, strict=False)  # the counters of batches may be missing


def misfit(state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> Misfit:
    """The differences between a state and the names and shapes of ``own``."""
    needed = [name for name in own if not name.endswith(COUNTER)]
    return Misfit(
        tuple(name for name in needed if name not in state),
        tuple(name for name in state if name not in own),
        tuple(n for n in needed if n in state and state[n].shape != own[n].shape),
    )


def read_weights(path: Path) -> State:
    """The tensors of a file by name, without the prefixes of wrappers such as DataParallel.

    Tensors of an MXNet .params file get the names that psa gives them, those of a .npz file of
    vision transformers the names of timm.

    Raises:
        DataError: the file is missing, damaged, or not a file of tensors.
    """
    if path.is_file() and is_params(path):
        arrays = read_params(path).items()
        return {mxnet_to_torch(n): torch.from_numpy(values.copy()) for n, values in arrays}
    if path.suffix == ".npz":
        return read_npz(path)
    if path.suffix == ".safetensors":
        return read_safetensors(path)
    return _plain(read_state(path, remedy="name a file of weights, or get it again"), path)


def _plain(content: Any, path: Path) -> State:
    for key in ("state_dict", "model", "model_state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not all(
        isinstance(value, Tensor) for value in content.values()
    ):
        raise DataError(f"{path} does not hold tensors by name; save the state dict of a network")
    return {_unwrapped(name): value for name, value in content.items()}


def _unwrapped(name: str) -> str:
    for prefix in WRAPPERS:
        name = name.removeprefix(prefix)
    return name


def of_backbone(state: Mapping[str, Tensor]) -> State:
    """The tensors of a state under the names of a backbone on its own."""
    bare = image_tower({n.removeprefix("backbone."): value for n, value in state.items()})
    return {own_name(name, "conv1.0.weight" in bare): value for name, value in bare.items()}


def own_name(name: str, deep_stem: bool = False) -> str:
    """Our name of a tensor of a published backbone; ``deep_stem``: its stem has three layers."""
    translated = deeplab_to_torchvision(name) or vgg_to_torchvision(name)
    return translated or (deep_stem_to_mmseg(name) if deep_stem else None) or name


def load_released(
    network: nn.Module, path: Path, heads: Heads, change: Callable[[State], State] = dict
) -> None:
    """Fill a network, whose backbone is called ``backbone``, from a checkpoint.

    The checkpoint has our names, or those of psa and its descendants: the backbone's without a
    prefix, and ``heads``. ``change`` converts tensors whose form differs from the network's.

    Raises:
        DataError: a tensor is missing, left over, or has another shape.
    """
    state = read_weights(path)
    if not has_our_names(state):
        state = change(renamed(state, heads))
    fill(network, state, path)


def has_our_names(state: State) -> bool:
    """Whether a backbone's tensors are below ``backbone`` under our names.

    In irn that is a list, with numbers; in SGAN its layers are called conv1_1 to conv5_3.
    """
    return any(re.match(r"backbone\.(?!conv\d_\d\.)\D", name) for name in state)


def renamed(state: Mapping[str, Tensor], heads: Heads) -> State:
    """The tensors under our names; a head of another network keeps its own."""
    return {
        heads.get(name) or (name if name.split(".")[0] in HEADS else f"backbone.{name}"): value
        for name, value in state.items()
    }
