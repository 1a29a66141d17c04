"""The loss of boundaries, against a loop over pairs and golden numbers."""

import logging
import math

import numpy as np
import pytest
import torch
from golden_files import close, golden

from wsss_harness.networks.affinity.neighbours import half_plane
from wsss_harness.networks.affinity.pairs import affinity_losses, pair_kinds
from wsss_irn.items import crop_label, reduced
from wsss_irn.loss import BoundaryLoss
from wsss_irn.paths import path, path_affinities


def loss_of(logits, labels, radius):
    """The terms of the loss of a network that gives these logits (B, 1, h, w)."""
    batch = {"image": None, "label": labels}
    return BoundaryLoss(radius)(lambda images: logits, batch)


def loop_loss(logits, labels, radius):
    """Half of: half the mean over pairs of background, of a class; the mean over unequal pairs."""
    terms = {"background": [], "foreground": [], "different": []}
    edge = 1 / (1 + np.exp(-logits))
    reach = radius - 1
    count, height, width = labels.shape
    for b, y, x in np.ndindex(count, height - reach, width - 2 * reach):
        x += reach
        for dy, dx in half_plane(radius):
            source, target = labels[b, y, x], labels[b, y + dy, x + dx]
            if 255 in (source, target):
                continue
            affinity = 1 - max(edge[b, 0, y + v, x + u] for v, u in path((dy, dx)))
            if source != target:
                terms["different"].append(-math.log(1 + 1e-5 - affinity))
            else:
                kind = "foreground" if source else "background"
                terms[kind].append(-math.log(affinity + 1e-5))
    means = {kind: sum(values) / (len(values) + 1e-5) for kind, values in terms.items()}
    positive = means["background"] / 2 + means["foreground"] / 2
    return (positive + means["different"]) / 2


def test_the_loss_is_that_of_a_loop():
    torch.manual_seed(0)
    logits = 2 * torch.randn(2, 1, 8, 11, dtype=torch.float64)
    labels = torch.from_numpy(np.random.default_rng(0).choice([0, 3, 7, 255], (2, 8, 11)))
    actual = sum(loss_of(logits, labels, 4).values())
    assert abs(actual.item() - loop_loss(logits.numpy(), labels.numpy(), 4)) < 1e-12


def test_half_precision_does_not_lose_a_certain_pair():
    logits = torch.full((1, 1, 4, 8), -20.0, dtype=torch.float16)  # affinities of 1
    labels = (torch.arange(8) // 4).expand(1, 4, 8)
    losses = loss_of(logits, labels, 2)
    assert torch.isfinite(losses["loss_different"])
    assert losses["loss_different"].dtype == torch.float32


def test_a_batch_without_pairs_warns_once_and_has_no_loss(caplog):
    loss = BoundaryLoss(2)
    logits = torch.zeros(1, 1, 4, 5, requires_grad=True)
    batch = {"image": None, "label": torch.full((1, 4, 5), 255)}
    with caplog.at_level(logging.WARNING):
        losses = [sum(loss(lambda images: logits, batch).values()) for _ in range(3)]
    losses[0].backward()
    assert losses == [0, 0, 0]
    assert (logits.grad == 0).all()
    assert [record.name for record in caplog.records] == ["wsss_irn"]
    assert "'sure_foreground'" in caplog.text


# Golden numbers

each_kind = pytest.mark.parametrize("kind", golden("irn.npz")["loss_kinds"].tolist())


def released_order():
    offsets = {offset: k for k, offset in enumerate(half_plane(10))}
    return [offsets[tuple(offset)] for offset in golden("irn.npz")["path_dst"].tolist()]


def labels_of(kind):
    return torch.from_numpy(golden("irn.npz")[f"loss_{kind}_reduced_label"])


@pytest.mark.golden
def test_labels_are_cropped_and_reduced_as_released():
    numbers = golden("irn.npz")
    crop = int(numbers["loss_crop"])
    for k, expected in enumerate(numbers["loss_all_reduced_label"]):
        label = numbers[f"loss_all_label{k}"]
        rows, columns = ((slice(0, side), slice(0, side)) for side in label.shape)
        stride = crop // len(expected)
        assert np.array_equal(reduced(crop_label(label, rows, columns, crop), stride), expected)


@pytest.mark.golden
def test_kinds_of_pairs_are_the_released_ones():
    numbers = golden("irn.npz")
    sources = int(numbers["loss_all_n_src"])
    for actual, name in zip(pair_kinds(labels_of("all"), 10), ("bg", "fg", "neg"), strict=True):
        packed = numbers[f"loss_all_pairs_{name}"]
        expected = np.unpackbits(packed, axis=-1)[..., :sources]
        assert np.array_equal(actual[:, released_order()].flatten(2), expected)


@pytest.mark.golden
@each_kind
def test_numbers_of_pairs_are_the_released_ones(kind):
    counts = [int(pairs.sum()) for pairs in pair_kinds(labels_of(kind), 10)]
    assert counts == golden("irn.npz")[f"loss_{kind}_counts"].tolist()


@pytest.mark.golden
def test_affinities_of_a_batch_are_the_released_ones():
    numbers = golden("irn.npz")
    edge = torch.from_numpy(numbers["loss_all_logits"]).sigmoid()[:, 0]
    actual = path_affinities(edge, 10)[:, released_order()].flatten(2)
    assert close(actual[:, ::4], numbers["loss_all_aff_every4"], 1e-4)


@pytest.mark.golden
@each_kind
def test_values_and_gradients_are_the_released_ones(kind):
    numbers = golden("irn.npz")
    logits = torch.from_numpy(numbers[f"loss_{kind}_logits"]).requires_grad_()
    terms = loss_of(logits, labels_of(kind), 10)
    sum(terms.values()).backward()
    assert close(logits.grad, numbers[f"loss_{kind}_grad_logits"], 1e-4)
    background, foreground, different = (terms[f"loss_{name}"].item() for name in TERMS)
    total = background + foreground + different
    alike = 2 * (background + foreground)  # each mean is halved twice
    values = (4 * background, 4 * foreground, alike, 2 * different, total)
    assert np.allclose(values, numbers[f"loss_{kind}_values"], rtol=1e-5, atol=1e-7)


TERMS = ("background", "foreground", "different")


@pytest.mark.golden
@each_kind
def test_gradients_of_the_boundaries_are_the_released_ones_ties_included(kind):
    numbers = golden("irn.npz")
    edge = torch.from_numpy(numbers[f"loss_{kind}_logits"]).sigmoid().requires_grad_()
    terms = affinity_losses(path_affinities(edge[:, 0], 10), pair_kinds(labels_of(kind), 10))
    sum(terms.values()).backward()
    assert close(edge.grad, numbers[f"loss_{kind}_grad_edge"], 1e-4)
