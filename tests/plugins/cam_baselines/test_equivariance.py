"""The losses of SEAM against loops over pixels and golden numbers, and where their gradients go."""

import math

import numpy as np
import pytest
import torch
from golden_files import close, golden

from wsss_cam_baselines.equivariance import (
    classification,
    cross_equivariance,
    equivariance,
    losses,
    losses_with_negatives,
    max_norm,
    min_pooling,
)
from wsss_cam_baselines.seam_network import EPSILON, exclusive, with_background


def loop_max_norm(maps):
    out = np.zeros(maps.shape)
    for b, c in np.ndindex(maps.shape[:2]):
        values = [max(0.0, v) for v in maps[b, c].ravel()]
        low, high = min(values), max(values)
        for p in np.ndindex(maps.shape[2:]):
            above = max(0.0, max(0.0, maps[b, c, *p]) - low - EPSILON)
            out[b, c, *p] = above / (high - low + EPSILON)
    return out


def loop_cross(target, refined, share):
    kept = []
    for b in range(len(target)):
        differences = []
        for c, y, x in np.ndindex(target.shape[1:]):
            wins = c == 0 or target[b, c, y, x] == max(target[b, 1:, y, x])
            wanted = target[b, c, y, x] if wins else 0.0
            differences.append(abs(wanted - refined[b, c, y, x]))
        differences.sort(reverse=True)
        kept += differences[: int(len(differences) * share)]
    return sum(kept) / len(kept)


def loop_min_pooling(maps):
    total, count = 0.0, maps.shape[2] * maps.shape[3] // 4
    for b in range(len(maps)):
        largest = sorted(max(maps[b, :, y, x]) for y, x in np.ndindex(maps.shape[2:]))
        total += sum(max(0.0, value) for value in largest[:count])
    return total / (count * len(maps))


