"""Kinds of pairs and the loss of their affinities, against loops and golden numbers."""

import logging
import math

import numpy as np
import pytest
import torch
from golden_files import close, golden

from wsss_harness.networks.affinity.neighbours import half_plane
from wsss_harness.networks.affinity.pairs import (
    EPSILON,
    Pairs,
    PairWarning,
    affinity_losses,
    pair_kinds,
)


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
def test_kinds_are_the_released_ones():
    numbers = golden("affinity_pairs.npz")
    pairs = pair_kinds(torch.from_numpy(numbers["label56"]).long(), 5)
    for actual, name in zip(pairs, ("bg_pos", "fg_pos", "neg"), strict=True):
        assert np.array_equal(actual.flatten(1), numbers[name].astype(bool))


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


def test_a_batch_without_pairs_is_said_once(caplog):
    warning = PairWarning("the owner", "move the thresholds")
    nothing = Pairs(*torch.zeros(3, 1, 2, 3, 4, dtype=torch.bool))
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            warning.look_at(nothing)
    assert [record.name for record in caplog.records] == ["the owner"]
    assert caplog.text.count("move the thresholds") == 1
