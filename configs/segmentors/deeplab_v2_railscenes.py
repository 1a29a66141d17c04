"""DeepLab V2's head on a slim ResNet18 for RailScenes (images of 128x96).

Head: Chen et al., TPAMI 2018 (ASPP). Its rates are a third of the paper's because the features of
a crop measure only 12x12. All but the head is as in deeplab_v1_railscenes.
"""
# ruff: noqa: C408 - written like the configurations of mmsegmentation

_base_ = "deeplab_v1_railscenes.py"

model = dict(
    decode_head=dict(
        _delete_=True,
        type="SummedASPPHead",
        in_channels=128,
        rates=(2, 4, 6, 8),
        num_classes=0,
    )
)
