"""VGG16 with the poolings, dilations and fully connected layers of DeepLab and of generators."""

import pytest
import torch
import torchvision
from golden_files import close, fill, fill_value, golden
from torch.nn.functional import conv2d

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.networks import backbones
from wsss_harness.networks.backbones.base import taps_of
from wsss_harness.networks.backbones.weights import load_weights

LARGE_FOV = {"pools": (3, 3, 3, 3, 3), "average": True, "fc_dilation": 12}
SLIM = {"width": 0.0625}
PLACES = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)  # of convolutions in torchvision's list
CAFFE = [f"conv{block}_{i}" for block, n in enumerate((2, 2, 3, 3, 3), 1) for i in range(1, n + 1)]


def vgg16(**options):
    return backbones.build("vgg16", **options).eval()


@torch.no_grad()
def out(backbone, images):
    return backbone(images)["out"]


@pytest.mark.golden
def test_large_fov_is_official_under_its_own_names(tmp_path):
    arrays = golden("deeplab.npz")
    shapes = [[int(n) for n in shape if n] for shape in arrays["vgg_shapes"]]
    named = zip(map(str, arrays["vgg_names"]), shapes, strict=True)
    state = {name: fill_value(name, torch.empty(shape), 1.4) for name, shape in named}
    torch.save(state, tmp_path / "large_fov.pth")
    backbone = vgg16(**LARGE_FOV)
    assert load_weights(backbone, tmp_path / "large_fov.pth") == ("fc8.weight", "fc8.bias")
    size = (int(n) for n in arrays["vgg_image_size"])
    features = out(backbone, fill("vgg.image", -2, 2, (1, 3, *size)))
    logits = conv2d(features, state["features.38.weight"], state["features.38.bias"])
    assert close(logits, arrays["vgg_logits"], 1e-4)
    conv5 = fill("vgg.conv5_3", 0, 1, (1, 512, *(int(n) for n in arrays["vgg_grid"])))
    pooled = backbone.average(backbone.features[-1](conv5))
    assert close(pooled[:, ::16], arrays["vgg_pool5a_every16"], 1e-4)


def test_weights_of_torchvision_give_its_features(tmp_path):
    official = torchvision.models.vgg16(weights=None, init_weights=False).eval()
    torch.save(official.state_dict(), tmp_path / "vgg16.pth")
    backbone = vgg16(pools=[2] * 5, strides=[2] * 5, dilations=[1] * 5)
    left_out = load_weights(backbone, tmp_path / "vgg16.pth")
    assert {name.split(".")[0] for name in left_out} == {"classifier"}
    image = torch.randn(1, 3, 64, 96)
    torch.testing.assert_close(out(backbone, image), official.features(image).detach())


def test_weights_under_the_names_of_caffe_are_those_of_torchvision(tmp_path):
    backbone = vgg16(**SLIM, fc_dilation=1)
    state = backbone.state_dict()
    back = {f"features.{place}": name for place, name in zip(PLACES, CAFFE, strict=True)}
    caffe = {}
    for name, value in state.items():
        layer, _, quantity = name.rpartition(".")
        caffe[f"{back.get(layer, layer)}.{quantity}"] = value.clone()
    assert {"conv5_3.bias", "fc6.weight", "fc7.bias"} <= set(caffe)
    torch.save(caffe, tmp_path / "vgg16_20M.pth")
    torch.nn.init.zeros_(backbone.fc6.weight)
    assert load_weights(backbone, tmp_path / "vgg16_20M.pth") == ()
    assert all(torch.equal(state[name], value) for name, value in backbone.state_dict().items())


def test_weights_without_fc6_are_refused_where_it_is_wanted(tmp_path):
    torch.save(vgg16(**SLIM).state_dict(), tmp_path / "vgg16.pth")
    with pytest.raises(DataError, match=r"vgg16\.pth .*4 tensors are missing \(fc6\.weight"):
        load_weights(vgg16(**SLIM, fc_dilation=1), tmp_path / "vgg16.pth")
    torch.save(vgg16(**SLIM, fc_dilation=1).state_dict(), tmp_path / "vgg16.pth")
    left_out = load_weights(vgg16(**SLIM), tmp_path / "vgg16.pth")
    assert left_out == ("fc6.weight", "fc6.bias", "fc7.weight", "fc7.bias")


def test_optional_parts_keep_their_values_if_the_file_has_nothing_of_them(tmp_path):
    torch.save(vgg16(**SLIM).state_dict(), tmp_path / "vgg16.pth")
    backbone = vgg16(**SLIM, fc_dilation=1)
    before = backbone.fc6.weight.clone()
    assert load_weights(backbone, tmp_path / "vgg16.pth", ("fc6", "fc7")) == ()
    assert torch.equal(backbone.fc6.weight, before)
    state = backbone.state_dict()
    del state["fc6.bias"]
    torch.save(state, tmp_path / "vgg16.pth")
    with pytest.raises(DataError, match=r"1 tensors are missing \(fc6\.bias"):
        load_weights(backbone, tmp_path / "vgg16.pth", ("fc6", "fc7"))


