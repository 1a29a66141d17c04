"""DeepLab V1's head on a slim ResNet18 for RailScenes (images of 128x96).

Head: Chen et al., ICLR 2015 (LargeFOV, rate 12); it learns at ten times the rate of the backbone,
as new layers do in the published settings. Initial weights: the backbone "openmmlab_resnet" with
base_channels 16.
Cost: about a minute of one CPU core (0.18 s an iteration).
"""
# ruff: noqa: C408 - written like the configurations of mmsegmentation

model = dict(
    type="EncoderDecoder",
    data_preprocessor=dict(
        type="SegDataPreProcessor",
        mean=[123.675, 116.28, 103.53],  # RGB, as images are read
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=False,
        pad_val=0,
        seg_pad_val=255,
    ),
    backbone=dict(
        type="ResNetV1c",
        depth=18,
        stem_channels=16,
        base_channels=16,
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        contract_dilation=True,
    ),
    decode_head=dict(
        type="LargeFOVHead",
        in_channels=128,
        channels=64,
        rate=12,
        dropout_ratio=0.1,
        norm_cfg=dict(type="BN"),
        num_classes=0,  # filled in from the dataset, as in every file here
    ),
    test_cfg=dict(mode="whole"),
)
train = dict(iterations=300, batch=16, crop=96, scales=[0.75, 1.0, 1.25], flip=0.5)
optim_wrapper = dict(
    optimizer=dict(type="AdamW", lr=3e-3, weight_decay=1e-4),
    paramwise_cfg=dict(
        custom_keys={"decode_head.fov": dict(lr_mult=10), "decode_head.conv_seg": dict(lr_mult=10)}
    ),
)
schedule = dict(power=0.9)
