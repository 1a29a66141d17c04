"""The DeepLab networks that mmsegmentation builds from our heads, against the official ones."""

import pytest
import torch
from golden_files import close, fill, fill_state, golden
from mmengine.structures import PixelData
from torch import nn
from torch.nn.functional import conv2d, interpolate

from wsss_harness.contract.errors import ConfigError
from wsss_harness.networks.mmseg_imports import MODELS, SegDataSample, initialise
from wsss_harness.networks.segmentors import fitting, networks

DEEPLAB = "deeplab.npz"


def image(name, size):
    return fill(name, -2, 2, (1, 3, *(int(n) for n in size)))


def feature(name, channels, grid):
    return fill(name, -1, 1, (1, channels, *(int(n) for n in grid))).relu()


def filled(module, gain, names):
    """Fill a module whose tensors, in order, have these official names."""
    own = list(module.state_dict())
    shorter = [name for name in own if not name.startswith("conv_seg")]
    rename = dict(zip(shorter + [n for n in own if n not in shorter], names, strict=True))
    return fill_state(module, gain, lambda name: str(rename[name]))


def official(array):
    return [str(name) for name in golden(DEEPLAB)[array]]


@pytest.fixture(scope="module")
def aspp():
    rates = tuple(int(rate) for rate in golden(DEEPLAB)["aspp_rates"])
    return MODELS.build(
        {"type": "SummedASPPHead", "in_channels": 2048, "num_classes": 21, "rates": rates}
    )


@pytest.mark.golden
@torch.no_grad()
def test_summed_aspp_is_official(aspp):
    arrays = golden(DEEPLAB)
    filled(aspp, 1, official("aspp_names"))
    out = aspp((feature("aspp.in", 2048, arrays["aspp_grid"]),))
    assert close(out, arrays["aspp_out"], 1e-4)


@pytest.mark.golden
@torch.no_grad()
def test_deeplab_v2_is_official(aspp):
    arrays, names = golden(DEEPLAB), official("deeplabv2_names")
    backbone = MODELS.build(
        {
            "type": "CeilResNet",
            "depth": 101,
            "style": "caffe",
            "strides": (1, 2, 1, 1),
            "dilations": (1, 1, 2, 4),
        }
    )
    own = list(backbone.state_dict())
    ours = {n: caffe_name(n) for n in own}
    assert sorted(ours.values()) == sorted(names[: len(own)])
    fill_state(backbone, 1, ours.get)
    filled(aspp, 1, names[len(own) :])
    features = backbone(image("deeplab.image", arrays["deeplabv2_image_size"]))
    assert close(features[-1][:, ::64], arrays["deeplabv2_layer5_every64"], 1e-4)
    assert close(aspp(features), arrays["deeplabv2_logits"], 1e-4)


def caffe_name(name):
    """mmseg's layer2.0.conv1.weight is layer3.block1.reduce.conv.weight in the official network."""
    parts = name.split(".")
    if len(parts) == 2:  # the stem
        return f"layer1.conv1.{'conv' if parts[0] == 'conv1' else 'bn'}.{parts[1]}"
    stage, block = int(parts[0].removeprefix("layer")) + 1, int(parts[1]) + 1
    if parts[2] == "downsample":
        unit, kind = "shortcut", ("conv", "bn")[int(parts[3])]
    else:
        unit = ("reduce", "conv3x3", "increase")[int(parts[2][-1]) - 1]
        kind = parts[2][:-1]
    return f"layer{stage}.block{block}.{unit}.{kind}.{parts[-1]}"


@pytest.mark.golden
@torch.no_grad()
def test_a_classifier_on_vgg16_is_official():
    arrays, names = golden(DEEPLAB), official("vgg_names")
    options = {"pools": (3,) * 5, "average": True, "fc_dilation": 12}
    backbone = MODELS.build({"type": "NamedBackbone", "name": "vgg16", **options})
    own = list(backbone.state_dict())
    rename = dict(zip(own, names, strict=False))
    fill_state(backbone, 1.4, rename.get)
    head = MODELS.build({"type": "ClassifierHead", "in_channels": 1024, "num_classes": 21})
    filled(head, 1.4, names[len(own) :])
    logits = head(backbone(image("vgg.image", arrays["vgg_image_size"])))
    assert close(logits, arrays["vgg_logits"], 1e-4)


def large_fov(in_channels, channels, **options):
    sizes = {"in_channels": in_channels, "channels": channels, "num_classes": 21}
    return {"type": "LargeFOVHead", "dropout_ratio": 0.5, **sizes, **options}


