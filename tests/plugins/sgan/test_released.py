"""Checkpoints of the official code."""

import pytest
import torch
from golden_files import golden

from wsss_harness.contract.errors import DataError
from wsss_harness.networks.backbones.weights import has_our_names, load_released
from wsss_sgan.released import NAMES, adapted, own_name
from wsss_sgan.settings import SganSettings


def state_of(network, names):
    """The tensors of a network, filled with 0.5, under their official names."""
    own = network.state_dict()
    return {name: torch.full_like(own[own_name(name)], 0.5) for name in names}


@pytest.mark.golden
@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_released_checkpoint_fits(tmp_path, prefix):
    network, names = SganSettings().network(20), golden("sgan2.npz")["net_names"].tolist()
    state = {f"{prefix}{n}": tensor for n, tensor in state_of(network, names).items()}
    torch.save(state, tmp_path / "model.pth")
    load_released(network, tmp_path / "model.pth", NAMES, adapted)
    assert all((value == 0.5).all() for value in network.state_dict().values())


@pytest.mark.golden
def test_a_checkpoint_that_lacks_a_layer_is_refused(tmp_path):
    network, names = SganSettings().network(20), golden("sgan2.npz")["net_names"].tolist()
    torch.save(state_of(network, names[:-1]), tmp_path / "model.pth")
    with pytest.raises(DataError, match="seed_head"):
        load_released(network, tmp_path / "model.pth", NAMES, adapted)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("backbone.conv1_1.weight", False),
        ("backbone.0.weight", False),
        ("backbone.features.0.weight", True),
        ("backbone.conv1a.weight", True),
    ],
)
def test_layers_named_as_in_caffe_are_not_ours(name, ours):
    assert has_our_names({name: torch.zeros(1)}) == ours
