"""Copies of an image are enlarged, averaged and rescaled as the released tests do."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from wsss_harness.networks.segmentors import MmsegSegmentor, fitting, inference
from wsss_harness.system import files


class Linear:
    """A network of one linear layer at half the resolution, which notes what it sees."""

    def __init__(self, align_corners):
        self.align_corners, self.seen = align_corners, []
        self.weight = torch.randn(3, 3, generator=torch.Generator().manual_seed(0)).double()

    def encode_decode(self, view, metas):
        self.seen.append(view)
        size = metas[0]["img_shape"]
        assert size == tuple(view.shape[2:])
        maps = torch.einsum("kc,bchw->bkhw", self.weight, view[..., ::2, ::2])
        return interpolate(maps, size, mode="bilinear", align_corners=self.align_corners)


def naive_resize(values, size, align_corners):
    """Bilinear resizing of (C, H, W) in float64, pixel by pixel."""
    resized = np.zeros((len(values), *size))
    for row in range(size[0]):
        for column in range(size[1]):
            top, bottom, v = neighbours(row, size[0], values.shape[1], align_corners)
            left, right, h = neighbours(column, size[1], values.shape[2], align_corners)
            upper = (1 - h) * values[:, top, left] + h * values[:, top, right]
            lower = (1 - h) * values[:, bottom, left] + h * values[:, bottom, right]
            resized[:, row, column] = (1 - v) * upper + v * lower
    return resized


def neighbours(place, new, old, align_corners):
    if align_corners:
        source = place * (old - 1) / max(new - 1, 1)
    else:
        source = max((place + 0.5) * old / new - 0.5, 0)
    low = min(int(source + 1e-9), old - 1)
    return low, min(low + 1, old - 1), source - low


def naive_softmax(logits):
    powers = np.exp(logits - logits.max(0))
    return powers / powers.sum(0)


@pytest.mark.parametrize("average", ["logits", "probabilities"])
@pytest.mark.parametrize("align_corners", [False, True])
def test_copies_are_enlarged_and_averaged_as_chosen(average, align_corners):
    options = MmsegSegmentor(scales=(0.5, 1.0, 1.5), flip=True, average=average)
    network, image = Linear(align_corners), torch.rand(1, 3, 8, 10).double()
    logits = list(inference._logits(network, image, options, cubic=False))
    copies, values = [], image[0].numpy()
    for scale in options.scales:
        size = (int(8 * scale), int(10 * scale))
        for step in (1, -1):
            copy = naive_resize(values, size, False)[..., ::step]
            maps = np.tensordot(network.weight.numpy(), copy[:, ::2, ::2], 1)
            maps = naive_resize(naive_resize(maps, size, align_corners), (8, 10), align_corners)
            copies.append(maps[..., ::step])
    np.testing.assert_allclose(torch.stack(logits).numpy(), copies, atol=1e-12)
    if average == "logits":
        expected = naive_softmax(np.mean(copies, 0))
    else:
        expected = np.mean([naive_softmax(copy) for copy in copies], 0)
    np.testing.assert_allclose(inference.averaged(logits, average).numpy(), expected, atol=1e-12)


def test_one_copy_has_the_same_probabilities_either_way():
    logits = [torch.randn(4, 5, 6).double()]
    first, second = (inference.averaged(logits, how) for how in ("logits", "probabilities"))
    torch.testing.assert_close(first, second)


@pytest.mark.parametrize(("cubic", "how"), [(False, cv2.INTER_LINEAR), (True, cv2.INTER_CUBIC)])
def test_images_are_rescaled_by_linear_or_cubic_interpolation(cubic, how):
    image, network = torch.rand(1, 3, 12, 16).double(), Linear(True)
    list(inference._logits(network, image, MmsegSegmentor(scales=(1.5,)), cubic))
    pixels = image[0].permute(1, 2, 0).numpy()
    expected = cv2.resize(pixels, (24, 18), interpolation=how)
    actual = network.seen[0][0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(actual, expected, atol=1e-6)


@pytest.mark.parametrize("cubic", [False, True])
def test_a_network_is_tested_with_the_interpolation_of_its_training(cubic, tmp_path, monkeypatch):
    config = MmsegSegmentor("deeplab_v1_railscenes").configuration(2)
    config.train.cubic = cubic
    assert fitting.augmentation(config).cubic is cubic
    files.write_json(tmp_path / fitting.CONFIG, config.to_dict())
    torch.save(fitting.build(config.model, 0).state_dict(), tmp_path / fitting.WEIGHTS)
    calls = []
    monkeypatch.setattr(inference, "segment", lambda *arguments: calls.append(arguments[2:]))
    segmentor = replace(MmsegSegmentor(), flip=True)

    class Sample:
        image = None

    segmentor.load(tmp_path, "cpu")(Sample)
    assert calls == [(segmentor, cubic)]
