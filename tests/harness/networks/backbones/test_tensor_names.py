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


@pytest.mark.golden
def test_names_of_vgg16_in_mxnet_are_those_of_caffe_with_another_separator():
    names = golden("icd2.npz")["model_param_names"].tolist()
    vgg = [name for name in names if name.count("_") < 3 and name[:2] in ("co", "fc")]
    vgg = [name for name in vgg if "_ft_" not in name]
    for name in vgg:
        layer, _, quantity = name.rpartition("_")
        assert mxnet_to_torch(name) == f"{layer}.{quantity}"
    assert len(vgg) == 2 * (13 + 3)
    assert all(mxnet_to_torch(name) == name for name in names if name not in vgg)


def test_an_older_name_of_a_projection_is_known():
    assert deeplab_to_torchvision("layer2.block1.proj.bn.weight") == "layer1.0.downsample.1.weight"
    assert deeplab_to_torchvision("layer6.block1.proj.bn.weight") is None
    assert deeplab_to_torchvision("aspp.c0.weight") is None
