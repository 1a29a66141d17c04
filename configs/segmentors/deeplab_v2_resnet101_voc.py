"""DeepLab V2 on ResNet101 for PASCAL VOC 2012, trained on pseudo-masks.

Chen et al., TPAMI 2018, with the settings of kazuto1011/deeplab-pytorch (configs/voc12.yaml):
inputs at three scales and the greatest logits, frozen batch normalisation, SGD with poly decay in
steps of 10, the ASPP at ten times the rate and its biases at twenty times without decay.
Cost: 20,000 iterations of 10 crops of 321 pixels, made for a GPU.
Expected: EPS reports 70.9 val and 70.8 test mIoU (CVPR 2021) from weights of MS-COCO. Initial
weights here are those of ImageNet under torchvision's names, which cost 3 to 4 points: fully
supervised 73.4 against 76.7 (jbeomlee93/BBAM, issue 1). Weights converted from Caffe need
backbone.style "caffe".
"""
# ruff: noqa: C408 - written like the configurations of mmsegmentation

model = dict(
    type="MultiScaleEncoderDecoder",
    scales=(0.5, 0.75),
    data_preprocessor=dict(
        type="SegDataPreProcessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=False,
        pad_val=0,
        seg_pad_val=255,
    ),
    backbone=dict(
        type="CeilResNet",
        depth=101,
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        norm_cfg=dict(type="BN", requires_grad=False),
        norm_eval=True,
    ),
    decode_head=dict(type="SummedASPPHead", in_channels=2048, rates=(6, 12, 18, 24), num_classes=0),
    test_cfg=dict(mode="whole"),
)
train = dict(iterations=20_000, batch=10, crop=321, scales=[0.5, 0.75, 1.0, 1.25, 1.5], flip=0.5)
optim_wrapper = dict(
    optimizer=dict(type="SGD", lr=2.5e-4, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(
        custom_keys={
            "decode_head": dict(lr_mult=10),
            **{
                f"decode_head.branches.{index}.bias": dict(lr_mult=20, decay_mult=0)
                for index in range(4)
            },
        }
    ),
)
schedule = dict(power=0.9, every=10)
