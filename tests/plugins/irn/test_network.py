"""The boundary network and its backbone, against the official one and a loop."""

import numpy as np
import pytest
import torch
from golden_files import close, fill, fill_state, golden

from wsss_harness.contract.errors import ConfigError
from wsss_harness.networks import backbones
from wsss_irn.network import EdgeHead, EdgeNetwork, EdgeShape
from wsss_irn.settings import resnet50

SLIM = {"name": "resnet38", "width": 0.0625}


def head_and_taps():
    """The head on the released taps, whose strides are 4, 4, 8, 16 and 16."""
    shapes = [tuple(shape) for shape in golden("irn.npz")["head_tap_shapes"].tolist()]
    head = EdgeHead([shape[1] for shape in shapes], [4, 4, 8, 16, 16])
    taps = [fill(f"irn.tap{k}", -1, 1, shape).relu() for k, shape in enumerate(shapes, 1)]
    return fill_state(head, 1), taps


@pytest.mark.golden
def test_names_and_shapes_of_the_head_are_official():
    numbers, (head, _) = golden("irn.npz"), head_and_taps()
    state = head.state_dict()
    assert list(state) == numbers["head_names"].tolist()
    shapes = [[n for n in shape if n] for shape in numbers["head_shapes"].tolist()]
    assert [list(value.shape) for value in state.values()] == shapes


@pytest.mark.golden
def test_taps_and_weights_are_filled_by_the_rule():
    numbers, (head, taps) = golden("irn.npz"), head_and_taps()
    for tap, expected in zip(taps, numbers["head_tap_check"], strict=True):
        assert close(tap.flatten()[: len(expected)], expected, 1e-6)
    expected = numbers["head_w1_check"]
    first = head.get_submodule("fc_edge1")[0].weight.detach()
    assert close(first.flatten()[: len(expected)], expected, 1e-6)


@pytest.mark.golden
def test_logits_of_the_head_are_official_step_by_step():
    numbers, (head, taps) = golden("irn.npz"), head_and_taps()
    for k, tap in enumerate(taps, 1):
        normalised = head.get_submodule(f"fc_edge{k}")(tap)
        assert close(normalised[:, ::8].detach(), numbers[f"head_gn{k}_every8"], 1e-4)
        size = [side * head.factors[k - 1] for side in tap.shape[2:]]
        assert size == numbers["head_uncropped_sizes"][k - 1].tolist()
    assert close(head.joined(taps)[:, ::4].detach(), numbers["head_concat_every4"], 1e-4)
    assert close(head(taps).detach(), numbers["head_logits"], 1e-4)
    assert close(head(taps).sigmoid().detach(), numbers["head_sigmoid"], 1e-4)


