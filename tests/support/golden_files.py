"""Golden numbers: inputs and outputs of official implementations, and the rule that fills tensors.

Tensors too large to store are filled by a rule: element i of the tensor called ``name`` is a hash
of the name, the fill seed and i. `tests/golden/README.md` states it.
"""

import os
from functools import cache
from pathlib import Path

import numpy as np
import torch

FOLDER = Path(os.environ.get("WSSS_GOLDEN_DIR", Path(__file__).parents[1] / "golden"))
WORD = 2**64
BLOCK = 2**16  # numbers that stay in the cache of a processor


@cache
def golden(name):
    """All arrays of a golden file, as a dict."""
    with np.load(FOLDER / name, allow_pickle=False) as arrays:
        return dict(arrays)


@cache
def fill_seed():
    return int((FOLDER / "fill_seed.txt").read_text())


def fill_key(name):
    key = 0xCBF29CE484222325
    for byte in name.encode():
        key = ((key ^ byte) * 0x100000001B3) % WORD
    return (key + fill_seed() * 0xD1B54A32D192ED03) % WORD


def uniform(name, count):
    """The first ``count`` numbers in [0, 1) of the tensor called ``name``, float64."""
    numbers = np.empty(count)
    for start in range(0, count, BLOCK):
        z = np.arange(start + 1, min(start + BLOCK, count) + 1, dtype=np.uint64)
        z *= np.uint64(0x9E3779B97F4A7C15)  # whole arrays wrap around; only scalars would warn
        z += np.uint64(fill_key(name))
        z ^= z >> np.uint64(30)
        z *= np.uint64(0xBF58476D1CE4E5B9)
        z ^= z >> np.uint64(27)
        z *= np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
        np.divide(z >> np.uint64(40), 2**24, out=numbers[start : start + BLOCK])
    return numbers


def fill(name, low, high, shape):
    """U(name, low, high) as a float32 tensor of ``shape``."""
    values = uniform(name, int(np.prod(shape)))
    values *= high - low
    values += low
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def fill_value(name, tensor, gain):
    if name.endswith("num_batches_tracked"):
        return torch.zeros_like(tensor)
    if name.endswith("running_mean") or (tensor.ndim == 1 and name.endswith("bias")):
        return fill(name, -0.2, 0.2, tensor.shape)
    if tensor.ndim == 1:
        return fill(name, 0.5, 1.5, tensor.shape)
    bound = gain * np.sqrt(3 / np.prod(tensor.shape[1:]))
    return fill(name, -bound, bound, tensor.shape)


def fill_state(module, gain, rename=lambda name: name):
    """Fill a network by the official names of its tensors and put it into eval mode."""
    state = {n: fill_value(rename(n), t, gain) for n, t in module.state_dict().items()}
    module.load_state_dict(state)
    return module.eval()


def close(actual, expected, relative):
    """Whether two arrays agree within ``relative`` of the largest absolute expected value."""
    actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    assert actual.shape == expected.shape, (actual.shape, expected.shape)
    worst = np.abs(actual - expected).max() / max(np.abs(expected).max(), 1e-30)
    assert worst <= relative, f"off by {worst:.2e} of the largest value, allowed {relative:.0e}"
    return True
