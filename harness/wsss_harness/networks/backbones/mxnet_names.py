"""Names of the ImageNet weights of ResNet38, which were published for MXNet."""

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


def mxnet_to_torch(name: str) -> str:
    """Translate a name of the released MXNet weights; any other name stays unchanged.

    The weights are those of itijyou/ademxapp (ilsvrc-cls_rna-a1_cls1000_ep-0001.params): their
    res5a and bn5a are b5 here, res5b1 is b5_1. The ImageNet classifier is linear1000.
    """
    match = MXNET.fullmatch(name)
    if match is None:
        return name
    kind, stage, unit, branch, layer, quantity = match.groups()
    if layer is None:
        block = f"b{stage}_{unit}" if unit else f"b{stage}"
        layer = f"{block}.{'bn' if kind == 'bn' else 'conv'}_{branch}"
    return f"{layer}.{QUANTITIES[quantity]}"
