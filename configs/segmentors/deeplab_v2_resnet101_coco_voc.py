"""DeepLab V2 on ResNet101 from weights of MS-COCO, for PASCAL VOC 2012, trained on pseudo-masks.

Chen et al., TPAMI 2018, as deeplab_v2_resnet101_voc, with the initial weights that the paper of
EPS and most methods with saliency start from: deeplabv1_resnet101-coco.pth of
kazuto1011/deeplab-pytorch, which is read as it is. They come from Caffe: strides in the 1x1
convolutions, pixels as blue, green and red minus their means. At test time the option
crf = "deeplab" of the suite.
Cost: 20,000 iterations of 10 crops of 321 pixels, made for a GPU.
Expected: EPS reports 70.9 val and 70.8 test mIoU (CVPR 2021). Fully supervised the released code
reaches 76.7, and 78.2 with its CRF (jbeomlee93/BBAM, issue 1).
"""
# ruff: noqa: C408 - written like the configurations of mmsegmentation

_base_ = "deeplab_v2_resnet101_voc.py"
model = dict(
    data_preprocessor=dict(mean=[104.008, 116.669, 122.675], std=[1.0, 1.0, 1.0], rgb_to_bgr=True),
    backbone=dict(style="caffe"),
)
