"""DeepLab V2's head on a slim ResNet18 for RailScenes (images of 128x96).

Head: Chen et al., TPAMI 2018 (ASPP, rates 6, 12, 18 and 24); it learns at the rate of the backbone.
All else is as in deeplab_v1_railscenes.
Cost: about a minute of one CPU core (0.18 s an iteration).
"""
# ruff: noqa: C408 - written like the configurations of mmsegmentation

_base_ = "deeplab_v1_railscenes.py"

model = dict(
    decode_head=dict(
        _delete_=True, type="SummedASPPHead", in_channels=128, rates=(6, 12, 18, 24), num_classes=0
    )
)