def maps(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def both(*arrays):
    return [torch.from_numpy(array) for array in arrays]


@pytest.mark.parametrize("seed", [0, 1])
def test_each_term_agrees_with_a_loop(seed):
    first, second = np.abs(maps(seed, 2, 4, 5, 6)), np.abs(maps(seed + 9, 2, 4, 5, 6))
    a, b = both(first, second)
    assert np.abs(max_norm(a - 0.4).numpy() - loop_max_norm(first - 0.4)).max() < 1e-12
    expected = sum(abs(x - y) for x, y in zip(first.ravel(), second.ravel(), strict=True))
    assert equivariance(a, b).item() == pytest.approx(expected / first.size, abs=1e-12)
    assert cross_equivariance(a, b).item() == pytest.approx(
        loop_cross(first, second, 0.2), abs=1e-12
    )
    assert min_pooling(a).item() == pytest.approx(loop_min_pooling(first), abs=1e-12)


def test_classification_agrees_with_a_loop():
    cam, present = maps(3, 2, 3, 4, 5), np.array([[1.0, 0, 1], [0, 1, 0]])
    total = 0.0
    for b, c in np.ndindex(2, 3):
        chance = 1 / (1 + math.exp(-sum(cam[b, c].ravel()) / 20))
        total -= math.log(chance if present[b, c] else 1 - chance)
    assert classification(*both(cam, present)).item() == pytest.approx(total / 6, abs=1e-12)


def test_two_views_of_the_same_maps_have_no_loss():
    cam = torch.from_numpy(maps(5, 2, 3, 6, 6))
    present = torch.ones(2, 3, dtype=torch.float64)
    refined = exclusive(with_background(max_norm(cam)))
    actual = losses((cam, refined), (cam, refined), present)
    assert actual["loss_er"] == 0
    assert actual["loss_ecr"].item() == pytest.approx(0, abs=1e-4)  # max_norm is not idempotent


def test_min_pooling_works_on_a_single_pixel():
    assert min_pooling(torch.ones(1, 2, 1, 1)) == 1


@pytest.mark.golden
def test_golden_max_norm():
    file = golden("seam.npz")
    maps_in = torch.from_numpy(file["maxnorm_in"])
    assert close(max_norm(maps_in), file["maxnorm_torch4"], 1e-5)
    assert close(max_norm(maps_in[:1])[0], file["maxnorm_torch3"], 1e-5)


@pytest.mark.golden
def test_golden_min_pooling():
    file = golden("seam.npz")
    assert close(min_pooling(torch.from_numpy(file["minpool_in"])), file["minpool_loss"], 1e-5)


def golden_views():
    """The official maps have a background channel; that of the CAM takes part in nothing."""
    file = golden("seam.npz")
    names = ("train_cam1", "train_cam_rv1", "train_cam2", "train_cam_rv2")
    inputs = [torch.from_numpy(file[name]).requires_grad_() for name in names]
    present = torch.from_numpy(file["train_label"])
    views = (inputs[0][:, 1:], inputs[1]), (inputs[2][:, 1:], inputs[3])
    return names, inputs, losses(*views, present)


@pytest.mark.golden
def test_golden_losses():
    file = golden("seam.npz")
    _, _, actual = golden_views()
    assert close(actual["loss_er"].detach(), file["train_loss_er"], 1e-5)
    assert close(actual["loss_ecr"].detach(), file["train_loss_ecr"], 1e-5)
    expected = (file["train_loss_rvmin1"] + file["train_loss_rvmin2"]) / 2
    assert close(actual["loss_min"].detach(), expected, 1e-5)
    classified = actual["loss_cls"] + actual["loss_min"]
    assert close(classified.detach(), file["train_loss_cls"], 1e-5)
    assert close(sum(actual.values()).detach(), file["train_loss"], 1e-5)


@pytest.mark.golden
def test_golden_gradients():
    file = golden("seam.npz")
    names, inputs, actual = golden_views()
    sum(actual.values()).backward()
    for name, tensor in zip(names, inputs, strict=True):
        official = file[f"train_grad_{name.removeprefix('train_')}"]
        assert close(tensor.grad, official, 1e-4)


@pytest.mark.parametrize(
    ("name", "reaches"),
    [
        ("loss_cls", (True, False)),
        ("loss_er", (True, False)),
        ("loss_ecr", (False, True)),
        ("loss_min", (False, True)),
    ],
)
def test_each_loss_reaches_either_the_maps_or_their_refinement(name, reaches):
    cam, refined = both(maps(0, 2, 3, 6, 6), np.abs(maps(1, 2, 4, 6, 6)))
    smaller = both(maps(2, 2, 3, 3, 3), np.abs(maps(3, 2, 4, 3, 3)))
    inputs = [tensor.requires_grad_() for tensor in (cam, refined, *smaller)]
    present = torch.ones(2, 3, dtype=torch.float64)
    actual = losses((inputs[0], inputs[1]), (inputs[2], inputs[3]), present)[name]
    grads = torch.autograd.grad(actual, inputs, allow_unused=True)
    touched = [grad is not None and bool(grad.abs().sum() > 0) for grad in grads]
    assert touched == [*reaches, *reaches]


def two_views():
    first = both(maps(1, 2, 2, 6, 6), maps(2, 2, 3, 6, 6))
    return first, both(maps(3, 2, 2, 4, 4), maps(4, 2, 3, 4, 4))


def test_negatives_have_the_classification_alone():
    present = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    first, second = two_views()
    terms = losses_with_negatives(first, second, present)
    of_first = [tuple(part[:1] for part in pair) for pair in (first, second)]
    expected = losses(*of_first, present[:1])
    for name in ("loss_er", "loss_ecr", "loss_min"):
        assert torch.equal(terms[name], expected[name])
    of_all = losses(first, second, present)
    assert torch.equal(terms["loss_cls"], of_all["loss_cls"])
    none = losses_with_negatives(first, second, torch.zeros(2, 2))
    assert [none[name].item() for name in ("loss_er", "loss_ecr", "loss_min")] == [0, 0, 0]
    assert none["loss_cls"] > 0


def test_negatives_change_nothing_if_all_images_have_classes():
    present = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    first, second = two_views()
    terms = losses(first, second, present)
    assert losses_with_negatives(first, second, present) == terms
