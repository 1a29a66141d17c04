"""The saliency loss of EPS against loops over pixels, answers known by hand and golden numbers."""

import math

import numpy as np
import pytest
import torch
from golden_files import close, golden

from wsss_eps.loss import (
    OVERLAP_EPSILON,
    adaptive,
    background_map,
    class_list,
    classification_loss,
    estimated_saliency,
    foreground_map,
    naive,
    overlap,
    resize_saliency,
    saliency_loss,
)


def world(seed=0, images=3, classes=4, height=5, width=6):
    """Sharp maps, so that some exceed one half, with saliency that agrees with some of them."""
    rng = np.random.default_rng(seed)
    logits = torch.from_numpy(rng.normal(0, 3, (images, classes + 1, height, width)))
    saliency = torch.from_numpy(rng.random((images, 1, height, width)))
    present = torch.from_numpy(rng.integers(0, 2, (images, classes)).astype(np.float64))
    return logits, saliency, present


def loop_maps(logits):
    images, channels, height, width = logits.shape
    maps = np.zeros(logits.shape)
    for b, y, x in np.ndindex(images, height, width):
        total = sum(math.exp(logits[b, k, y, x]) for k in range(channels))
        for k in range(channels):
            maps[b, k, y, x] = math.exp(logits[b, k, y, x]) / total
    return maps


def loop_overlap(maps, saliency, b, c):
    both = hard = 0.0
    for y, x in np.ndindex(maps.shape[2:]):
        inside = maps[b, c, y, x] > 0.5
        hard += inside + OVERLAP_EPSILON
        both += inside and saliency[b, 0, y, x] > 0.5
    return both / hard


def loop_loss(logits, saliency, present, tau, lam):
    maps = loop_maps(logits)
    images, channels, height, width = maps.shape
    total = 0.0
    for b, y, x in np.ndindex(images, height, width):
        foreground, background = 0.0, maps[b, -1, y, x]
        for c in range(channels - 1):
            if present[b, c] and loop_overlap(maps, saliency, b, c) > tau:
                foreground += maps[b, c, y, x]
            elif present[b, c]:
                background += maps[b, c, y, x]
        estimate = lam * foreground + (1 - lam) * (1 - background)
        total += (saliency[b, 0, y, x] - estimate) ** 2
    return total / (images * height * width)


