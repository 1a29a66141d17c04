"""The loss of SC-CAM and the scores from maps of sub-classes: loops, hand-made cases, golden."""

import math

import numpy as np
import pytest
import torch
from golden_files import close, fill, golden, uniform

from wsss_harness.contract.types import Sample
from wsss_harness.networks import backbones
from wsss_harness.networks.classmaps.inference import merge
from wsss_sccam.network import SubClassInference, SubClassMaps
from wsss_sccam.sub_classes import EPSILON, binarised, joint_maximum, losses, merged


def loop_loss(logits, labels):
    total = 0.0
    for x, y in zip(logits.ravel(), labels.ravel(), strict=True):
        p = 1 / (1 + math.exp(-x))
        total -= y * math.log(p) + (1 - y) * math.log(1 - p)
    return total / logits.size


@pytest.mark.parametrize("seed", [0, 1])
def test_losses_agree_with_a_loop(seed):
    rng = np.random.default_rng(seed)
    logits, sub_logits = rng.normal(0, 2, (3, 4)), rng.normal(0, 2, (3, 8))
    labels, sub_present = rng.integers(0, 2, (3, 4)), rng.integers(0, 2, (3, 8))
    tensors = (torch.from_numpy(a.astype(float)) for a in (logits, sub_logits, labels, sub_present))
    terms = losses(*tensors, 5.0)
    assert float(terms["loss_cls"]) == pytest.approx(loop_loss(logits, labels), abs=1e-12)
    assert float(terms["loss_sub"]) == pytest.approx(
        5 * loop_loss(sub_logits, sub_present), abs=1e-12
    )


def test_maps_of_a_class_share_one_maximum():
    rng = np.random.default_rng(3)
    total = rng.random((6, 4, 5))
    actual = joint_maximum(torch.from_numpy(total), 3).numpy()
    for row in range(6):
        first = row - row % 3
        largest = max(total[first + k].max() for k in range(3))
        for y, x in np.ndindex(4, 5):
            assert actual[row, y, x] == pytest.approx(
                total[row, y, x] / (largest + EPSILON), abs=1e-12
            )


def test_the_largest_sub_class_stands_for_its_class():
    maps = torch.tensor([[[0.1, 0.9]], [[0.4, 0.2]], [[0.0, 0.3]], [[0.7, 0.1]]])
    assert torch.equal(merged(maps, 2), torch.tensor([[[0.4, 0.9]], [[0.7, 0.3]]]))


def test_binarised_scores_are_one_strictly_above_the_threshold():
    scores = torch.tensor([0.1, 0.25, 0.5])
    assert binarised(scores, 0.25).tolist() == [0, 0, 1]


@pytest.mark.golden
@pytest.mark.parametrize("case", [0, 1])
def test_golden_losses_and_gradients(case):
    file = {k.removeprefix(f"loss{case}_"): v for k, v in golden("sccam2.npz").items()}
    logits, sub_logits = (
        torch.from_numpy(file[name]).requires_grad_() for name in ("logits20", "logits200")
    )
    labels, sub_present = (torch.from_numpy(file[name]) for name in ("label20", "label200"))
    weight = float(file["weight"])
    terms = losses(logits, sub_logits, labels, sub_present, weight)
    total = sum(terms.values())
    total.backward()
    values = [terms["loss_cls"].item(), terms["loss_sub"].item() / weight, total.item()]
    assert close(values, file["values"], 1e-6)
    assert close(logits.grad, file["grad20"], 1e-5)
    assert close(sub_logits.grad, file["grad200"], 1e-5)


def official_heads(clusters):
    network = SubClassMaps(backbones.build("resnet38"), 20, clusters, 0.5).eval()
    bound = 2 * math.sqrt(3 / 4096)
    for name, head in (("fc8_20.weight", network.head), ("fc8_200.weight", network.sub_head)):
        head.weight.data = fill(name, -bound, bound, head.weight.shape)
    return network


@pytest.mark.golden
def test_golden_heads():
    file = golden("sccam2.npz")
    network = official_heads(int(file["head_k"]))
    conv6 = fill("sccam.conv6", -1, 1, (2, 4096, *file["head_grid"].tolist())).relu()
    network.backbone.forward = lambda images: {"out": conv6}
    with torch.no_grad():
        maps, logits = network(conv6)
    assert close(conv6.flatten()[:12], file["head_conv6_check"], 1e-6)
    assert close(network.head.weight.flatten()[:8].detach(), file["head_w20_check"], 1e-6)
    assert close(conv6.mean((2, 3))[:, ::16], file["head_feature_every16"], 1e-4)
    assert close(logits[:, :20], file["head_logits20"], 1e-4)
    assert close(logits[:, 20:], file["head_logits200"], 1e-4)
    assert close(logits[:, :20].sigmoid(), file["head_sigmoid20"], 1e-4)
    assert close(maps[:, :20].relu(), file["head_cam20"], 1e-4)
    assert close(maps[:, 20:].relu()[:, ::4], file["head_cam200_every4"], 1e-4)


