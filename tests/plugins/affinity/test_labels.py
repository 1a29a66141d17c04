"""Labels of nodes, kinds of pairs and the loss, against loops and golden numbers."""

import math

import numpy as np
import pytest
import torch
from golden_files import close, golden

from wsss_affinity.labels import EPSILON, Pairs, affinity_losses, pair_kinds, sure_labels
from wsss_affinity.neighbours import half_plane


def loop_label(careful, eager):
    """The label of a node by the scores of its channels, background first."""
    if max(*careful, *eager) < 1e-5:
        return 255
    if max(range(len(eager)), key=lambda k: eager[k]) == 0:
        return 0
    best = max(range(len(careful)), key=lambda k: careful[k])
    return best or 255


def test_labels_are_those_of_a_loop():
    careful, eager = torch.rand(2, 2, 4, 6, 9, dtype=torch.float64)
    careful[0, :, :3, :3] = eager[0, :, :3, :3] = 0
    careful[:, 0] *= 1.5
    labels = sure_labels(careful, eager, 3)
    assert labels.shape == (2, 2, 3)
    for b, y, x in np.ndindex(2, 2, 3):
        square = np.s_[b, :, 3 * y : 3 * y + 3, 3 * x : 3 * x + 3]
        means = [stack[square].mean((1, 2)).tolist() for stack in (careful, eager)]
        assert labels[b, y, x] == loop_label(*means)
    assert labels[0, 0, 0] == 255


def test_equal_stacks_leave_nothing_unknown():
    stack = torch.rand(3, 8, 8) + 0.1
    labels = sure_labels(stack, stack, 2)
    assert torch.equal(labels, torch.nn.functional.avg_pool2d(stack, 2).argmax(0))


def loop_kind(a, b):
    if 255 in (a, b):
        return None
    return "different" if a != b else "foreground" if a else "background"


def test_kinds_of_pairs_are_those_of_a_loop():
    labels = torch.tensor(np.random.default_rng(0).choice([0, 1, 2, 255], (2, 6, 9)))
    pairs = pair_kinds(labels, 3)
    for name, actual in pairs._asdict().items():
        for b, k, y, x in np.ndindex(actual.shape):
            dy, dx = half_plane(3)[k]
            kind = loop_kind(int(labels[b, y, x + 2]), int(labels[b, y + dy, x + 2 + dx]))
            assert actual[b, k, y, x] == (kind == name)


@pytest.mark.golden
def test_labels_and_kinds_are_the_released_ones():
    numbers = golden("affinity_pairs.npz")
    pairs = pair_kinds(torch.from_numpy(numbers["label56"]).long(), 5)
    for actual, name in zip(pairs, ("bg_pos", "fg_pos", "neg"), strict=True):
        assert np.array_equal(actual.flatten(1), numbers[name].astype(bool))
    scores = torch.from_numpy(numbers["merge_scores_cropped"]).permute(0, 3, 1, 2)
    half = scores.shape[1] // 2
    stride = scores.shape[2] // numbers["merge_label"].shape[1]
    labels = sure_labels(scores[:, :half], scores[:, half:], stride)
    assert np.array_equal(labels, numbers["merge_label"])


def loop_loss(affinities, pairs):
    total = 0.0
    for kind, weight in (("background", 0.25), ("foreground", 0.25), ("different", 0.5)):
        chosen, count = 0.0, 0
        for value, is_one in zip(
            affinities.flatten().tolist(), getattr(pairs, kind).flatten().tolist(), strict=True
        ):
            if is_one:
                alike = 1 + EPSILON - value if kind == "different" else value + EPSILON
                chosen, count = chosen - math.log(alike), count + 1
        total += weight * chosen / (count + EPSILON)
    return total


def test_the_loss_is_that_of_a_loop():
    labels = torch.tensor(np.random.default_rng(1).choice([0, 1, 2, 255], (2, 6, 9)))
    pairs = pair_kinds(labels, 3)
    affinities = torch.rand(pairs.background.shape, dtype=torch.float64)
    actual = sum(affinity_losses(affinities, pairs).values())
    assert actual == pytest.approx(loop_loss(affinities, pairs), rel=1e-12)


def test_a_batch_without_pairs_has_a_loss_of_zero():
    labels = torch.full((1, 6, 9), 255)
    affinities = torch.rand(1, 12, 4, 5, requires_grad=True)
    loss = sum(affinity_losses(affinities, pair_kinds(labels, 3)).values())
    loss.backward()
    assert loss == 0
    assert (affinities.grad == 0).all()


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_the_loss_is_finite_at_both_ends(value):
    everything = torch.ones(1, 12, 4, 5, dtype=torch.bool)
    affinities = torch.full((1, 12, 4, 5), value)
    losses = affinity_losses(affinities, Pairs(everything, everything, everything))
    assert all(torch.isfinite(loss) for loss in losses.values())


@pytest.mark.golden
def test_loss_and_gradient_are_the_released_ones():
    numbers = golden("affinity_pairs.npz")
    affinities = torch.from_numpy(numbers["aff"]).requires_grad_()
    kinds = (numbers[f"train_{kind}_label"].astype(bool) for kind in ("bg", "fg", "neg"))
    losses = affinity_losses(affinities, Pairs(*map(torch.from_numpy, kinds)))
    sum(losses.values()).backward()
    for loss, name, weight in zip(losses.values(), ("bg", "fg", "neg"), (4, 4, 2), strict=True):
        assert loss.item() * weight == pytest.approx(float(numbers[f"train_{name}_loss"]), rel=1e-5)
    assert close(affinities.grad, numbers["grad_aff"], 1e-5)