@pytest.mark.parametrize(("tau", "lam"), [(0.4, 0.5), (0.0, 0.9), (0.6, 1.0), (0.5, 0.0)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_loss_agrees_with_a_loop_over_pixels(seed, tau, lam):
    logits, saliency, present = world(seed)
    loss = saliency_loss(logits, saliency, present, adaptive(tau), lam)
    expected = loop_loss(logits.numpy(), saliency.numpy(), present.numpy(), tau, lam)
    assert float(loss) == pytest.approx(expected, abs=1e-12)


def test_overlap_agrees_with_a_loop_over_pixels():
    logits, saliency, _ = world(4)
    maps = loop_maps(logits.numpy())
    actual = overlap(torch.from_numpy(maps)[:, :-1], saliency).numpy()
    for b, c in np.ndindex(actual.shape):
        expected = loop_overlap(maps, saliency.numpy(), b, c)
        assert actual[b, c] == pytest.approx(expected, abs=1e-12)
    assert actual.max() > 0.3


def test_classification_loss_leaves_the_background_out():
    logits, _, present = world(5)
    pooled = logits.mean((2, 3))
    total = 0.0
    for b, c in np.ndindex(tuple(present.shape)):
        chance = 1 / (1 + math.exp(-float(pooled[b, c])))
        total -= math.log(chance if present[b, c] else 1 - chance)
    assert float(classification_loss(pooled, present)) == pytest.approx(
        total / present.numel(), abs=1e-12
    )


def test_an_overlap_of_n_pixels_is_n_over_n_and_the_epsilon_of_every_pixel():
    maps, saliency = torch.zeros(1, 1, 4, 5), torch.zeros(1, 1, 4, 5)
    maps[..., :3], saliency[..., :3] = 0.9, 0.8  # 12 pixels out of 20
    assert overlap(maps, saliency).item() == pytest.approx(12 / (12 + OVERLAP_EPSILON * 20))


def test_exactly_one_half_counts_as_zero():
    half, ones = torch.full((1, 1, 2, 2), 0.5), torch.ones(1, 1, 2, 2)
    assert overlap(half, ones).item() == 0
    assert overlap(ones, half).item() == 0
    assert overlap(ones, ones).item() > 0.99


def test_a_class_without_pixels_goes_to_the_background():
    maps = torch.tensor([0.3, 0.7]).view(1, 2, 1, 1).expand(1, 2, 3, 3)
    present, saliency = torch.ones(1, 1), torch.ones(1, 1, 3, 3)
    foreground = adaptive(0.0)(maps[:, :-1], saliency)
    assert not foreground.any()
    assert torch.equal(foreground_map(maps, present, foreground), torch.zeros(1, 1, 3, 3))
    assert torch.allclose(background_map(maps, present, foreground), torch.ones(1, 1, 3, 3))


def test_without_salient_pixels_every_class_goes_to_the_background():
    logits, saliency, present = world(7)
    saliency = torch.zeros_like(saliency)
    maps = torch.softmax(logits, dim=1)
    foreground = adaptive(0.0)(maps[:, :-1], saliency)
    assert not foreground.any()
    loss = saliency_loss(logits, saliency, present, adaptive(0.0), 1.0)
    assert float(loss) == 0  # the foreground map is empty, as the saliency is


def test_the_naive_strategy_and_the_class_list():
    maps, saliency = torch.rand(2, 3, 4, 4), torch.rand(2, 1, 4, 4)
    assert naive(maps, saliency).tolist() == [[True] * 3] * 2
    assert class_list((2,))(maps, saliency).tolist() == [[True, False, True]] * 2
    assert class_list(())(maps, saliency).all()


def test_absent_classes_are_in_neither_map():
    logits, saliency, present = world(6)
    maps = logits.softmax(1)
    foreground = adaptive(0.4)(maps[:, :-1], saliency)
    both = foreground_map(maps, present, foreground) + background_map(maps, present, foreground)
    absent = (maps[:, :-1] * (1 - present)[:, :, None, None]).sum(1, keepdim=True)
    assert torch.allclose(both + absent, torch.ones_like(both))


@pytest.mark.parametrize("lam", [0.0, 0.3, 1.0])
def test_the_estimate_is_a_saliency_map(lam):
    logits, saliency, present = world(7)
    maps = logits.softmax(1)
    estimate = estimated_saliency(maps, present, adaptive(0.4)(maps[:, :-1], saliency), lam)
    assert estimate.shape == saliency.shape
    assert estimate.min() >= 0
    assert estimate.max() <= 1


def test_lambda_one_uses_the_foreground_alone():
    logits, saliency, present = world(8)
    maps = logits.softmax(1)
    foreground = adaptive(0.2)(maps[:, :-1], saliency)
    estimate = estimated_saliency(maps, present, foreground, 1.0)
    assert torch.equal(estimate, foreground_map(maps, present, foreground))


@pytest.mark.parametrize(("lam", "moves"), [(0.5, True), (1.0, False)])
def test_the_background_channel_is_trained_only_below_lambda_one(lam, moves):
    logits, saliency, present = world(9)
    maps = logits.softmax(1).requires_grad_()
    estimate = estimated_saliency(maps, present, naive(maps[:, :-1], saliency), lam)
    estimate.square().mean().backward()
    assert bool(maps.grad[:, -1].abs().sum() > 0) is moves


def test_no_gradient_flows_through_the_overlap():
    logits, saliency, present = world(10)
    logits.requires_grad_()
    maps = logits.softmax(1)
    assert not overlap(maps[:, :-1], saliency).requires_grad
    assert saliency_loss(logits, saliency, present, adaptive(0.4), 0.5).requires_grad


def tensors(*names):
    return [torch.from_numpy(golden("eps_loss.npz")[name]) for name in names]


def golden_cases():
    return range(len(golden("eps_loss.npz")["case_tau"]))


@pytest.mark.golden
def test_golden_resize_and_overlap():
    logits, saliency = tensors("cam", "saliency")
    small = resize_saliency(saliency, tuple(logits.shape[2:]))
    assert close(small, golden("eps_loss.npz")["saliency_small"], 1e-6)
    ratio = overlap(logits.softmax(1)[:, :-1], small)
    assert close(ratio, golden("eps_loss.npz")["overlap_ratio"], 1e-5)


@pytest.mark.golden
def test_golden_maps_loss_and_gradient():
    for i in golden_cases():
        expected = {name: golden("eps_loss.npz")[f"case{i}_{name}"] for name in CASE}
        for name, value in case(i).items():
            assert close(value, expected[name], 1e-4 if name == "grad_cam" else 1e-5), (i, name)


CASE = ("loss", "fg_map", "bg_map", "sal_pred", "grad_cam")


def case(i):
    """All numbers of one golden case; its background map is 1 - M_bg of the paper."""
    logits, saliency, present, taus, lams = tensors(
        "cam", "saliency", "label", "case_tau", "case_lam"
    )
    logits = logits.clone().requires_grad_()
    maps, small = logits.softmax(1), resize_saliency(saliency, tuple(logits.shape[2:]))
    foreground = adaptive(taus[i])(maps[:, :-1], small)
    loss = saliency_loss(logits, saliency, present, adaptive(taus[i]), lams[i])
    (gradient,) = torch.autograd.grad(loss, logits, retain_graph=True)
    return {
        "loss": loss.detach(),
        "fg_map": foreground_map(maps, present, foreground).detach(),
        "bg_map": 1 - background_map(maps, present, foreground).detach(),
        "sal_pred": estimated_saliency(maps, present, foreground, lams[i]).detach(),
        "grad_cam": gradient,
    }


def training_case():
    """tau and lambda of the golden training step: those of the case with the same loss."""
    file = golden("eps_loss.npz")
    losses = [file[f"case{i}_loss"] for i in golden_cases()]
    i = int(np.argmin(np.abs(np.array(losses) - file["train_loss_sal"])))
    return tensors("case_tau")[0][i], tensors("case_lam")[0][i]


@pytest.mark.golden
def test_golden_training_step():
    logits, saliency, present = tensors("cam", "saliency", "label")
    tau, lam = training_case()
    logits = logits.clone().requires_grad_()
    pooled = logits.mean((2, 3))
    classes = classification_loss(pooled, present)
    pixels = saliency_loss(logits, saliency, present, adaptive(tau), lam)
    (classes + pixels).backward()
    expected = golden("eps_loss.npz")
    assert close(pooled.detach(), expected["pooled"], 1e-5)
    assert close(classes.detach(), expected["train_loss_cls"], 1e-5)
    assert close(pixels.detach(), expected["train_loss_sal"], 1e-5)
    assert close((classes + pixels).detach(), expected["train_loss"], 1e-5)
    assert close(logits.grad, expected["train_grad_cam"], 1e-4)
