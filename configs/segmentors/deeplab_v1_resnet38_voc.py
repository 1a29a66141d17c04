"""DeepLab V1 (LargeFOV) on ResNet38 for PASCAL VOC 2012: what SEAM trains on its pseudo-masks.

Chen et al., ICLR 2015; settings of YudeWang/semantic-segmentation-codebase (seamv1-pseudovoc):
those of deeplab_v1_resnet101_voc, all of ResNet38 trained but its normalisations, of which only the
statistics learn, with a momentum of 0.0003. (The released backbone would freeze conv1a and the
statistics when it is told to train, but the released train.py never tells it.)
At test time, options of the suite: scales = [0.5, 0.75, 1.0, 1.25, 1.5, 1.75], flip = true,
crf = "yudewang" (or "usr922", as usr922/wseg tests the same network).
Cost: 20,000 iterations of 10 crops of 448 pixels, made for a GPU.
Expected: SEAM reports 64.5 val and 65.7 test mIoU (CVPR 2020).
Initial weights: ImageNet as MXNet's .params.
"""
# ruff: noqa: C408 - written like the configurations of mmsegmentation

_base_ = "deeplab_v1_resnet101_voc.py"
model = dict(
    backbone=dict(
        _delete_=True, type="NamedBackbone", name="resnet38", frozen="none", norm_momentum=3e-4
    ),
    decode_head=dict(in_channels=4096),
)
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={"bn": dict(lr_mult=0, decay_mult=0)}))
