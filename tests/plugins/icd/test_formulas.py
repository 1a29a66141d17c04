"""The formulas of ICD: naive loops, cases by hand, golden numbers."""

import math

import numpy as np
import pytest
import torch
from golden_files import close, golden

from wsss_icd.direction import direction_loss, evidence, projections, signed
from wsss_icd.loss import label_loss, scaled_by_ends, top_down_loss, warmth
from wsss_icd.superpixels import memberships, smoothed


def tensor(values):
    return torch.from_numpy(np.asarray(values))


def arrays(*shape, seed=0):
    return np.random.default_rng(seed).normal(0, 1, shape)


PRESENT = np.array([[1.0, 0, 0], [1, 1, 0], [0, 0, 0]])  # of three images


# The direction


def test_projections_are_along_unit_vectors():
    x, w = arrays(2, 4, 3, 2), arrays(3, 4, seed=1)
    scores = projections(tensor(x), tensor(w)).numpy()
    for n, k, i, j in np.ndindex(2, 3, 3, 2):
        length = math.sqrt(sum(v * v for v in w[k]))
        expected = sum(w[k, c] * x[n, c, i, j] for c in range(4)) / length
        assert scores[n, k, i, j] == pytest.approx(expected, abs=1e-12)


def test_the_gradient_of_directions_is_the_released_one():
    x, w = arrays(3, 4, 3, 2), arrays(3, 4, seed=1) / 9
    weight = tensor(w).requires_grad_()
    features = tensor(x).requires_grad_()
    direction_loss(projections(features, weight), tensor(PRESENT), 10.0).backward()
    scores = projections(tensor(x), tensor(w)).numpy()
    assert features.grad is None
    for k in range(3):
        g = np.zeros(4)
        for n, i, j in np.ndindex(3, 3, 2):
            if PRESENT[n].sum() == 1 and PRESENT[n, k]:
                g -= 10 / 6 * scores[n, k, i, j] * x[n, :, i, j] / 3
        size = np.linalg.norm(w[k])
        expected = -w[k] * (w[k] @ g) / (size**3 + 1e-5) + g / (size + 1e-5)
        np.testing.assert_allclose(weight.grad[k], expected, atol=1e-12)


def test_a_batch_without_images_of_one_class_moves_no_direction():
    weight = tensor(arrays(3, 4)).requires_grad_()
    loss = direction_loss(projections(tensor(arrays(2, 4, 3, 2)), weight), torch.ones(2, 3))
    loss.backward()
    assert loss == 0
    assert not weight.grad.any()


def test_evidence_agrees_with_a_loop():
    scores, cam, before = arrays(3, 3, 4, 5), arrays(3, 3, 4, 5, seed=1), arrays(3, 2, seed=2)
    state = evidence(*map(tensor, (scores, cam, PRESENT, before)), 0.9).numpy()
    for k in range(3):
        images = [n for n in range(3) if PRESENT[n, k]]
        for end, sign in enumerate((1, -1)):
            means = []
            for n in images:
                inside = [
                    max(c, 0)
                    for c, s in zip(cam[n, k].flat, scores[n, k].flat, strict=True)
                    if s * sign > 0
                ]
                means.append(sum(inside) / max(len(inside), 1e-5))
            old = before[k, end]
            new = 0.9 * old + 0.1 * sum(means) / len(images) if images else old
            assert state[k, end] == pytest.approx(new, abs=1e-12)


def test_scores_turn_around_where_the_maps_are_at_the_negative_end():
    scores = torch.ones(1, 3, 1, 1)
    state = torch.tensor([[0.0, 0.0], [0.1, 0.2], [0.3, 0.2]])
    assert signed(scores, state).flatten().tolist() == [1, -1, 1]


# Superpixels


