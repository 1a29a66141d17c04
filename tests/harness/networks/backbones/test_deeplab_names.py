"""Names of the ResNet of deeplab-pytorch."""

from wsss_harness.networks.backbones.deeplab_names import deeplab_to_torchvision


def test_an_older_name_of_a_projection_is_known():
    assert deeplab_to_torchvision("layer2.block1.proj.bn.weight") == "layer1.0.downsample.1.weight"
    assert deeplab_to_torchvision("layer6.block1.proj.bn.weight") is None
    assert deeplab_to_torchvision("aspp.c0.weight") is None
