"""DeepLab V1 (LargeFOV) on ResNet101 from weights of MS-COCO, for PASCAL VOC 2012.

Chen et al., ICLR 2015. The authors of EPS derived their DeepLab V1 from the code of
kazuto1011/deeplab-pytorch with the same initial weights (halbielee/EPS, issues 4 and 6) and
published no file of settings: this is deeplab_v2_resnet101_coco_voc with the head of LargeFOV,
rate 12, 1,024 channels.
Cost: 20,000 iterations of 10 crops of 321 pixels, made for a GPU.
Expected: EPS reports 71.0 val and 71.8 test mIoU (CVPR 2021).
"""
# ruff: noqa: C408 - written like the configurations of mmsegmentation

_base_ = "deeplab_v2_resnet101_coco_voc.py"
model = dict(
    decode_head=dict(
        _delete_=True,
        type="LargeFOVHead",
        in_channels=2048,
        channels=1024,
        rate=12,
        dropout_ratio=0.5,
        num_classes=0,
    )
)
optim_wrapper = dict(
    paramwise_cfg=dict(_delete_=True, custom_keys={"decode_head": dict(lr_mult=10)})
)