def loop_memberships(regions, size):
    (height, width), (h, w) = regions.shape, size
    shares = np.zeros((regions.max() + 1, h, w))
    for i, j in np.ndindex(h, w):
        y, x = (i * (height - 1) / max(h - 1, 1), j * (width - 1) / max(w - 1, 1))
        for r, c in np.ndindex(height, width):
            weight = max(0, 1 - abs(r - y)) * max(0, 1 - abs(c - x))
            shares[regions[r, c], i, j] += weight
    return shares


@pytest.mark.parametrize("size", [(3, 4), (1, 5), (7, 9), (12, 3)])
def test_memberships_agree_with_a_loop(size):
    regions = np.random.default_rng(1).integers(0, 4, (2, 7, 9))
    regions[0, 0, 0] = 3
    shares = memberships(tensor(regions), size).numpy()
    for n in range(2):
        expected = loop_memberships(regions[n], size)
        np.testing.assert_allclose(shares[n, : len(expected)], expected, atol=1e-6)
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-6)


def loop_smoothed(scores, shares, present):
    scores = scores * present[:, None, None]
    classes, nodes = len(scores), [*np.ndindex(scores.shape[1:])]
    result = np.zeros_like(scores)
    for share in shares:
        total = max(sum(share[p] for p in nodes), 1e-5)
        votes, means, rest = np.zeros((4, classes)), np.zeros(classes), np.zeros(classes)
        for k in range(classes):
            for p in nodes:
                largest = max(max(scores[c][p], 0) for c in range(classes))
                votes[0, k] += share[p] * np.sign(scores[k][p])
                votes[1, k] += share[p] / total * max(scores[k][p], 0) / max(largest, 1e-5)
                means[k] += share[p] / total * max(scores[k][p], 0)
                rest[k] += share[p] / total * min(scores[k][p], 0)
        winner = int(votes[1].argmax())
        for k in range(classes):
            wins = votes[0].max() > 1e-5 and k == winner and present[k]
            for p in nodes:
                result[k][p] += share[p] * (means[k] if wins else rest[k])
    return result


@pytest.mark.parametrize("regions", [1, 4])
def test_smoothing_agrees_with_a_loop(regions):
    scores = arrays(3, 3, 4, 5)
    shares = np.random.default_rng(3).dirichlet(np.ones(regions), (3, 4, 5)).transpose(0, 3, 1, 2)
    result = smoothed(*map(tensor, (scores, shares, PRESENT))).numpy()
    for n in range(3):
        expected = loop_smoothed(scores[n], shares[n], PRESENT[n])
        np.testing.assert_allclose(result[n], expected, atol=1e-12)


# Losses


def cross_entropy(logit, target):
    p = 1 / (1 + math.exp(-logit))
    return -(target * math.log(p) + (1 - target) * math.log(1 - p))


def test_the_loss_of_labels_sums_classes_and_averages_images():
    logits = arrays(3, 3)
    expected = sum(map(cross_entropy, logits.flat, PRESENT.flat)) / 3
    assert float(label_loss(tensor(logits), tensor(PRESENT))) == pytest.approx(expected, abs=1e-12)


def test_the_top_down_loss_agrees_with_a_loop():
    logits, scores = arrays(3, 3, 4, 5), arrays(3, 3, 4, 5, seed=1)
    ends = scaled_by_ends(tensor(scores)).numpy()
    expected = 0.0
    for n, k, i, j in np.ndindex(3, 3, 4, 5):
        score, of_map = scores[n, k, i, j], scores[n, k]
        ratio = score / (max(of_map.max(), 1e-5) if score > 0 else -min(of_map.min(), -1e-5))
        assert ends[n, k, i, j] == pytest.approx(ratio, abs=1e-12)
        if PRESENT[n, k] and abs(ratio) > 0.2:
            expected += cross_entropy(logits[n, k, i, j], float(ratio > 0)) / 20 / 3
    actual = top_down_loss(*map(tensor, (logits, scores, PRESENT)), 0.25)
    assert float(actual) == pytest.approx(0.25 * expected, abs=1e-12)