@pytest.mark.parametrize(
    ("options", "strides"),
    [
        ({}, (1, 2, 4, 8, 8, 8)),
        ({"pools": [3, 3, 3, 0, 0], "dilations": [1] * 5}, (1, 2, 4, 8, 8, 8)),
        ({"pools": [2, 2, 2, 3, 0]}, (1, 2, 4, 8, 8, 8)),
        ({"pools": [2] * 5, "strides": [2] * 5}, (1, 2, 4, 8, 16, 32)),
        ({"pools": [3, 0, 3, 0, 3], "strides": [2] * 5}, (1, 2, 2, 4, 4, 8)),
    ],
)
def test_poolings_decide_the_grid_of_each_tap(options, strides):
    backbone = vgg16(**SLIM, **options)
    taps = taps_of(backbone)
    assert list(taps) == ["conv1", "conv2", "conv3", "conv4", "conv5", "out"]
    assert tuple(tap.stride for tap in taps.values()) == strides
    assert backbone.stride == strides[-1]


def test_each_block_has_its_dilation_and_pooling():
    backbone = vgg16(
        **SLIM, pools=[2, 3, 0, 3, 3], strides=[2, 2, 2, 1, 1], dilations=[1, 1, 2, 3, 4]
    )
    convolutions = [m for m in backbone.features if isinstance(m, torch.nn.Conv2d)]
    rates = [1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    assert [conv.dilation[0] for conv in convolutions] == rates
    assert [conv.padding[0] for conv in convolutions] == rates
    poolings = [block[-1] for block in backbone.blocks()]
    assert [getattr(p, "kernel_size", None) for p in poolings] == [2, 3, None, 3, 3]
    assert [getattr(p, "padding", None) for p in poolings] == [0, 1, None, 1, 1]
    assert [getattr(p, "stride", None) for p in poolings] == [2, 2, None, 1, 1]


def test_fc_has_its_rate_and_drops_channels_in_training_alone():
    backbone = backbones.build("vgg16", **SLIM, fc_dilation=12, dropout=0.25)
    assert (backbone.fc6.dilation, backbone.fc6.padding) == ((12, 12), (12, 12))
    assert isinstance(backbone.drop6, torch.nn.Dropout2d)
    assert backbone.drop6.p == 0.25
    assert backbone.out_channels == 64
    image = torch.randn(1, 3, 32, 32)
    assert not torch.equal(backbone.train()(image)["out"], backbone(image)["out"])
    assert torch.equal(out(backbone.eval(), image), out(backbone, image))


def test_bgr_sees_the_colours_the_other_way_round():
    rgb, bgr = vgg16(**SLIM), vgg16(**SLIM, channel_order="bgr", normalise="caffe")
    bgr.load_state_dict(rgb.state_dict())
    image = torch.randn(1, 3, 32, 32)
    assert torch.equal(out(bgr, image), out(rgb, image.flip(1)))
    assert [round(255 * value, 3) for value in bgr.mean] == [122.675, 116.669, 104.008]
    assert bgr.std == (1 / 255,) * 3


def test_frozen_blocks_get_no_gradient():
    backbone = backbones.build("vgg16", **SLIM, frozen_stages=2).train()
    backbone(torch.randn(1, 3, 32, 32))["out"].sum().backward()
    trained = {int(n.split(".")[1]) for n, p in backbone.named_parameters() if p.grad is not None}
    assert trained == set(PLACES[4:])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pools": [3] * 4}, r"pools of vgg16 are \[3, 3, 3, 3\]; give five whole numbers"),
        ({"strides": [0] * 5}, r"strides of vgg16 .* at least 1"),
        ({"dilations": [1, 1, 1, 1, 0]}, r"dilations of vgg16 .* at least 1"),
        ({"frozen_stages": 6}, "frozen_stages of vgg16 is 6"),
        ({"channel_order": "grb"}, "channel_order of vgg16 is 'grb'; choose one of rgb, bgr"),
        ({"width": 0}, "width of vgg16 is 0"),
    ],
)
def test_wrong_options_say_what_is_allowed(options, message):
    with pytest.raises(ConfigError, match=message):
        backbones.build("vgg16", **options)


def test_dropout_of_elements_keeps_parts_of_channels():
    backbone = backbones.build("vgg16", **SLIM, fc_dilation=1, drop="elements").train()
    kept = backbone.drop6(torch.ones(1, 8, 16, 16)).mean((2, 3))
    assert 0.5 < kept.min() < kept.max() < 1.5
    with pytest.raises(ConfigError, match="drop of vgg16 is 'pixels'"):
        vgg16(drop="pixels")
