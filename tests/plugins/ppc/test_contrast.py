"""The contrast: loops over pixels, cases by hand, and the released training step."""

import math

import numpy as np
import pytest
import torch
from golden_files import close, fill, golden
from torch.nn.functional import interpolate

from wsss_cam_baselines import equivariance
from wsss_cam_baselines.seam_network import resized
from wsss_ppc import PpcSeam, contrast
from wsss_ppc.contrast import ContrastView

EPSILON = 1e-5


def loop_scored(maps, background):
    out = np.full((len(maps), maps.shape[1] + 1, *maps.shape[2:]), background)
    for b, c in np.ndindex(maps.shape[:2]):
        values = [max(0.0, v) for v in maps[b, c].ravel()]
        low, high = min(values), max(values)
        for p in np.ndindex(maps.shape[2:]):
            above = max(0.0, maps[b, c, *p])
            above = 0.0 if above < low + EPSILON else above
            out[b, c + 1, *p] = (above - low - EPSILON) / (high - low + EPSILON)
    return out


def unit(vector):
    return vector / math.sqrt(sum(vector * vector))


def drawn(seed, batch=2, classes=4, width=5, grid=(4, 6)):
    rng = np.random.default_rng(seed)
    maps = rng.normal(0.2, 1, (batch, classes, *grid))
    present = np.array([[1.0, 0, 1, 0], [0, 1, 1, 0]])[:batch]
    return maps, rng.random((batch, width, *grid)), present