@pytest.mark.golden
@torch.no_grad()
def test_large_fov_of_seam_is_official():
    arrays = golden(DEEPLAB)
    head = filled(
        MODELS.build(large_fov(4096, 512, norm_cfg={"type": "BN"})), 1.4, official("fov_names")
    )
    logits = head((feature("fov.in", 4096, arrays["fov_grid"]),))
    assert close(logits, arrays["fov_logits"], 1e-4)
    size = tuple(int(n) for n in arrays["fov_image_size"])
    up = interpolate(logits, size, mode="bilinear", align_corners=True)
    assert close(up[..., ::8, ::8], arrays["fov_logits_up_every8"], 1e-4)


@pytest.mark.golden
def test_greatest_over_scales_is_official():
    arrays = {name: torch.from_numpy(a) for name, a in golden(DEEPLAB).items() if "msc" in name}

    def network(images):
        return conv2d(images, arrays["msc_w"], arrays["msc_b"], stride=4, padding=2)

    logits = networks.multi_scale(network, arrays["msc_in"], (0.5, 0.75))
    for index, actual in enumerate(logits):
        assert close(actual, arrays[f"msc_train_out{index}"], 1e-4)
    assert close(logits[-1], arrays["msc_eval_out"], 1e-4)


def test_summed_aspp_is_a_sum_of_dilated_convolutions():
    head = MODELS.build(
        {"type": "SummedASPPHead", "in_channels": 3, "num_classes": 4, "rates": (1, 2)}
    )
    x = torch.randn(2, 3, 9, 7)
    expected = sum(
        conv2d(x, branch.weight, branch.bias, padding=rate, dilation=rate)
        for branch, rate in zip(head.branches, (1, 2), strict=True)
    )
    torch.testing.assert_close(head((x,)), expected)
    assert not any(name.startswith("conv_seg") for name, _ in head.named_parameters())


def test_a_branch_with_hidden_channels_is_fc6_fc7_and_a_classifier():
    sizes = {"in_channels": 3, "num_classes": 4, "rates": (1, 2), "hidden": 5}
    head = MODELS.build({"type": "SummedASPPHead", "dropout_ratio": 0.5, **sizes}).eval()
    x, expected = torch.randn(2, 3, 9, 7), torch.zeros(2, 4, 9, 7)
    for branch, rate in zip(head.branches, (1, 2), strict=True):
        fc6, fc7, classifier = (m for m in branch if isinstance(m, nn.Conv2d))
        hidden = conv2d(x, fc6.weight, fc6.bias, padding=rate, dilation=rate).relu()
        hidden = conv2d(hidden, fc7.weight, fc7.bias).relu()
        expected += conv2d(hidden, classifier.weight, classifier.bias)
    torch.testing.assert_close(head((x,)), expected)
    assert [type(m) for m in head.branches[0] if "Drop" in str(m)] == [nn.Dropout2d] * 2


def test_dropout_of_the_heads_acts_in_training_alone():
    head = MODELS.build(large_fov(4, 8, norm_cfg={"type": "BN"}))
    x = torch.randn(2, 4, 6, 6)
    assert not torch.equal(head((x,)), head((x,)))
    head.eval()
    assert torch.equal(head((x,)), head((x,)))
    assert sum(isinstance(m, nn.Dropout2d) for m in head.modules()) == 1
    bare = MODELS.build(large_fov(4, 8))
    assert sum(isinstance(m, nn.Dropout2d) for m in bare.modules()) == 2


@pytest.mark.parametrize("kind", ["channels", "elements"])
def test_dropout_takes_whole_channels_or_single_elements(kind):
    torch.manual_seed(0)
    head = MODELS.build(large_fov(4, 8, norm_cfg={"type": "BN"}, dropout=kind))
    shares = (head.dropout(torch.ones(1, 8, 12, 12)) == 0).float().mean((0, 2, 3))
    whole = set(shares.tolist()) == {0.0, 1.0}
    assert whole == (kind == "channels")
    assert 0 < shares.mean() < 1


def test_the_classifier_begins_normal_or_as_released():
    def classifier(kind):
        torch.manual_seed(0)
        head = MODELS.build(large_fov(4, 400, classifier=kind))
        initialise(head)
        return head.conv_seg

    normal, kaiming = classifier("normal"), classifier("kaiming")
    assert normal.weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert not normal.bias.any()
    assert kaiming.weight.std().item() == pytest.approx((2 / 21) ** 0.5, rel=0.05)  # 21 outputs
    assert kaiming.bias.any()
    assert kaiming.bias.abs().max() <= 400**-0.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dropout": "pixels"}, "dropout of a DeepLab head is 'pixels'; choose one of channels"),
        ({"classifier": "he"}, "classifier of a DeepLab head is 'he'; choose one of normal"),
    ],
)
def test_unknown_options_of_a_head_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        MODELS.build(large_fov(4, 8, **options))