def test_scores_of_zero_teach_nothing():
    logits = torch.ones(1, 2, 3, 3, requires_grad=True)
    top_down_loss(logits, torch.zeros(1, 2, 3, 3), torch.ones(1, 2)).backward()
    assert not logits.grad.any()


def test_the_top_down_branch_warms_up():
    values = [warmth(iteration, 4) for iteration in (0, 1, 3, 4, 9)]
    assert values == pytest.approx([math.exp(-10), math.exp(-7.5), math.exp(-2.5), 1, 1])
    assert warmth(0, 0) == 1


# Golden numbers


@pytest.fixture
def operators():
    return {name: tensor(array) for name, array in golden("icd.npz").items()}


@pytest.mark.golden
def test_golden_directions(operators):
    weight = operators["bu_weight"].requires_grad_()
    features = operators["data"].requires_grad_()
    scores = projections(features, weight)
    strength = float(operators["bu_grad_scale"])
    images = len(scores)
    (images * direction_loss(scores, operators["label"], strength)).backward()
    assert close(scores.detach(), operators["bu_score"], 1e-5)
    assert close(weight.grad, operators["bu_grad_weight"], 1e-5)
    assert operators["bu_grad_data_absmax"] == 0
    assert features.grad is None


@pytest.mark.golden
def test_golden_signs_and_superpixels(operators):
    scores, label = operators["bu_score"], operators["label"]
    state = torch.zeros(label.shape[1], 2)
    steps = sum(name.startswith("sign_out_step") for name in operators)
    assert steps >= 2
    for step in range(steps):
        state = evidence(scores, operators["sign_cam"], label, state)
        turned = signed(scores, state)
        assert close(state, operators[f"sign_state_step{step}"], 1e-5)
        assert close(turned, operators[f"sign_out_step{step}"], 1e-5)
    shares = memberships(operators["sp_map"], tuple(scores.shape[2:]))
    assert close(smoothed(turned, shares, label), operators["sp_out"], 1e-5)


@pytest.mark.golden
def test_golden_top_down(operators):
    label, scores = operators["label"], operators["sp_out"]
    assert close(operators["td_in"].sigmoid(), operators["td_out"], 1e-5)
    cases = [name for name in operators if name.startswith("td_grad_warmup")]
    assert len(cases) >= 2
    for name in cases:
        warmup = int(name.removeprefix("td_grad_warmup"))
        for iteration, expected in enumerate(operators[name]):
            logits = operators["td_in"].clone().requires_grad_()
            loss = top_down_loss(logits, scores, label, warmth(iteration, warmup))
            (len(label) * loss).backward()
            assert close(logits.grad, expected, 1e-5)


@pytest.mark.golden
def test_golden_label_loss(operators):
    logits = operators["cls_in"].requires_grad_()
    (len(logits) * label_loss(logits, operators["label"])).backward()
    assert close(logits.detach().sigmoid(), operators["cls_out"], 1e-5)
    assert close(logits.grad, operators["cls_grad"], 1e-5)


def smoothing_cases():
    names = [name for name in golden("icd2.npz") if name.startswith("sp_")]
    return sorted({name.removeprefix("sp_").rpartition("_")[0] for name in names})


@pytest.mark.golden
@pytest.mark.parametrize("case", smoothing_cases())
def test_golden_superpixels_of_another_resolution(case):
    file = golden("icd2.npz")
    scores, regions, label, expected = (
        tensor(file[f"sp_{case}_{part}"]) for part in ("score", "map", "label", "out")
    )
    shares = memberships(regions, tuple(scores.shape[2:]))
    assert close(smoothed(scores, shares, label), expected, 1e-5)
    stored = file.get(f"sp_{case}_membership")
    if stored is not None:
        assert close(shares, stored[:, : shares.shape[1]], 1e-5)
        assert not stored[:, shares.shape[1] :].any()
    else:
        assert case == "same_height"