@pytest.mark.golden
def test_gradients_of_the_head_are_official():
    numbers, (head, taps) = golden("irn.npz"), head_and_taps()
    logits = head(taps)
    (logits * fill("irn.head_g", -1, 1, logits.shape)).sum().backward()
    for name, parameter in head.named_parameters():
        gradient, expected = parameter.grad, numbers[f"head_grad_{name}"]
        if gradient.shape != expected.shape:  # a sample of the channels is stored
            inputs = gradient.shape[1] // expected.shape[1]
            gradient = gradient[:: gradient.shape[0] // expected.shape[0], ::inputs]
        assert close(gradient, expected, 1e-4), name


@pytest.mark.golden
def test_the_backbone_is_the_released_one_without_dilation():
    numbers = golden("irn.npz")
    backbone = backbones.build(**resnet50())
    state = backbone.state_dict()
    assert [f"resnet50.{name}" for name in state] == numbers["backbone_names"].tolist()
    shapes = [[n for n in shape if n] for shape in numbers["backbone_shapes"].tolist()]
    assert [list(value.shape) for value in state.values()] == shapes
    fill_state(backbone, 1, lambda name: f"resnet50.{name}")
    size = numbers["backbone_image_size"].tolist()
    with torch.no_grad():
        taps = backbone(fill("irn.image", -2, 2, (1, 3, *size))).values()
    for k, tap in enumerate(taps, 1):
        assert list(tap.shape) == numbers[f"backbone_tap{k}_shape"].tolist()
        (stored,) = (name for name in numbers if name.startswith(f"backbone_tap{k}_every"))
        every = int(stored.partition("every")[2])
        assert close(tap[:, ::every], numbers[stored], 1e-4)
        assert close(tap[0].mean((1, 2)), numbers[f"backbone_tap{k}_chmean"], 1e-4)
        assert close(tap[0].std((1, 2), correction=0), numbers[f"backbone_tap{k}_chstd"], 1e-4)


def loop_head(head, taps):
    """The head by loops over groups, pixels and channels, in double precision."""
    height, width = taps[0].shape[2:]
    state = {name: value.numpy() for name, value in head.state_dict().items()}
    logits = np.full((len(taps[0]), height, width), state["fc_edge3.bias"][0])
    for k, (tap, factor) in enumerate(zip(taps, head.factors, strict=True), 1):
        weight = state[f"fc_edge{k}.0.weight"][:, :, 0, 0]
        for b, g in np.ndindex(len(tap), 4):
            group = slice(8 * g, 8 * g + 8)
            maps = np.einsum("oc,chw->ohw", weight[group], tap[b].numpy())
            maps = (maps - maps.mean()) / np.sqrt(maps.var() + 1e-5)
            scale, shift = (state[f"fc_edge{k}.1.{name}"][group] for name in ("weight", "bias"))
            maps = maps * scale[:, None, None] + shift[:, None, None]
            mix = state["fc_edge3.weight"][0, 32 * (k - 1) + 8 * g : 32 * (k - 1) + 8 * g + 8, 0, 0]
            for y, x in np.ndindex(height, width):
                logits[b, y, x] += mix @ np.maximum(bilinear(maps, y, x, factor), 0)
    return logits


def bilinear(maps, y, x, factor):
    def neighbours(place, length):
        place = max((place + 0.5) / factor - 0.5, 0)
        low = min(int(place), length - 1)
        high = min(low + 1, length - 1)
        return (low, 1 - (place - low)), (high, place - low)

    return sum(
        maps[:, i, j] * a * b
        for i, a in neighbours(y, maps.shape[1])
        for j, b in neighbours(x, maps.shape[2])
    )


def test_the_head_is_that_of_a_loop():
    torch.manual_seed(0)
    head = EdgeHead([3, 5], [4, 8]).double()
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter)
    taps = [torch.rand(2, 3, 5, 7).double(), torch.rand(2, 5, 3, 4).double()]
    with torch.no_grad():
        assert np.abs(head(taps)[:, 0].numpy() - loop_head(head, taps)).max() < 1e-12


@pytest.mark.parametrize("name", ["resnet18", "resnet38", "mobilenet_v2", "openmmlab_resnet"])
def test_any_backbone_with_taps_has_a_grid_of_stride_4(name):
    slim = {"resnet38": {"width": 0.0625}, "openmmlab_resnet": {"base_channels": 8}}
    network = EdgeShape({"name": name, **slim.get(name, {})}, ()).build()
    assert network.stride == 4
    assert network(torch.zeros(1, 3, 64, 96)).shape == (1, 1, 16, 24)


def test_chosen_taps_decide_the_grid():
    network = EdgeNetwork(backbones.build(**SLIM), ("conv4", "out"))
    assert (network.stride, network.coarsest) == (8, 8)
    assert network(torch.zeros(2, 3, 32, 48)).shape == (2, 1, 4, 6)


def test_an_unknown_tap_is_named_with_those_that_exist():
    with pytest.raises(ConfigError, match=r"'taps' of Irn names 'conv9'; .* has conv3, conv4"):
        EdgeNetwork(backbones.build(**SLIM), ("conv3", "conv9"))


def test_a_backbone_that_is_not_frozen_learns_with_the_head():
    backbone = {"name": "openmmlab_resnet", "base_channels": 8, "frozen": "none"}
    network = EdgeShape(backbone, (), frozen=False).build().train()
    network(torch.rand(2, 3, 32, 32)).sum().backward()
    assert all(p.requires_grad and p.grad is not None for p in network.parameters())
    with torch.no_grad():
        assert not network(torch.rand(2, 3, 32, 32)).requires_grad


def test_only_the_head_trains_and_no_statistics_move():
    network = EdgeShape({"name": "resnet18", "frozen": "none"}, ()).build().train()
    before = {name: value.clone() for name, value in network.backbone.state_dict().items()}
    network(torch.rand(2, 3, 32, 32)).sum().backward()
    trained = {name for name, p in network.named_parameters() if p.requires_grad}
    assert trained == {f"head.{name}" for name, _ in network.head.named_parameters()}
    assert all(p.grad is not None for p in network.head.parameters())
    after = network.backbone.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
