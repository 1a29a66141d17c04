"""Features and merging of superpixels: naive loops and golden numbers."""

import numpy as np
import pytest
import torch
from golden_files import close, golden

from wsss_icd.merging import features_of, joined_pairs, merged


def blocks(count, rng, height=9, width=12):
    """Regions that are rectangles, all of 0 to ``count`` - 1 among them."""
    numbers = rng.permutation(np.arange(height * width) % count)
    return numbers.reshape(height, width).astype(np.int32)


def test_features_are_means_over_a_region_of_the_enlarged_features():
    rng = np.random.default_rng(0)
    regions, dense = blocks(5, rng), torch.from_numpy(rng.random((3, 4, 3)))
    canvas = (13, 17)
    enlarged = torch.nn.functional.interpolate(
        dense[None], canvas, mode="bilinear", align_corners=True
    )[0].numpy()
    actual = features_of(regions, dense, canvas)
    for region, channel in np.ndindex(5, 3):
        values = [enlarged[channel][p] for p in np.ndindex(9, 12) if regions[p] == region]
        assert actual[region, channel] == pytest.approx(sum(values) / len(values), abs=1e-12)


def loop_pairs(features, sizes, keep):
    features, sizes = features.tolist(), list(sizes)
    alive, total = list(range(len(sizes))), sum(sizes)
    while len(alive) > keep:
        best = None
        for a in alive:
            for b in alive:
                if a < b:
                    u, v = np.array(features[a]), np.array(features[b])
                    length = max(np.linalg.norm(u) * np.linalg.norm(v), 1e-300)
                    value = u @ v / length + 1 - (sizes[a] + sizes[b]) / total
                    if best is None or value > best[2]:
                        best = (a, b, value)
        a, b, _ = best
        yield best
        mean = (sizes[a] * np.array(features[a]) + sizes[b] * np.array(features[b])) / (
            sizes[a] + sizes[b]
        )
        features[a], sizes[a] = mean.tolist(), sizes[a] + sizes[b]
        alive.remove(b)


@pytest.mark.parametrize("seed", [0, 1])
def test_pairs_are_joined_as_in_a_loop(seed):
    rng = np.random.default_rng(seed)
    features, sizes = rng.random((9, 4)), rng.integers(1, 50, 9).astype(float)
    features[3] = 0  # a region without any feature
    actual, expected = list(joined_pairs(features, sizes, 2)), list(loop_pairs(features, sizes, 2))
    assert [pair[:2] for pair in actual] == [pair[:2] for pair in expected]
    np.testing.assert_allclose([p[2] for p in actual], [p[2] for p in expected], atol=1e-12)


def test_few_regions_stay_as_they_are():
    rng = np.random.default_rng(2)
    regions = blocks(4, rng)
    for keep in (4, 64):
        assert np.array_equal(merged(regions, rng.random((4, 3)), keep), regions)
    assert not merged(np.zeros((2, 3), np.int32), rng.random((1, 3)), 1).any()


def cases():
    names = golden("icd2.npz")
    return sorted(n.removesuffix("_regions") for n in names if n.endswith("_regions"))


@pytest.mark.golden
@pytest.mark.parametrize("case", cases())
def test_golden_superpixels(case):
    file = {n.removeprefix(f"{case}_"): v for n, v in golden("icd2.npz").items()}
    regions, keep = file["regions"].astype(np.int32), int(file["num"])
    canvas = 2 * (int(file["infer_size"]),)
    features = features_of(regions, torch.from_numpy(file["dense"]), canvas)
    assert close(features, file["features"], 1e-5)
    assert np.array_equal(merged(regions, features, keep), file["out"])
    sizes = np.bincount(regions.ravel()).astype(float)
    pairs = list(joined_pairs(file["features"].astype(float), sizes, keep))
    assert len(pairs) == len(file["pairs"])
    similarity = dict(zip(map(tuple, file["pairs"].tolist()), file["similarity"], strict=True))
    for pair, expected, gap in zip(pairs, file["similarity"], file["gap"], strict=True):
        assert pair[2] == pytest.approx(float(expected), rel=1e-5)
        if gap > 1e-5:  # pairs that tie in single precision may come in another order
            assert similarity[pair[:2]] == pytest.approx(float(expected), abs=1e-5)
