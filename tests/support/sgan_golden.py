"""The official inputs of SGAN's attention, and its network with the official weights."""

import numpy as np
import torch
from golden_files import close, fill, fill_value, golden
from torch.nn.functional import conv2d

from wsss_sgan.grids import salient_map, zoomed
from wsss_sgan.network import SganShape
from wsss_sgan.released import own_name
from wsss_sgan.settings import vgg16

PLAIN = {**vgg16(), "channel_order": "rgb"}  # the official network is given BGR


def official_salient():
    """The salient maps of the official items, (2, S, S)."""
    file = golden("sgan.npz")
    size, grid = int(file["new_size"]), round(len(file["fg_sim"][0]) ** 0.5)
    maps = []
    for number, flipped in enumerate(file["flipped"].tolist(), 1):
        squashed = zoomed(file[f"sal_{number}"], (size, size), 1)
        squashed = squashed[:, ::-1] if flipped else squashed
        maps.append(salient_map(squashed, grid, float(file["sal_thresh"])))
    return torch.from_numpy(np.stack(maps))


def official_features():
    file = golden("sgan.npz")
    grid = round(len(file["fg_sim"][0]) ** 0.5)
    features = fill("sgan.feat", -1, 1, (2, 512, grid, grid)).clamp(min=0)
    assert close(features.flatten()[: len(file["feat_check"])], file["feat_check"], 1e-6)
    return features


def official_projections():
    """Queries and keys of the official features."""
    file = golden("sgan.npz")
    shapes = dict(zip(file["names"].tolist(), file["shapes"].tolist(), strict=True))
    projected = []
    for layer in ("f_query", "f_key"):
        named = {n: torch.empty([s for s in shapes[n] if s]) for n in shapes if layer in n}
        weight, bias = (fill_value(n, tensor, 1.4) for n, tensor in named.items())
        weight = weight[..., None, None] if weight.ndim == 2 else weight
        if layer == "f_key":
            check = file["f_key_weight_check"]
            assert close(weight.flatten()[: len(check)], check, 1e-6)
        projected.append(conv2d(official_features(), weight, bias))
    return projected


def official_network():
    """The network of the released sizes, filled by its official names, in eval mode."""
    classes = golden("sgan2.npz")["train_label"].shape[-1]
    network = SganShape(PLAIN, classes, 0.5).build()
    own = dict(network.named_parameters())
    names = golden("sgan2.npz")["net_names"].tolist()
    assert {own_name(name) for name in names} == own.keys()
    for name in names:
        own[own_name(name)].data = fill_value(name, own[own_name(name)], 1.4)
    return network.eval()
