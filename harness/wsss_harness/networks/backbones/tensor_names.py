"""Names of tensors in published weights, and what the same tensors are called here."""

import re

MXNET = re.compile(
    r"(?:(bn|res)(\d)(?:a|b(\d))_(branch\w+?)|(conv1a|bn7|linear1000))"
    r"_(weight|bias|gamma|beta|moving_mean|moving_var)"
)
QUANTITIES = {
    "weight": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_var": "running_var",
}


# VGG16 in MXNet, as js-fan/ICD reads it, has the layers of Caffe.
MXNET_VGG = re.compile(r"(conv[1-5]_[1-3]|fc[678])_(weight|bias)")


def mxnet_to_torch(name: str) -> str:
    """Translate a name of the released MXNet weights; any other name stays unchanged.

    The weights are those of itijyou/ademxapp (ilsvrc-cls_rna-a1_cls1000_ep-0001.params): their
    res5a and bn5a are b5 here, res5b1 is b5_1. The ImageNet classifier is linear1000. Those of
    VGG16 get the names of Caffe.
    """
    if vgg := MXNET_VGG.fullmatch(name):
        return "{}.{}".format(*vgg.groups())
    match = MXNET.fullmatch(name)
    if match is None:
        return name
    kind, stage, unit, branch, layer, quantity = match.groups()
    if layer is None:
        block = f"b{stage}_{unit}" if unit else f"b{stage}"
        layer = f"{block}.{'bn' if kind == 'bn' else 'conv'}_{branch}"
    return f"{layer}.{QUANTITIES[quantity]}"


# kazuto1011/deeplab-pytorch, libs/models/resnet.py: layer1 is the stem, layer2 to layer5 have
# blocks from 1 on; a projection is called shortcut, and was called proj before.
STEM = re.compile(r"layer1\.conv1\.(conv|bn)\.(\w+)")
BLOCK = re.compile(
    r"layer([2-5])\.block(\d+)\.(reduce|conv3x3|increase|shortcut|proj)\.(conv|bn)\.(\w+)"
)
PLACES = {"reduce": "1", "conv3x3": "2", "increase": "3"}


def deeplab_to_torchvision(name: str) -> str | None:
    """The name in torchvision and mmsegmentation of a tensor of that ResNet; None for another."""
    if stem := STEM.fullmatch(name):
        kind, quantity = stem.groups()
        return f"{kind}1.{quantity}"
    if block := BLOCK.fullmatch(name):
        layer, index, part, kind, quantity = block.groups()
        unit = f"layer{int(layer) - 1}.{int(index) - 1}"
        if part in PLACES:
            return f"{unit}.{kind}{PLACES[part]}.{quantity}"
        return f"{unit}.downsample.{0 if kind == 'conv' else 1}.{quantity}"
    return None


# VGG16 of Caffe as jiwoon-ahn/psa converts it (network/vgg16d.py: vgg16_20M), and LargeFOV of
# wangleihitcs/DeepLab-V1-PyTorch (nets/vgg.py), a single list of layers.
CAFFE_VGG = re.compile(r"conv([1-5])_([1-3])\.(weight|bias)")
VGG_BLOCKS = (0, 5, 10, 17, 24)  # the places of conv1_1 to conv5_1 in torchvision's list
LARGE_FOV = {"features.32": "fc6", "features.35": "fc7", "features.38": "fc8"}


def vgg_to_torchvision(name: str) -> str | None:
    """The name here of a tensor of VGG16 under those names; None for another."""
    if match := CAFFE_VGG.fullmatch(name):
        block, place, quantity = match.groups()
        return f"features.{VGG_BLOCKS[int(block) - 1] + 2 * (int(place) - 1)}.{quantity}"
    layer, _, quantity = name.rpartition(".")
    return f"{LARGE_FOV[layer]}.{quantity}" if layer in LARGE_FOV else None


# The stem of three convolutions in zhanghang1989/PyTorch-Encoding (resnet101s), which
# usr922/wseg starts from; mmsegmentation has the same layers in one list.
DEEP_STEM = re.compile(r"conv1\.(\d)\.(\w+)")


def deep_stem_to_mmseg(name: str) -> str | None:
    """The name in mmsegmentation of a tensor of that stem; None for another."""
    if match := DEEP_STEM.fullmatch(name):
        return "stem.{}.{}".format(*match.groups())
    return f"stem.7.{name.removeprefix('bn1.')}" if name.startswith("bn1.") else None
