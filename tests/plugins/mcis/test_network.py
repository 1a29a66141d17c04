"""The network of MCIS on VGG16: golden numbers of two pictures with grids of their own."""

import pytest
import torch
from golden_files import close, fill, fill_value, golden
from torch import nn

from wsss_harness.networks import backbones
from wsss_mcis.network import McisShape
from wsss_mcis.released import NAMES
from wsss_mcis.settings import vgg16


def described(layers):
    return [str(layer) for layer in layers if not isinstance(layer, nn.Identity)]


@pytest.fixture(scope="module")
def official():
    file = golden("mcis2.npz")
    network = McisShape(vgg16(), file["net_logits"].shape[1]).build().eval()
    own = dict(network.named_parameters())
    for name in file["net_names"].tolist():
        own[NAMES[name]].data = fill_value(name, own[NAMES[name]], 1.4)
    images = [
        fill(f"mcis2.image{n}", -2, 2, (1, 3, *file[f"net_image{n}_size"].tolist())) for n in (1, 2)
    ]
    assert close(images[0].flatten()[:12], file["net_image1_check"], 1e-6)
    return file, network, images


@pytest.mark.golden
def test_golden_names_shapes_and_layers(official):
    file, network, _ = official
    own = dict(network.named_parameters())
    assert {NAMES[name] for name in file["net_names"].tolist()} == own.keys()
    for name, shape in zip(file["net_names"].tolist(), file["net_shapes"].tolist(), strict=True):
        assert list(own[NAMES[name]].shape) == [side for side in shape if side]
    assert described(network.backbone.features) == file["net_features"].tolist()
    assert described(network.extra) == file["net_extra_convs"].tolist()


@pytest.mark.golden
def test_golden_features(official):
    file, network, images = official
    pooled = []
    fourth = [m for m in network.backbone.features if isinstance(m, nn.MaxPool2d)][3]
    handle = fourth.register_forward_hook(lambda module, inputs, output: pooled.append(output))
    with torch.no_grad():
        features = network(images[0])
    handle.remove()
    assert close(pooled[0][:, ::32], file["net_pool4_every32"], 1e-4)
    assert close(features[:, ::16], file["net_feature1_every16"], 1e-4)
    assert close(features[0].mean((1, 2)), file["net_feature1_chmean"], 1e-4)


@pytest.mark.golden
def test_golden_maps_of_pictures_of_two_sizes(official):
    file, network, images = official
    with torch.no_grad():
        first, second = map(network, images)
        common, rest = network.common_and_rest(first, second)
        logits = network.logits(first, second, rest=True)
        own = network.head(first), network.head(second)
    for number in (0, 1):
        assert close(own[number], file[f"net_cam{number + 1}"], 1e-4)
        assert close(common[number], file[f"net_co_map{number + 1}"], 1e-4)
        assert close(rest[number], file[f"net_comple_map{number + 1}"], 1e-4)
    assert close(logits.own, file["net_logits"], 1e-4)
    assert close(torch.cat((logits.common, logits.rest)), file["net_co_logits"], 1e-4)


def test_a_new_convolution_varies_with_its_outputs():
    """He et al. by outputs: a deviation of sqrt(2 / (9 * channels)), and no bias."""
    network = McisShape({**vgg16(), "width": 0.25}, 5).build(seed=1)
    layer = network.extra[0]
    assert layer.weight.std().item() == pytest.approx((2 / (9 * 128)) ** 0.5, rel=0.02)
    assert network.head.weight.std().item() == pytest.approx((2 / 5) ** 0.5, rel=0.1)
    assert not layer.bias.any()
    assert not network.head.bias.any()


def test_the_backbone_has_the_stride_of_three_poolings():
    assert backbones.build(**vgg16()).stride == 8


def test_convolutions_can_be_narrower_than_the_backbone():
    network = McisShape({**vgg16(), "width": 0.25}, 5, width=8).build()
    assert [layer.weight.shape[:2] for layer in network.extra[::2]] == [(8, 128), (8, 8), (8, 8)]
    pair = network(torch.rand(1, 3, 32, 32)), network(torch.rand(1, 3, 32, 32))
    assert network.logits(*pair, rest=True).rest.shape == (2, 5)
