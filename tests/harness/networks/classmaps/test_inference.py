"""Merging of maps over scales and orientations, against loops and the released codes' numbers."""

import numpy as np
import pytest
import torch
from fake_data import FakeDataset, view
from golden_files import close, golden
from torch import nn

from wsss_harness.networks.classmaps.inference import (
    ACTIVATIONS,
    EPSILON,
    Inference,
    Scorer,
    divide_by_maximum,
    merge,
    scaled,
    stretch,
)


def loop_resize(values, size):
    """Bilinear with half-pixel centres, one pixel at a time."""
    height, width = values.shape
    actual = np.zeros(size)
    for y, x in np.ndindex(size):
        v = min(max((y + 0.5) * height / size[0] - 0.5, 0), height - 1)
        u = min(max((x + 0.5) * width / size[1] - 0.5, 0), width - 1)
        top, left = int(v), int(u)
        bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
        a, b = v - top, u - left
        upper = (1 - b) * values[top, left] + b * values[top, right]
        lower = (1 - b) * values[bottom, left] + b * values[bottom, right]
        actual[y, x] = (1 - a) * upper + a * lower
    return actual


def loop_merge(pairs, channels, size):
    total = np.zeros((len(channels), *size))
    for plain, mirrored in pairs:
        for k, channel in enumerate(channels):
            total[k] += loop_resize(plain[channel], size)
            total[k] += loop_resize(mirrored[channel], size)[:, ::-1]
    return total


def random_pairs(sizes=((3, 4), (5, 7)), channels=3):
    rng = np.random.default_rng(0)
    return [rng.random((2, channels, *size)) for size in sizes]


def test_merge_agrees_with_a_loop_over_pixels():
    pairs = random_pairs()
    actual = merge([torch.from_numpy(pair) for pair in pairs], [0, 2], (9, 6))
    assert np.abs(actual.numpy() - loop_merge(pairs, [0, 2], (9, 6))).max() < 1e-12


def test_merging_parts_adds_up():
    pairs = [torch.from_numpy(pair) for pair in random_pairs()]
    parts = [merge([pair], [1], (8, 8)) for pair in pairs]
    assert torch.allclose(merge(pairs, [1], (8, 8)), parts[0] + parts[1])
    assert torch.equal(merge(pairs, [0, 1], (8, 8))[1:], merge(pairs, [1], (8, 8)))


def test_a_mirrored_picture_gives_mirrored_scores():
    pair = torch.from_numpy(random_pairs()[0])
    swapped = pair.flip(0)
    assert torch.allclose(merge([swapped], [0], (6, 8)), merge([pair], [0], (6, 8)).flip(-1))


def test_no_class_gives_no_map():
    assert merge([torch.rand(2, 3, 4, 4)], [], (6, 8)).shape == (0, 6, 8)
    for normalise in (divide_by_maximum, stretch):
        assert normalise(torch.zeros(0, 6, 8)).shape == (0, 6, 8)


def test_normalising_by_the_maximum_by_hand():
    total = torch.tensor([[[0.0, 1.0], [2.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]]]).double()
    actual = divide_by_maximum(total)
    assert torch.allclose(actual[0] * (4 + EPSILON), total[0], atol=1e-12)
    assert torch.equal(actual[1], total[1])


def test_stretching_by_hand():
    total = torch.tensor([[[-1.0, 1.0], [2.0, 5.0]]]).double()
    expected = torch.tensor([[[0.0, 1.0], [2.0, 5.0]]]).double() - EPSILON
    assert torch.allclose(stretch(total), expected / (5 + EPSILON), atol=1e-12)
    shifted = stretch(total.relu() + 1)  # its minimum is set to 0 and then lowered by it
    assert shifted[0, 0, 0].item() == pytest.approx((-1 - EPSILON) / (5 + EPSILON), abs=1e-12)


@pytest.mark.parametrize(
    ("scale", "size"), [(0.5, (30, 42)), (1.0, (61, 83)), (1.5, (92, 124)), (2.0, (122, 166))]
)
def test_sides_of_scaled_pictures_are_rounded_half_to_even(scale, size):
    assert scaled(np.zeros((61, 83, 3), np.uint8), scale).shape[:2] == size


class Stripes(nn.Module):
    """Three channels that are the colours of the input, every second pixel."""

    channels, mean, std, device = 3, (0, 0, 0), (1, 1, 1), torch.device("cpu")

    def forward(self, images):
        maps = images[..., ::2, ::2] * 8
        return maps, maps.mean((2, 3))


@pytest.mark.parametrize("normalise", ["max", "min_max"])
@pytest.mark.parametrize("activation", ["relu", "softmax"])
def test_scores_are_those_of_the_present_classes(tmp_path, activation, normalise):
    data = FakeDataset()
    samples = view(tmp_path, ["image_labels"], data)
    score = Scorer(Stripes().eval(), Inference((0.5, 1.0, 1.5), activation, normalise))
    for image_id in samples:
        scores = score(samples[image_id])
        assert scores.classes == data.present(image_id)
        assert scores.size == (24, 32)
        assert scores.values.dtype == np.float32
        assert scores.background is None
        scores.validate(image_id, "the test")
    assert scores.values.max() > 0.9


