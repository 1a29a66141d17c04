"""The contrasts of ToCo against the released numbers and naive loops."""

import math

import numpy as np
import pytest
import torch
from golden_files import close, golden

from wsss_toco.contrast import crop_loss, pair_labels, patch_loss
from wsss_toco.labels import IGNORED


def numbers(name):
    return torch.from_numpy(golden("toco.npz")[name])


def by_image(rows, images):
    """Crop-major rows (J * B, D) as (B, J, D)."""
    return rows.reshape(-1, images, rows.shape[1]).transpose(0, 1)


def test_pairs_are_the_released_ones():
    pairs = pair_labels(numbers("ptc_label").long())
    assert torch.equal(pairs, numbers("ptc_affinity").long())


@pytest.mark.parametrize(
    ("name", "ignored"),
    [("", ()), ("_ignore_all", (0, 1)), ("_no_negative", (0,)), ("_no_positive", (1,))],
)
def test_patch_loss_is_the_released_one(name, ignored):
    features = numbers("ptc_fmap").requires_grad_()
    pairs = pair_labels(numbers("ptc_label").long())
    for label in ignored:
        pairs[pairs == label] = IGNORED
    loss = patch_loss(features, pairs)
    assert close(loss.detach(), numbers(f"ptc_loss{name}"), 1e-5)
    (gradient,) = torch.autograd.grad(loss, features)
    expected = numbers(f"ptc_grad{name}")
    assert close(gradient, expected, 1e-4) if expected.any() else not gradient.any()


@pytest.mark.parametrize(
    ("name", "temperature", "negative"),
    [("", 0.5, False), ("_temp1", 1.0, False), ("_all_negative_but_global", 0.5, True)],
)
def test_crop_loss_is_the_released_one(name, temperature, negative):
    flags = numbers("ctc_flags")
    positive = torch.zeros_like(flags) if negative else flags.clone()
    positive[:, :2] = 1
    student = numbers("ctc_student").requires_grad_()
    images = len(flags)
    loss = crop_loss(
        by_image(student, images), by_image(numbers("ctc_teacher"), images), positive, temperature
    )
    assert close(loss.detach(), numbers(f"ctc_loss{name}"), 1e-5)
    (gradient,) = torch.autograd.grad(loss, student)
    assert close(gradient, numbers(f"ctc_grad{name}"), 1e-4)


def test_patch_loss_equals_a_naive_loop():
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(2, 3, 2, 3)), rng.choice([0, 1, IGNORED], (2, 6))
    sums, counts = {0: 0.0, 1: 0.0}, {0: 1, 1: 1}
    for tokens, marks in zip(features.reshape(2, 3, 6), labels, strict=True):
        unit = tokens / np.linalg.norm(tokens, axis=0)
        for i in range(6):
            for j in range(6):
                if i != j and IGNORED not in (marks[i], marks[j]):
                    same = int(marks[i] == marks[j])
                    sums[same] += abs(unit[:, i] @ unit[:, j])
                    counts[same] += 1
    expected = 0.5 * (1 - sums[1] / counts[1]) + 0.5 * sums[0] / counts[0]
    pairs = pair_labels(torch.from_numpy(labels).reshape(2, 2, 3))
    assert float(patch_loss(torch.from_numpy(features), pairs)) == pytest.approx(
        expected, abs=1e-12
    )


@pytest.mark.parametrize("extra", [True, False])
def test_crop_loss_equals_a_naive_loop(extra):
    rng = np.random.default_rng(1)
    student, teacher = rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 2, 3))
    positive = np.array([[1.0, 1, 0, 1], [1, 1, 0, 0]])
    total = 0.0
    for crops, views, flags in zip(student, teacher, positive, strict=True):
        terms = 0.0
        for view in views:
            similar = [math.exp(view @ crop / 0.5) for crop in crops]
            negatives = sum(s for s, flag in zip(similar, flags, strict=True) if not flag)
            for s, flag in zip(similar, flags, strict=True):
                terms -= math.log(s / (s + negatives + 1e-4)) if flag else 0
            terms -= math.log(1 / (1 + negatives + 1e-4)) if extra else 0
        total += terms / 2 / (flags.sum() + 1e-4) / 2
    tensors = map(torch.from_numpy, (student, teacher, positive))
    assert float(crop_loss(*tensors, extra=extra)) == pytest.approx(total, abs=1e-12)
