"""Losses of the decoder against the released numbers and naive loops."""

import numpy as np
import pytest
import torch
from golden_files import close, golden

from wsss_toco.labels import IGNORED
from wsss_toco.segmentation import balanced_loss, bilateral, energy_loss

MEAN = torch.tensor([123.675, 116.28, 103.53])
STD = torch.tensor([58.395, 57.12, 57.375])


def numbers(name, file="toco.npz"):
    return torch.from_numpy(golden(file)[name])


@pytest.mark.parametrize("file", ["toco.npz", "seco.npz"])
def test_balanced_loss_is_the_released_one(file):
    logits = numbers("seg_logits", file).requires_grad_()
    loss = balanced_loss(logits, numbers("seg_label", file).long())
    assert close(loss.detach(), numbers("seg_loss", file), 1e-5)
    (gradient,) = torch.autograd.grad(loss, logits)
    assert close(gradient, numbers("seg_grad", file), 1e-4)


@pytest.mark.parametrize("name", ["no_foreground", "all_ignored"])
def test_balanced_loss_without_pixels_is_that_of_seco_where_that_of_toco_is_not_a_number(name):
    labels = numbers("seg_label", "seco.npz").long()
    labels = labels * (labels == IGNORED) if name == "no_foreground" else labels * 0 + IGNORED
    logits = numbers("seg_logits", "seco.npz").requires_grad_()
    loss = balanced_loss(logits, labels)
    expected = numbers(f"seg_loss_{name}", "seco.npz")
    assert abs(float(loss.detach()) - float(expected)) <= 1e-5 * max(1, abs(float(expected)))
    (gradient,) = torch.autograd.grad(loss, logits)
    released = numbers(f"seg_grad_{name}", "seco.npz")
    assert close(gradient, released, 1e-4) if released.any() else not gradient.any()
    assert numbers(f"seg_loss_{name}_nan").isnan()


def box_mask(boxes, size):
    mask = torch.zeros(len(boxes), *size)
    for image, (top, bottom, left, right) in zip(mask, boxes.tolist(), strict=True):
        image[top:bottom, left:right] = 1
    return mask


def test_energy_with_an_exact_kernel_is_the_released_one():
    levels = numbers("ref_image_uint8").float()
    normalised = (levels - MEAN[:, None, None]) / STD[:, None, None]
    levels = normalised * STD[:, None, None] + MEAN[:, None, None]
    small = numbers("energy_logits_small")
    labels = numbers("ref_label").long()
    within = box_mask(numbers("lab_box_y0y1x0x1"), labels.shape[1:])
    large = torch.nn.functional.interpolate(
        small, labels.shape[1:], mode="bilinear", align_corners=False
    ).requires_grad_()
    loss = energy_loss(large, levels, labels, within)
    assert close(loss.detach()[None], numbers("energy_loss_exact_kernel"), 1e-4)
    (gradient,) = torch.autograd.grad(loss, large)
    channels = numbers("energy_channels")
    assert close(gradient[:, channels], numbers("energy_grad_channels_exact_kernel"), 1e-4)


def test_exact_filter_is_the_plain_double_sum():
    image, values = numbers("bilateral_image")[0], numbers("bilateral_in")[0]
    assert close(bilateral(values, image.float()), numbers("bilateral_exact")[0], 1e-4)


def test_released_lattice_gives_about_half_of_the_exact_sum():
    ratio = numbers("bilateral_lattice").sum() / numbers("bilateral_exact").sum()
    assert 0.3 < float(ratio) < 0.7


def test_filter_equals_a_naive_loop():
    rng = np.random.default_rng(0)
    image, values = rng.random((3, 4, 5)) * 255, rng.random((2, 4, 5))
    expected = np.zeros_like(values)
    for y, x in np.ndindex(4, 5):
        for v, u in np.ndindex(4, 5):
            far = ((y - v) ** 2 + (x - u) ** 2) / 50**2
            unlike = ((image[:, y, x] - image[:, v, u]) ** 2).sum() / 15**2
            expected[:, y, x] += values[:, v, u] * np.exp(-(far + unlike) / 2)
    actual = bilateral(torch.from_numpy(values), torch.from_numpy(image))
    assert np.abs(actual.numpy() - expected).max() < 1e-10