def shapes(file):
    return [tuple(shape[shape > 0].tolist()) for shape in file]


@pytest.mark.golden
def test_golden_shapes_of_heads():
    file = golden("sccam.npz")
    clusters = int(file["round1_fc_shapes"][1][0]) // 20
    network = SubClassMaps(backbones.build("resnet38"), 20, clusters, 0.5)
    heads = [tuple(head.weight.shape) for head in (network.head, network.sub_head)]
    assert file["round1_fc_names"].tolist() == ["fc8_20.weight", "fc8_200.weight"]
    assert shapes(file["round1_fc_shapes"]) == heads
    assert shapes(file["round0_fc_shapes"]) == heads[:1]
    assert file["round0_fc_names"].tolist() == ["fc8.weight"]


def window(height, width):
    y, x = (np.sin(np.pi * (np.arange(n) + 0.5) / n) for n in (height, width))
    return torch.from_numpy(np.float32((y[:, None] * x) ** 3))


def official_maps(file, picture, head, channels):
    """The maps of a head for the inputs of a picture: four scales, each plain and mirrored."""
    gain = torch.from_numpy(np.float32(1 + 3 * uniform(f"sccam.gain{head}", channels)))
    maps = []
    for image, number, *_, height, width in file["infer_calls"].tolist():
        if image == picture:
            name = f"sccam.img{picture}.in{number}.cam{head}"
            values = fill(name, -0.6, 1, (1, channels, height, width)).relu()
            maps.append(values * gain[:, None, None] * window(height, width))
    return maps


def without_zeroed(file, picture, maps, sub_maps):
    """Take out the class and the sub-class without any evidence."""
    clusters = int(file["infer_k"])
    image, number = file["infer_zeroed_image_class"].tolist()
    for plain, sub in zip(maps, sub_maps, strict=True):
        sub[:, file["infer_zeroed_subclass"][picture]] = 0
        if image == picture:
            plain[:, number] = 0
            sub[:, number * clusters : (number + 1) * clusters] = 0
    return maps, sub_maps


class Heads:
    """What an Inference asks of the network of the released heads."""

    class head:
        out_channels = 20


@pytest.mark.golden
@pytest.mark.parametrize("picture", [0, 1])
@pytest.mark.parametrize("head", ["20", "200"])
def test_golden_inference(picture, head):
    file = golden("sccam2.npz")
    clusters, size = int(file["infer_k"]), file[f"infer{picture}_size"].tolist()
    maps, sub_maps = without_zeroed(
        file,
        picture,
        official_maps(file, picture, 20, 20),
        official_maps(file, picture, 200, 20 * clusters),
    )
    both = [torch.cat(pair, 1) for pair in zip(maps, sub_maps, strict=True)]
    pairs = [torch.cat(both[first : first + 2]) for first in range(0, len(both), 2)]
    classes = file[f"infer{picture}_classes"]
    present = tuple((classes + 1).tolist())
    blank = {"image": np.zeros((*size, 3), np.uint8), "image_labels": present}
    sample = Sample("picture", blank.__getitem__)

    def scores(**options):
        reader = SubClassInference((1.0,), "relu", **options)
        return reader.merge(pairs, sample, reader.channels(Heads, sample)).values

    if head == "20":
        actual, expected = scores(), file[f"infer{picture}_norm20"]
        sure = np.abs(expected - file["infer_th"]) > 1e-5
        drawn = 255 * scores(binarise=True)
        assert np.array_equal(drawn[sure], file[f"infer{picture}_quirk_saved20"][sure])
    else:
        actual, expected = scores(clusters=clusters), file[f"infer{picture}_merged200"]
    assert close(actual, expected, 1e-5)
    background = np.full((1, *size), file["infer_th"], np.float32)
    label = np.array([0, *present])[np.concatenate([background, actual]).argmax(0)]
    sure = file[f"infer{picture}_margin{head}"] > 1e-4
    assert np.array_equal(label[sure], file[f"infer{picture}_label{head}"][sure])


@pytest.mark.golden
@pytest.mark.parametrize("picture", [0, 1])
def test_golden_joint_normalisation(picture):
    file = golden("sccam2.npz")
    clusters, size = int(file["infer_k"]), file[f"infer{picture}_size"].tolist()
    _, maps = without_zeroed(
        file,
        picture,
        official_maps(file, picture, 20, 20),
        official_maps(file, picture, 200, 20 * clusters),
    )
    columns = [
        number * clusters + place
        for number in file[f"infer{picture}_classes"].tolist()
        for place in range(clusters)
    ]
    pairs = [torch.cat(maps[first : first + 2]) for first in range(0, len(maps), 2)]
    actual = joint_maximum(merge(pairs, columns, size), clusters)
    assert close(actual[:, ::3, ::3], file[f"infer{picture}_norm200_sub3"], 1e-5)
    once = torch.nn.functional.interpolate(pairs[0][:1, columns[:1]], size, mode="bilinear")
    assert close(once[0, 0, ::7, ::7], file[f"infer{picture}_map_first_check"], 1e-5)
