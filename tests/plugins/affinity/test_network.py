"""The network of AffinityNet: golden numbers, taps of any backbone, and what it refuses."""

import pytest
import torch
from golden_files import close, fill, fill_state, golden

from wsss_affinity.affinities import affinities
from wsss_affinity.network import AffinityFeatures, AffinityShape, Head
from wsss_harness.contract.errors import ConfigError
from wsss_harness.networks import backbones
from wsss_harness.networks.training.optimizers import parameter_groups

RELEASED = (64, 128, 256)


def released_taps():
    height, width = map(int, golden("affinity_net.npz")["grid"])
    channels = {"conv4": 512, "conv5": 1024, "conv6": 4096}
    return [fill(f"aff.{n}", -1, 1, (1, c, height, width)).relu() for n, c in channels.items()]


@pytest.mark.golden
def test_affinities_of_the_released_head():
    numbers = golden("affinity_net.npz")
    taps = released_taps()
    head = fill_state(Head([tap.shape[1] for tap in taps], RELEASED), gain=2)
    assert close(head.f8_3(taps[0])[:, ::8].detach(), numbers["f8_3_preact_every8"], 1e-4)
    actual = affinities(head(taps), 5)
    assert close(actual.flatten(2).detach(), numbers["aff"], 1e-4)
    (actual.flatten(2) * fill("aff.g", -1, 1, numbers["aff"].shape)).sum().backward()
    assert close(head.f8_3.weight.grad[::8, ::8, 0, 0], numbers["grad_f8_3_every8"], 1e-4)
    assert close(head.f9.weight.grad[::16, ::16, 0, 0], numbers["grad_f9_every16"], 1e-4)


@pytest.mark.golden
def test_the_whole_network_has_the_released_names_and_affinities():
    numbers = golden("resnet38d.npz")
    network = AffinityShape({"name": "resnet38"}, (), RELEASED).build()

    def official(name):
        return name.removeprefix("backbone.").removeprefix("head.")

    assert [official(name) for name in network.state_dict()] == list(numbers["psa_aff_names"])
    fill_state(network, 1, official)
    size = map(int, numbers["psa_aff_image_size"])
    with torch.no_grad():
        actual = affinities(network(fill("image_aff", -2, 2, (1, 3, *size))), 5)
    assert close(actual.flatten(2), numbers["psa_aff_aff"], 1e-4)


@pytest.mark.parametrize(
    ("backbone", "stride"),
    [
        ({"name": "resnet38", "width": 0.0625}, 8),
        ({"name": "openmmlab_resnet", "depth": 18, "base_channels": 8, "output_stride": 4}, 4),
        ({"name": "mobilenet_v2", "output_stride": 16}, 8),
    ],
)
def test_features_lie_on_the_grid_of_the_first_tap(backbone, stride):
    network = AffinityShape(backbone, (), (4, 8, 16)).build()
    assert network.stride == stride
    assert network(torch.zeros(2, 3, 32, 48)).shape == (2, 28, 32 // stride, 48 // stride)


def test_only_the_last_three_taps_are_used_unless_others_are_named():
    network = AffinityShape({"name": "resnet38", "width": 0.0625}, (), (4, 8, 16)).build()
    assert network.taps == ("conv4", "conv5", "out")
    other = AffinityShape(
        {"name": "resnet38", "width": 0.0625}, ("conv3", "conv4", "out"), (4, 8, 16)
    )
    assert other.build().stride == 4


@pytest.mark.parametrize("taps", [("conv4", "conv5"), ("conv4", "conv5", "conv9")])
def test_taps_that_do_not_exist_are_refused_with_those_that_do(taps):
    with pytest.raises(ConfigError, match="there are conv3, conv4, conv5, out"):
        AffinityFeatures(backbones.build("resnet38", width=0.0625), taps, RELEASED)


def test_the_head_learns_faster():
    network = AffinityShape({"name": "resnet38", "width": 0.0625}, (), (4, 8, 16)).build().train()
    *_, fast, _ = parameter_groups(network, network.heads)
    assert {id(p) for p in fast} == {id(p) for p in network.head.parameters()}


def test_the_same_seed_gives_the_same_network():
    shape = AffinityShape({"name": "resnet38", "width": 0.0625}, (), (4, 8, 16))
    first, again, other = (shape.build(seed).head.f9.weight for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
