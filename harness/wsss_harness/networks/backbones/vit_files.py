"""Published files of vision transformers, and their tensors under the names of timm."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wsss_harness.contract.errors import DataError
from wsss_harness.system.extras import require_extra

# openai/CLIP and mlfoundations/open_clip: the image tower is called visual in the whole network.
TOWER = "visual."
CLIP_PARTS = (
    ("transformer.resblocks.", "blocks."),
    ("ln_pre.", "norm_pre."),
    ("ln_post.", "norm."),
    ("ln_", "norm"),
    ("attn.in_proj_", "attn.qkv."),
    ("attn.out_proj.", "attn.proj."),
    ("mlp.c_fc.", "mlp.fc1."),
    ("mlp.c_proj.", "mlp.fc2."),
    ("conv1.", "patch_embed.proj."),
)


def image_tower(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The image tower of CLIP under the names of timm; any other state stays unchanged.

    Its text tower is left out.
    """
    whole = f"{TOWER}class_embedding" in state
    if not whole and not ("class_embedding" in state and "positional_embedding" in state):
        return dict(state)
    tower = {
        name.removeprefix(TOWER): value
        for name, value in state.items()
        if not whole or name.startswith(TOWER)
    }
    return dict(_from_clip(name, value) for name, value in tower.items())


def _from_clip(name: str, value: Tensor) -> tuple[str, Tensor]:
    match name:
        case "class_embedding":
            return "cls_token", value[None, None]
        case "positional_embedding":
            return "pos_embed", value[None]
        case "proj":
            return "projection.weight", value.T
    for theirs, ours in CLIP_PARTS:
        name = name.replace(theirs, ours)
    return name, value


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors file, the format of the weights that timm offers.

    Raises:
        MissingExtra: the library that reads it is not installed.
        DataError: the file is missing or damaged.
    """
    require_extra("safetensors", "vit", f"the file {path}")
    import safetensors
    from safetensors.torch import load_file

    try:
        tensors: dict[str, Tensor] = load_file(path)
    except FileNotFoundError:
        raise DataError(f"{path} is missing") from None
    except (OSError, safetensors.SafetensorError) as error:
        raise DataError(
            f"{path} cannot be read as a file of safetensors: {error}; get it again"
        ) from None
    return tensors


# google-research/vision_transformer: the .npz files of ImageNet-21k and of "How to train your ViT".
BLOCK = re.compile(r"Transformer/encoderblock_(\d+)/(.+)/(\w+)")
NPZ_LAYERS = {
    "LayerNorm_0": "norm1",
    "LayerNorm_2": "norm2",
    "MlpBlock_3/Dense_0": "mlp.fc1",
    "MlpBlock_3/Dense_1": "mlp.fc2",
    "MultiHeadDotProductAttention_1/out": "attn.proj",
    "embedding": "patch_embed.proj",
    "Transformer/encoder_norm": "norm",
    "head": "head",
    "pre_logits": "pre_logits.fc",
}
QUANTITIES = {"kernel": "weight", "scale": "weight", "bias": "bias"}
POSITIONS = "Transformer/posembed_input/pos_embedding"
Arrays = Mapping[str, NDArray[Any]]


def read_npz(path: Path) -> dict[str, Tensor]:
    """The tensors of a .npz file of google-research/vision_transformer, under the names of timm.

    Raises:
        DataError: the file is missing or damaged, or holds other arrays.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        state = dict(_from_npz(arrays))
    except FileNotFoundError:
        raise DataError(f"{path} is missing") from None
    except Exception as error:  # numpy raises many classes for a damaged or foreign file
        raise DataError(
            f"{path} cannot be read as weights of google-research/vision_transformer: {error}; get "
            "it again, or give a state dict as .pth"
        ) from None
    return {name: torch.from_numpy(np.array(values)) for name, values in state.items()}


def _from_npz(arrays: Arrays) -> Iterator[tuple[str, NDArray[Any]]]:
    yield "cls_token", arrays["cls"]
    yield "pos_embed", arrays[POSITIONS]
    for name, values in arrays.items():
        layer, _, quantity = name.rpartition("/")
        prefix = ""
        if block := BLOCK.fullmatch(name):
            prefix, layer = f"blocks.{block[1]}.", block[2]
        if layer in NPZ_LAYERS and quantity in QUANTITIES:
            yield f"{prefix}{NPZ_LAYERS[layer]}.{QUANTITIES[quantity]}", _turned(values, quantity)
        elif layer.endswith("/query"):
            yield f"{prefix}attn.qkv.{QUANTITIES[quantity]}", _joined(arrays, name, quantity)


def _turned(values: NDArray[Any], quantity: str) -> NDArray[Any]:
    """A kernel (height, width, in, out), (heads, width, out) or (in, out), outputs first."""
    if quantity != "kernel":
        return values
    if values.ndim == 4:
        return values.transpose(3, 2, 0, 1)
    return values.reshape(-1, values.shape[-1]).T


def _joined(arrays: Arrays, query: str, quantity: str) -> NDArray[Any]:
    """Queries, keys and values of all heads, in this order, as one layer."""
    parts = [arrays[query.replace("/query/", f"/{part}/")] for part in ("query", "key", "value")]
    if quantity == "kernel":  # (in, heads, width)
        return np.concatenate([part.reshape(len(part), -1).T for part in parts])
    return np.concatenate([part.reshape(-1) for part in parts])
