"""Names of the ResNet of kazuto1011/deeplab-pytorch, in which weights of MS-COCO were published."""

import re

# libs/models/resnet.py: layer1 is the stem, layer2 to layer5 have blocks from 1 on; a projection is
# called shortcut, and was called proj before.
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