@pytest.mark.parametrize("seed", [0, 1])
def test_scores_labels_and_prototypes_agree_with_loops(seed):
    maps, features, present = drawn(seed)
    scores = contrast.scored(torch.from_numpy(maps), 0.2)
    expected = loop_scored(maps, 0.2)
    assert np.abs(scores.numpy() - expected).max() <= 1e-12
    with_bg = np.concatenate((np.ones((2, 1)), present), 1)
    labels = contrast.pixel_labels(scores, torch.from_numpy(present)).numpy()
    for b, y, x in np.ndindex(labels.shape):
        weighed = [expected[b, c, y, x] * with_bg[b, c] for c in range(5)]
        assert labels[b, y, x] == weighed.index(max(weighed))
    positions = contrast.top_positions(scores)
    prototypes = contrast.prototypes_of(scores, torch.from_numpy(features), positions).numpy()
    places = list(np.ndindex(2, 4, 6))
    for c in range(5):
        best = sorted(places, key=lambda p: -expected[p[0], c, p[1], p[2]])[: 4 * 6 // 8]
        assert [places[n] for n in positions[c].tolist()] == best
        values = [expected[b, c, y, x] for b, y, x in best]
        rows = [features[b, :, y, x] for b, y, x in best]
        mean = sum(v * r for v, r in zip(values, rows, strict=True)) / sum(values)
        assert np.abs(prototypes[c] - unit(mean)).max() <= 1e-12


def loop_cross_entropy(pixels, prototypes, labels, temperature):
    total = 0.0
    for pixel, label in zip(pixels, labels, strict=True):
        powers = [math.exp(pixel @ p / temperature) for p in prototypes]
        total -= math.log(powers[label] / sum(powers))
    return total / len(pixels)


def loop_within(pixels, labels, prototypes, temperature, drawn_of, single):
    losses, classes, lonely = [], sorted(set(labels)), 0
    for number in classes:
        own = [n for n in range(len(labels)) if labels[n] == number]
        if len(own) < 2:
            lonely += 1
            continue
        similar = {n: pixels[n] @ prototypes[number] for n in own}
        order = sorted(own, key=similar.get)
        last = int(0.6 * len(own))
        chosen = [own[i] for i in drawn_of[number]] + order[last - len(own) // 2 : last]
        terms = []
        for n in chosen:
            ranked = sorted(math.exp(pixels[n] @ p / temperature) for p in prototypes)[::-1]
            numerator = math.exp(similar[n] / temperature)
            terms.append(-math.log(numerator / (numerator + sum(ranked[3:13]))))
        losses.append(sum(terms) / len(terms))
    return sum(losses) / (len(classes) - (lonely if single == "left_out" else 0))


def view_drawn(seed, count=40, classes=15, width=6):
    rng = np.random.default_rng(seed)
    pixels, prototypes = (
        np.stack([unit(row) for row in rng.normal(size=(n, width))]) for n in (count, classes)
    )
    labels = rng.integers(0, 5, count)
    labels[0] = 9  # a class with a single pixel
    return pixels, labels, prototypes


@pytest.mark.parametrize("single", ["counted", "left_out"])
def test_contrasts_agree_with_loops(single):
    pixels, labels, prototypes = view_drawn(3)
    view = ContrastView(*map(torch.from_numpy, (pixels, labels, prototypes)))
    halves = {c: list(range(0, (labels == c).sum() - 1, 2)) for c in set(labels.tolist())}
    actual = contrast.within(view, 0.1, lambda c, n: torch.tensor(halves[c]), single)
    expected = loop_within(pixels, labels.tolist(), prototypes, 0.1, halves, single)
    assert abs(actual.item() - expected) <= 1e-12
    across = contrast.to_prototypes(view.pixels, view.prototypes, view.labels, 0.1)
    assert abs(across.item() - loop_cross_entropy(pixels, prototypes, labels, 0.1)) <= 1e-12


def test_losses_are_weighted_means_of_both_views():
    first, second = (
        ContrastView(*map(torch.from_numpy, view_drawn(seed, count=30))) for seed in (1, 2)
    )
    settings = PpcSeam(contrast=0.3, temperature=0.2)
    terms = contrast.losses(first, second, settings, lambda c, n: torch.arange(n // 2))
    across = contrast.to_prototypes(first.pixels, second.prototypes, first.labels, 0.2)
    across += contrast.to_prototypes(second.pixels, first.prototypes, second.labels, 0.2)
    swapped = contrast.to_prototypes(first.pixels, first.prototypes, second.labels, 0.2)
    swapped += contrast.to_prototypes(second.pixels, second.prototypes, first.labels, 0.2)
    assert torch.isclose(terms["loss_cross_prototype"], 0.15 * across)
    assert torch.isclose(terms["loss_cross_label"], 0.15 * swapped)


def test_released_scores_fall_below_zero_and_may_be_clipped():
    maps = torch.zeros(1, 2, 2, 2)
    maps[0, 1] = torch.tensor([[1.0, 2.0], [3.0, 2.0]])
    assert contrast.scored(maps, 0.2)[0, 1].tolist() == [[-1, -1], [-1, -1]]
    assert contrast.scored(maps, 0.2)[0, 2].min() < -0.4
    assert contrast.scored(maps, 0.2, clipped=True).min() == 0


def test_the_background_comes_from_the_first_positions_or_from_the_least_foreground():
    scores = torch.full((1, 3, 4, 4), 0.2)
    scores[0, 1] = torch.arange(16.0).view(4, 4) / 16
    scores[0, 2] = 0.5
    scores[0, 2, 0, 0] = 0.9
    assert contrast.top_positions(scores)[0].tolist() == [0, 1]
    assert contrast.top_positions(scores, "least_foreground")[0].tolist() == [1, 2]
    assert contrast.top_positions(scores)[1].tolist() == [15, 14]


def test_prototypes_of_absent_classes_can_be_left_out():
    maps, features, present = map(torch.from_numpy, drawn(0))
    kept = contrast.view_of(maps, features, present, PpcSeam())
    fewer = contrast.view_of(maps, features, present, PpcSeam(absent="left_out"))
    assert len(kept.prototypes) == 5
    assert torch.equal(fewer.prototypes, kept.prototypes[:4])  # the last class is in no image
    assert torch.equal(fewer.prototypes[fewer.labels], kept.prototypes[kept.labels])
    swapped = contrast.view_of(maps, features, present.flip(1), PpcSeam(absent="left_out"))
    again = contrast.view_of(maps, features, present.flip(1), PpcSeam())
    assert torch.equal(swapped.prototypes[swapped.labels], again.prototypes[again.labels])


def test_neither_scores_nor_prototypes_have_a_gradient():
    maps, features, present = map(torch.from_numpy, drawn(1))
    maps.requires_grad_()
    features.requires_grad_()
    view = contrast.view_of(maps, features, present, PpcSeam())
    assert not view.prototypes.requires_grad
    assert not contrast.scored(maps, 0.2).requires_grad
    contrast.to_prototypes(view.pixels, view.prototypes, view.labels, 0.1).backward()
    assert maps.grad is None
    assert features.grad.abs().sum() > 0


# Golden numbers


@pytest.fixture(scope="module")
def file():
    return golden("ppc.npz")


def projected(file, view, width=128):
    """The pixels of a view by the rule of the file."""
    amplitudes = file[f"amp{view}"].astype(np.float64)
    kinds, grid = int(file["n_proto"]), int(file[f"grid{view}"])
    planted = np.stack([fill(f"ppc.proto{k}", -0.5, 1, (width,)).numpy() for k in range(kinds)])
    noise = fill(f"ppc.f{view}", -0.5, 0.5, (len(amplitudes), width, grid, grid)).double().numpy()
    total = noise + np.einsum("bkhw,kd->bdhw", amplitudes, planted.astype(np.float64))
    values = np.maximum(total, 0).astype(np.float32)
    assert close(values[:, :4, 0, 0], file[f"f{view}_check"], 1e-6)
    return torch.from_numpy(values).requires_grad_()


def at_16(tensor, file):
    return resized(tensor, (int(file["grid2"]),) * 2)


class Step:
    """The released training step, from the outputs of the network to losses and gradients."""

    def __init__(self, file):
        self.file, self.settings = file, PpcSeam()
        self.present = torch.from_numpy(file["label"])
        names = [f"{name}{v}" for v in (1, 2) for name in ("cam", "rv")]
        self.leaves = {n: torch.from_numpy(file[n]).clone().requires_grad_() for n in names}
        self.leaves |= {f"f{v}": projected(file, v) for v in (1, 2)}
        sizes = (int(file["crop"]),) * 2, (8 * int(file["grid2"]),) * 2
        up = [
            [resized(self.leaves[f"{name}{v}"], size) for name in ("cam", "rv")]
            for v, size in zip((1, 2), sizes, strict=True)
        ]
        self.up = [(cam[:, 1:], refined) for cam, refined in up]
        first, second = self.up
        self.of_seam = equivariance.losses(first, second, self.present)
        self.views = [self.view(v) for v in (1, 2)]
        self.terms = contrast.losses(*self.views, self.settings, self.draw())

    def scores(self, v):
        maps = at_16(self.leaves[f"rv{v}"], self.file)[:, 1:]
        return contrast.scored(maps, self.settings.background_score)

    def view(self, v):
        maps, pixels = (at_16(self.leaves[f"{n}{v}"], self.file) for n in ("rv", "f"))
        positions = torch.from_numpy(self.file[f"top_index{v}"].astype(np.int64))
        return contrast.view_of(maps[:, 1:], pixels, self.present, self.settings, positions)

    def draw(self):
        """The stored halves, of view 1 and then of view 2."""
        calls = [(v, c) for v in (1, 2) for c in self.file[f"classes{v}"].tolist()]
        keys = iter([k for v, c in calls if (k := f"rand{v}_class{c}") in self.file])
        return lambda number, pixels: torch.from_numpy(self.file[next(keys)])


@pytest.fixture(scope="module")
def step(file):
    return Step(file)


@pytest.mark.golden
@pytest.mark.parametrize("v", [1, 2])
def test_golden_scores_labels_and_positions(file, step, v):
    scores = step.scores(v)
    shown = file["norm_cam_channels"]
    assert close(scores[:, shown], file[f"norm_cam{v}"], 1e-5)
    labels = contrast.pixel_labels(scores, step.present)
    assert np.array_equal(labels, file[f"pseudo_label{v}"])
    numbers, counts = labels.unique(return_counts=True)
    assert numbers.tolist() == file[f"classes{v}"].tolist()
    assert counts.tolist() == file[f"class_counts{v}"].tolist()
    positions = contrast.top_positions(scores).numpy()
    free = ~file[f"top_is_tied{v}"]
    assert [set(p) for p in positions[free].tolist()] == [
        set(p) for p in file[f"top_index{v}"][free].tolist()
    ]
    values = scores.transpose(0, 1).flatten(1).gather(1, torch.from_numpy(positions))
    assert close(values, file[f"top_value{v}"], 1e-5)
    assert close(step.views[v - 1].prototypes, file[f"prototypes{v}"], 1e-5)


def of_seam_by_view(step):
    """The parts of SEAM's losses that the file lists for each view."""
    mask = contrast.with_background(step.present)[:, :, None, None]
    (cam_1, refined_1), (cam_2, refined_2) = step.up
    size = cam_2.shape[2:]
    maps = [m * mask[:, 1:] for m in (small(cam_1, size), equivariance.max_norm(cam_2))]
    sharp = [m * mask for m in (small(refined_1, size), equivariance.max_norm(refined_2))]
    targets = [equivariance.with_background(m) for m in maps]
    for v, (cam, refined) in enumerate(step.up, 1):
        yield f"loss_cls{v}", equivariance.classification(cam, step.present)
        yield f"loss_rvmin{v}", equivariance.min_pooling((refined * mask)[:, 1:])
    yield "loss_ecr1", equivariance.cross_equivariance(targets[1], sharp[0])
    yield "loss_ecr2", equivariance.cross_equivariance(targets[0], sharp[1])


def small(maps, size):
    return resized(equivariance.max_norm(maps), size)


def of_contrast_by_view(step):
    temperature, draw = step.settings.temperature, step.draw()
    for v, (own, other) in enumerate((step.views, step.views[::-1]), 1):
        across = contrast.to_prototypes(own.pixels, other.prototypes, own.labels, temperature)
        labels = contrast.to_prototypes(own.pixels, own.prototypes, other.labels, temperature)
        yield f"loss_nce{v}", across
        yield f"loss_cross_nce2_{v}", labels
        yield f"loss_intra_nce{v}", contrast.within(own, temperature, draw)


@pytest.mark.golden
def test_golden_losses(file, step):
    terms, seam = step.terms, step.of_seam
    actual = {
        **dict(of_seam_by_view(step)),
        **dict(of_contrast_by_view(step)),
        "loss_cls": seam["loss_cls"] + seam["loss_min"],
        "loss_er": seam["loss_er"],
        "loss_ecr": seam["loss_ecr"],
        "loss_cross_nce": terms["loss_cross_prototype"],
        "loss_cross_nce2": terms["loss_cross_label"],
        "loss_intra_nce": terms["loss_intra_view"],
        "loss_nce": sum(terms.values()),
        "loss": sum(terms.values()) + sum(seam.values()),
    }
    assert actual.keys() == {*file["loss_names"].tolist()}
    for name, value in zip(file["loss_names"].tolist(), file["loss_values"], strict=True):
        assert actual[name].item() == pytest.approx(float(value), rel=1e-5), name


@pytest.mark.golden
def test_golden_gradients(file):
    step = Step(file)
    (sum(step.terms.values()) + sum(step.of_seam.values())).backward()
    for name in ("cam1", "rv1", "cam2", "rv2", "f1"):
        assert close(step.leaves[name].grad, file[f"grad_{name}"], 1e-4)
    assert close(step.leaves["f2"].grad[:, ::2], file["grad_f2_even"], 1e-4)
    assert close(step.leaves["f2"].grad.norm(dim=1), file["grad_f2_norm"], 1e-4)


def test_resizing_is_that_of_the_released_script():
    maps = torch.rand(1, 2, 9, 9)
    expected = interpolate(maps, (16, 16), mode="bilinear", align_corners=True)
    assert torch.equal(resized(maps, (16, 16)), expected)