@pytest.mark.parametrize("momentum", [0.1, 3e-4])
def test_statistics_of_a_named_backbone_learn_with_its_momentum(momentum):
    options = {"name": "resnet38", "width": 0.0625, "frozen": "none", "norm_momentum": momentum}
    backbone = MODELS.build({"type": "NamedBackbone", **options}).train()
    norms = [m for m in backbone.modules() if isinstance(m, nn.BatchNorm2d)]
    assert {norm.momentum for norm in norms} == {momentum}
    first, seen = norms[0], []
    first.register_forward_hook(lambda module, inputs, result: seen.append(inputs[0]))
    backbone(torch.randn(2, 3, 32, 32))
    torch.testing.assert_close(first.running_mean, momentum * seen[0].mean((0, 2, 3)))


@pytest.fixture(scope="module")
def multi_scale_network():
    """DeepLab V2 over three scales, on a tiny backbone."""
    model = {
        "type": "MultiScaleEncoderDecoder",
        "backbone": {
            "type": "mmseg.ResNetV1c",
            "depth": 18,
            "base_channels": 4,
            "stem_channels": 4,
        },
        "decode_head": {
            "type": "SummedASPPHead",
            "in_channels": 32,
            "num_classes": 3,
            "rates": (1, 2),
        },
        "test_cfg": {"mode": "whole"},
    }
    torch.manual_seed(0)
    return fitting.build(model, 0).eval()


def test_losses_of_all_scales_and_of_their_greatest_are_summed(multi_scale_network):
    images = torch.randn(2, 3, 64, 96)
    masks = torch.randint(0, 3, (2, 1, 64, 96))
    masks[:, :, :9] = 255
    samples = [SegDataSample(gt_sem_seg=PixelData(data=mask)) for mask in masks]
    losses = multi_scale_network.loss(images, samples)
    assert list(losses) == ["loss_full", "loss_0.5", "loss_0.75", "loss_max"]

    def logits(scale):
        copy = interpolate(images, scale_factor=scale, mode="bilinear", align_corners=False)
        return multi_scale_network.decode_head(multi_scale_network.extract_feat(copy))

    for name, scale in (("loss_full", 1.0), ("loss_0.5", 0.5), ("loss_0.75", 0.75)):
        expected = naive_cross_entropy(logits(scale), masks[:, 0])
        assert losses[name].item() == pytest.approx(expected, rel=1e-5)
    actual = multi_scale_network.encode_decode(images, [{"img_shape": (64, 96)}])
    greatest = logits(1.0)
    for scale in (0.5, 0.75):
        size = greatest.shape[2:]
        other = interpolate(logits(scale), size, mode="bilinear", align_corners=False)
        greatest = torch.where(other > greatest, other, greatest)
    assert losses["loss_max"].item() == pytest.approx(
        naive_cross_entropy(greatest, masks[:, 0]), rel=1e-5
    )
    up = interpolate(greatest, (64, 96), mode="bilinear", align_corners=False)
    torch.testing.assert_close(actual, up)


def test_without_scales_an_image_is_seen_once(multi_scale_network, monkeypatch):
    monkeypatch.setattr(multi_scale_network, "scales", ())
    images, masks = torch.randn(1, 3, 64, 64), torch.randint(0, 3, (1, 1, 64, 64))
    losses = multi_scale_network.loss(images, [SegDataSample(gt_sem_seg=PixelData(data=masks[0]))])
    (logits,) = multi_scale_network._all_logits(images)
    assert list(losses) == ["loss_full"]
    expected = naive_cross_entropy(logits, masks[:, 0])
    assert losses["loss_full"].item() == pytest.approx(expected, rel=1e-5)


def naive_cross_entropy(logits, masks):
    """Over pixels of the logits whose nearest pixel of the mask is not 255, in float64."""
    height, width = logits.shape[2:]
    total, count = 0.0, 0
    for image, mask in zip(logits.double(), masks, strict=True):
        for y in range(height):
            for x in range(width):
                row = int((y + 0.5) * mask.shape[0] / height)
                true = int(mask[row, int((x + 0.5) * mask.shape[1] / width)])
                if true != 255:
                    total -= image[:, y, x].log_softmax(0)[true].item()
                    count += 1
    return total / count
