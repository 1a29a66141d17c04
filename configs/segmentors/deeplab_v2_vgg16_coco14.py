"""DeepLab V2 on VGG16 for MS-COCO 2014, trained on pseudo-masks.

Chen et al., TPAMI 2018: four branches of rates 6, 12, 18 and 24, each with an fc6, an fc7 and a
classifier of its own, summed. EPS reports this network on MS-COCO and published no settings. The
network is that of yaoqi-zd/SGAN (dsrg/training); the solver is that of deeplab_v1_vgg16_voc with
the 100,000 iterations that kazuto1011/deeplab-pytorch has for MS-COCO (configs/coco.yaml).
At test time, an option of the suite: crf = "deeplab".
Cost: 100,000 iterations of 10 crops of 321 pixels, made for a GPU.
Expected: EPS reports 35.7 val mIoU (CVPR 2021).
Initial weights: DeepLab's vgg16_20M, converted from Caffe (ImageNet), up to conv5_3; the branches
are new.
"""
# ruff: noqa: C408 - written like the configurations of mmsegmentation

_base_ = "deeplab_v1_vgg16_voc.py"
model = dict(
    backbone=dict(fc_dilation=None),
    decode_head=dict(
        _delete_=True,
        type="SummedASPPHead",
        in_channels=512,
        rates=(6, 12, 18, 24),
        hidden=1024,
        dropout_ratio=0.5,
        dropout="elements",
        num_classes=0,
    ),
)
train = dict(iterations=100_000, scales=[0.5, 0.75, 1.0, 1.25, 1.5])
optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys={
            f"decode_head.branches.{branch}.{layer}.bias": dict(lr_mult=20, decay_mult=0)
            for branch in range(4)
            for layer in (0, 3, 6)
        }
    )
)
