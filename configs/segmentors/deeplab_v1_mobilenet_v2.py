"""DeepLab V1's head (LargeFOV) on MobileNetV2 for photographs of about 256 pixels.

Chen et al., ICLR 2015; Sandler et al., 2018. The features have stride 16, so rate 6 sees what rate
12 sees at stride 8. A setting of this project for a CPU; no published figure belongs to it.
Initial weights: MobileNetV2 of torchvision, with pixels normalised by ImageNet statistics; for
others set data_preprocessor in a copy of this file.
Cost: 1,000 iterations of 16 crops of 224 pixels.
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
    backbone=dict(type="NamedBackbone", name="mobilenet_v2", output_stride=16, frozen_stages=2),
    decode_head=dict(
        type="LargeFOVHead",
        in_channels=1280,
        channels=256,
        rate=6,
        dropout_ratio=0.1,
        norm_cfg=dict(type="BN"),
        num_classes=0,
    ),
    test_cfg=dict(mode="whole"),
)
train = dict(iterations=1000, batch=16, crop=224, scales=[0.75, 1.0, 1.25], flip=0.5)
optim_wrapper = dict(
    optimizer=dict(type="AdamW", lr=1e-4, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={"decode_head": dict(lr_mult=10)}),
)
schedule = dict(power=0.9)
