"""DeepLab V1 (LargeFOV) on torchvision's VGG16 for PASCAL VOC 2012.

Chen et al., ICLR 2015, as deeplab_v1_vgg16_voc, with fc6 and fc7 of the head's own: those of
torchvision have 4,096 channels and no place in a convolution of rate 12. They are new layers and
learn at ten times the rate.
Cost: 20,000 iterations of 10 crops of 321 pixels, made for a GPU.
Initial weights: ImageNet under torchvision's names.
"""
# ruff: noqa: C408 - written like the configurations of mmsegmentation

_base_ = "deeplab_v1_vgg16_voc.py"
model = dict(
    data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
    backbone=dict(fc_dilation=None, channel_order="rgb"),
    decode_head=dict(type="LargeFOVHead", in_channels=512, channels=1024, rate=12),
)
optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys={
            f"decode_head.fov.{layer}.conv.bias": dict(lr_mult=20, decay_mult=0) for layer in (0, 2)
        }
    )
)
