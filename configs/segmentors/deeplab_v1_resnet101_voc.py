"""DeepLab V1 (LargeFOV) on ResNet101 for PASCAL VOC 2012, trained on pseudo-masks.

Chen et al., ICLR 2015; network and settings of usr922/wseg (EPS_deeplabv1_resnet101), which are
those of YudeWang/semantic-segmentation-codebase: a stem of three 3x3 convolutions, rate 12,
statistics of batch normalisation that go on learning, slowly in the head, while its weights stay,
new layers at ten times the rate, dropout of single elements, logits enlarged corner to corner.
At test time, options of the suite: scales = [0.5, 0.75, 1.0, 1.25, 1.5, 1.75], flip = true,
crf = "usr922".
Cost: 20,000 iterations of 10 crops of 448 pixels, made for a GPU.
Expected: EPS reports 71.0 val and 71.8 test mIoU (CVPR 2021), whose own settings are not published.
Initial weights: resnet101s of zhanghang1989/PyTorch-Encoding, ImageNet. The README of usr922/wseg
names torchvision's, which have another stem: deeplab_v1_resnet101_torchvision_voc.
"""
# ruff: noqa: C408 - written like the configurations of mmsegmentation

model = dict(
    type="EncoderDecoder",
    data_preprocessor=dict(
        type="SegDataPreProcessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=False,
        pad_val=0,
        seg_pad_val=255,
    ),
    backbone=dict(
        type="ResNetV1c",
        depth=101,
        stem_channels=128,
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        contract_dilation=True,
        norm_cfg=dict(type="BN", momentum=0.1, requires_grad=False),
    ),
    decode_head=dict(
        type="LargeFOVHead",
        in_channels=2048,
        channels=512,
        rate=12,
        dropout_ratio=0.5,
        dropout="elements",
        classifier="kaiming",
        align_corners=True,
        norm_cfg=dict(type="BN", momentum=3e-4, requires_grad=False),
        num_classes=0,
    ),
    test_cfg=dict(mode="whole"),
)
train = dict(
    iterations=20_000,
    batch=10,
    crop=448,
    scales=[0.5, 1.5],
    between=True,
    cubic=True,
    hsv=10,
    flip=0.5,
)
optim_wrapper = dict(
    optimizer=dict(type="SGD", lr=1e-3, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(
        custom_keys={
            "decode_head": dict(lr_mult=10),
            "decode_head.conv_seg.bias": dict(lr_mult=20, decay_mult=0),
        }
    ),
)
schedule = dict(power=0.9)
