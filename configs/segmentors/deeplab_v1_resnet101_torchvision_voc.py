"""DeepLab V1 (LargeFOV) on torchvision's ResNet101 for PASCAL VOC 2012.

Chen et al., ICLR 2015, as deeplab_v1_resnet101_voc, with the stem of one 7x7 convolution.
Cost: 20,000 iterations of 10 crops of 448 pixels, made for a GPU.
Initial weights: ImageNet under torchvision's names.
"""
# ruff: noqa: C408 - written like the configurations of mmsegmentation

_base_ = "deeplab_v1_resnet101_voc.py"
model = dict(backbone=dict(type="ResNet", stem_channels=64))
