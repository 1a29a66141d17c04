"""The shipped DeepLabs have the layers, rates, momenta and stems of the released code."""

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

from wsss_harness.networks.backbones.weights import load_weights
from wsss_harness.networks.segmentors import MmsegSegmentor, fitting

SLIM = {
    "deeplab_v1_resnet38_voc": {
        "backbone": {"width": 1 / 16},
        "decode_head": {"in_channels": 256, "channels": 8},
    },
    "deeplab_v1_resnet101_voc": {
        "backbone": {"depth": 50, "base_channels": 4, "stem_channels": 8},
        "decode_head": {"in_channels": 128, "channels": 8},
    },
    "deeplab_v1_vgg16_voc": {"backbone": {"width": 1 / 16}, "decode_head": {"in_channels": 64}},
    "deeplab_v1_vgg16_torchvision_voc": {
        "backbone": {"width": 1 / 16},
        "decode_head": {"in_channels": 32, "channels": 8},
    },
    "deeplab_v2_vgg16_coco14": {
        "backbone": {"width": 1 / 16},
        "decode_head": {"in_channels": 32, "hidden": 8},
    },
}
NORMALISED = ("deeplab_v1_resnet38_voc", "deeplab_v1_resnet101_voc")


def built(name):
    """The network of a configuration with slim parts."""
    settings = MmsegSegmentor(name).configuration(2)
    for part, options in SLIM[name].items():
        settings.model[part].update(options)
    return fitting.build(settings.model, 0)


def rates(name):
    """The network, and the learning rate and weight decay of each parameter that learns."""
    network, settings = built(name), MmsegSegmentor(name).configuration(2)
    optimizer = build_optim_wrapper(network, settings.optim_wrapper).optimizer
    groups = {id(p): group for group in optimizer.param_groups for p in group["params"]}
    chosen = {}
    for parameter_name, parameter in network.named_parameters():
        group = groups.get(id(parameter))
        if group and parameter.requires_grad and group["lr"]:
            chosen[parameter_name] = (pytest.approx(group["lr"]), group["weight_decay"])
    return network, chosen


def norms(module):
    return {n: m for n, m in module.named_modules() if isinstance(m, nn.BatchNorm2d)}


@pytest.mark.parametrize("name", NORMALISED)
def test_deeplab_v1_with_norms_learns_as_released(name):
    network, chosen = rates(name)
    assert chosen.pop("decode_head.conv_seg.bias") == (0.02, 0)
    affine = {f"{norm}.{quantity}" for norm in norms(network) for quantity in ("weight", "bias")}
    assert not affine & set(chosen)
    assert len(chosen) == len(dict(network.named_parameters())) - len(affine) - 1
    for parameter, values in chosen.items():
        assert values == (0.01 if "head" in parameter else 1e-3, 5e-4), parameter
    assert all(norm.training for norm in norms(network.train()).values())  # statistics learn


@pytest.mark.parametrize(("name", "momentum"), [(NORMALISED[0], 3e-4), (NORMALISED[1], 0.1)])
def test_deeplab_v1_has_the_head_and_the_momenta_of_the_released_code(name, momentum):
    network = built(name)
    head = network.decode_head
    assert {norm.momentum for norm in norms(network.backbone).values()} == {momentum}
    assert {norm.momentum for norm in norms(head).values()} == {3e-4}
    assert (type(head.dropout), head.dropout.p) == (nn.Dropout, 0.5)
    assert head.conv_seg.weight.std() > 0.2  # kaiming over 3 outputs: 0.82
    assert network.align_corners
    assert MmsegSegmentor(name).configuration(2).train.cubic


def test_the_released_resnet101_has_a_deep_stem_and_that_of_torchvision_has_not():
    with torch.device("meta"):
        deep, plain = (
            fitting.assemble(MmsegSegmentor(name).configuration(2).model).backbone.state_dict()
            for name in ("deeplab_v1_resnet101_voc", "deeplab_v1_resnet101_torchvision_voc")
        )
    stem = [tuple(deep[f"stem.{place}.weight"].shape) for place in (0, 3, 6)]
    assert stem == [(64, 3, 3, 3), (64, 64, 3, 3), (128, 64, 3, 3)]
    assert "conv1.weight" not in deep
    assert plain["conv1.weight"].shape == (64, 3, 7, 7)


def test_weights_of_a_deep_stem_load_under_their_own_names(tmp_path):
    backbone = built("deeplab_v1_resnet101_voc").backbone
    state, theirs = backbone.state_dict(), {"fc.weight": torch.zeros(2)}
    for name, value in state.items():
        place, _, quantity = name.removeprefix("stem.").partition(".")
        stem = f"bn1.{quantity}" if place == "7" else f"conv1.{place}.{quantity}"
        theirs[stem if name.startswith("stem.") else name] = value.clone()
    assert {"conv1.6.weight", "bn1.running_var", "layer1.0.bn1.weight"} <= set(theirs)
    torch.save(theirs, tmp_path / "resnet101s.pth")
    for parameter in backbone.parameters():
        nn.init.zeros_(parameter)
    assert load_weights(backbone, tmp_path / "resnet101s.pth") == ("fc.weight",)
    assert all(torch.equal(state[name], value) for name, value in backbone.state_dict().items())


@pytest.mark.parametrize("name", [name for name in SLIM if "vgg16" in name])
def test_deeplab_on_vgg16_learns_as_in_caffe(name):
    network, chosen = rates(name)
    assert len(chosen) == len(dict(network.named_parameters()))
    for parameter, values in chosen.items():
        bias, factor = parameter.endswith("bias"), 10 if "head" in parameter else 1
        assert values == (1e-3 * factor * (1 + bias), 0 if bias else 5e-4), parameter


def test_large_fov_on_vgg16_takes_fc6_and_fc7_from_its_weights():
    network = built("deeplab_v1_vgg16_voc")
    named = network.backbone.named
    assert named.fc6.dilation == (12, 12)
    assert named.channel_order == "bgr"
    assert {type(named.drop6), type(network.decode_head.dropout)} == {nn.Dropout2d}
    assert network.decode_head.conv_seg.weight.std() < 0.03  # normal, 0.01
    plain = built("deeplab_v1_vgg16_torchvision_voc")
    assert not hasattr(plain.backbone.named, "fc6")
    assert plain.backbone.named.channel_order == "rgb"
    assert plain.decode_head.fov[0].conv.dilation == (12, 12)


@pytest.mark.parametrize("name", [name for name in SLIM if "vgg16" in name])
def test_deeplab_on_vgg16_compares_masks_at_the_size_of_its_logits(name):
    network = built(name).train()
    images = torch.randint(0, 255, (2, 3, 33, 33), dtype=torch.uint8)
    masks = torch.randint(0, 3, (2, 1, 33, 33))
    losses = fitting.loss(network, {"images": images, "masks": masks})
    assert list(losses) == ["loss_full"]
    assert losses["loss_full"].isfinite()
    assert network.encode_decode(images.float(), [{"img_shape": (33, 33)}]).shape[2:] == (33, 33)
