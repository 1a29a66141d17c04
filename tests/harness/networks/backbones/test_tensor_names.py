"""Names of tensors in published weights."""

import pytest
from golden_files import golden

from wsss_harness.networks.backbones.tensor_names import deeplab_to_torchvision, mxnet_to_torch


@pytest.mark.golden
def test_mxnet_names_are_official():
    arrays = golden("mxnet_names.npz")
    for theirs, ours in zip(arrays["mxnet_names"], arrays["torch_names"], strict=True):
        classifier = str(theirs).replace("_", ".")
        assert mxnet_to_torch(str(theirs)) == (str(ours) or classifier)
    assert mxnet_to_torch("something_else") == "something_else"


def test_an_older_name_of_a_projection_is_known():
    assert deeplab_to_torchvision("layer2.block1.proj.bn.weight") == "layer1.0.downsample.1.weight"
    assert deeplab_to_torchvision("layer6.block1.proj.bn.weight") is None
    assert deeplab_to_torchvision("aspp.c0.weight") is None