def test_an_explicit_background_is_the_last_channel(tmp_path):
    samples = view(tmp_path, ["image_labels"])
    inference = Inference((1.0,), "softmax", background="explicit")
    sample = samples["image_001"]
    scores = Scorer(Stripes().eval(), inference)(sample)
    total = merge([inference.maps(Stripes(), [sample.image], 1.0, [0, 2])], [0, 2], (24, 32))
    assert np.allclose(scores.values[0], divide_by_maximum(total)[0], atol=1e-6)
    assert np.allclose(scores.background, divide_by_maximum(total)[1], atol=1e-6)


def test_an_image_without_classes_has_no_scores(tmp_path):
    class Empty(FakeDataset):
        def present(self, image_id):
            return ()

        def image(self, image_id):
            return np.zeros((24, 32, 3), np.uint8)

    samples = view(tmp_path, ["image_labels"], Empty())
    scores = Scorer(Stripes().eval(), Inference((1.0,), "relu"))(samples["image_000"])
    assert scores.classes == ()
    assert scores.values.shape == (0, 24, 32)


def test_inference_reads_image_labels_and_nothing_else(tmp_path):
    samples = view(tmp_path, ["image_labels", "saliency"])
    Scorer(Stripes().eval(), Inference((1.0,), "relu"))(samples["image_000"])
    assert [file.name for file in (tmp_path / "read").iterdir()] == ["image_labels"]


def released(tag, activation, normalise):
    """The merged and normalised maps of one golden network, and its keys (0..C-1)."""
    file = golden("cam_inference.npz")
    raw = [torch.from_numpy(file[f"{tag}_raw{i}"]) for i in range(2 * len(file[f"{tag}_scales"]))]
    pairs = [ACTIVATIONS[activation](torch.cat(raw[i : i + 2])) for i in range(0, len(raw), 2)]
    keys = file[f"{tag}_cam_keys"].tolist()
    size = tuple(file["image_size"].tolist())
    return {"max": divide_by_maximum, "min_max": stretch}[normalise](merge(pairs, keys, size)), keys


def decide(scores, keys, background):
    """Class indices 0..C by the largest score; the background wins a tie."""
    best = scores.max(0)
    return np.where(best.values > background, 1 + np.array(keys)[best.indices], 0)


@pytest.mark.golden
@pytest.mark.parametrize("tag", ["psa", "epscls", "eps"])
def test_golden_maps(tag):
    scores, keys = released(tag, "softmax" if tag == "eps" else "relu", "max")
    file = golden("cam_inference.npz")
    assert keys == file["present"].tolist()
    assert close(scores, file[f"{tag}_cam"], 1e-5)
    assert scores.min() >= 0
    assert scores.max() <= 1


@pytest.mark.golden
@pytest.mark.parametrize("tag", ["psa", "epscls", "eps"])
def test_golden_masks(tag):
    scores, keys = released(tag, "softmax" if tag == "eps" else "relu", "max")
    name, threshold = background_of(tag)
    differing = decide(scores, keys, threshold) != golden("cam_inference.npz")[name]
    assert differing.mean() <= 0.001


def background_of(tag):
    """The array of a network's golden mask, whose name holds the threshold as ``0p20``."""
    (name,) = [n for n in golden("cam_inference.npz") if n.startswith(f"{tag}_pred_")]
    digits = name.removeprefix(f"{tag}_pred_").lstrip("bgthr")
    return name, float(digits.replace("p", "."))


@pytest.mark.golden
def test_golden_scaled_sizes():
    file = golden("cam_inference.npz")
    image = np.zeros((*file["image_size"], 3), np.uint8)
    for tag in ("psa", "epscls", "eps", "seam"):
        for i, scale in enumerate(file[f"{tag}_scales"]):
            expected = file[f"{tag}_input_sizes"][2 * i]
            assert scaled(image, float(scale)).shape[:2] == tuple(expected)


def seam_pairs():
    """SEAM enlarges its maps to the resized picture within its network, corner to corner."""
    file = golden("cam_inference.npz")
    sizes = file["seam_input_sizes"].tolist()
    maps = [
        nn.functional.interpolate(
            torch.from_numpy(file[f"seam_raw{i}"]), size, mode="bilinear", align_corners=True
        )[:, 1:]
        for i, size in enumerate(sizes)
    ]
    return [torch.cat(maps[i : i + 2]) for i in range(0, len(maps), 2)]


@pytest.mark.golden
def test_golden_min_max_of_seam():
    file = golden("cam_inference.npz")
    keys, size = file["seam_cam_keys"].tolist(), tuple(file["image_size"].tolist())
    scores = stretch(merge(seam_pairs(), keys, size))
    assert close(scores, file["seam_cam"], 1e-5)
    name, threshold = background_of("seam")
    assert (decide(scores, keys, threshold) != file[name]).mean() <= 0.001
