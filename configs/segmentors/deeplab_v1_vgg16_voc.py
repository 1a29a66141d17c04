"""DeepLab V1 (LargeFOV) on VGG16 for PASCAL VOC 2012.

Chen et al., ICLR 2015; network and settings of wangleihitcs/DeepLab-V1-PyTorch (nets/vgg.py,
main.py, "poly"): fc6 of rate 12 and fc7 with 1,024 channels from the initial weights, masks resized
to the logits, biases at twice the rate without decay, the classifier at ten and twenty times.
At test time, an option of the suite: crf = "wangleihitcs".
Cost: 20,000 iterations of 10 crops of 321 pixels, made for a GPU.
Expected: fully supervised 64.8 val mIoU, 68.7 with the CRF (its README); without another size of
the images in training. An author of OAA has 65.1 on the masks of EPS (halbielee/EPS, issue 12).
Initial weights: DeepLab's vgg16_20M, converted from Caffe (ImageNet). For torchvision's:
deeplab_v1_vgg16_torchvision_voc.
"""
# ruff: noqa: C408 - written like the configurations of mmsegmentation

model = dict(
    type="MultiScaleEncoderDecoder",
    scales=(),
    data_preprocessor=dict(
        type="SegDataPreProcessor",
        mean=[122.675, 116.669, 104.008],
        std=[1.0, 1.0, 1.0],
        bgr_to_rgb=False,
        pad_val=0,
        seg_pad_val=255,
    ),
    backbone=dict(
        type="NamedBackbone",
        name="vgg16",
        pools=(3, 3, 3, 3, 3),
        average=True,
        fc_dilation=12,
        dropout=0.5,
        channel_order="bgr",
    ),
    decode_head=dict(
        type="ClassifierHead",
        in_channels=1024,
        dropout_ratio=0.5,
        dropout="channels",
        align_corners=True,
        num_classes=0,
    ),
    test_cfg=dict(mode="whole"),
)
train = dict(iterations=20_000, batch=10, crop=321, scales=[1.0], flip=0.5)
optim_wrapper = dict(
    optimizer=dict(type="SGD", lr=1e-3, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(
        bias_lr_mult=2,
        bias_decay_mult=0,
        custom_keys={
            "decode_head": dict(lr_mult=10),
            "decode_head.conv_seg.bias": dict(lr_mult=20, decay_mult=0),
        },
    ),
)
schedule = dict(power=0.9)
