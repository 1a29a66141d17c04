"""Sums of class maps over scales, against a loop and golden numbers."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from golden_files import close, fill, fill_value, golden

from wsss_harness.networks.backbones.base import STATISTICS
from wsss_harness.networks.classmaps.augment import normalise
from wsss_harness.networks.classmaps.inference import divide_by_maximum, scaled
from wsss_irn import CamIrn
from wsss_irn.inference import on_grid
from wsss_irn.sums import as_squares, full_size, strided

SCALES = (1.0, 0.5, 1.5, 2.0)


def loop_resize(maps, size):
    """Bilinear with half-pixel centres, one value at a time."""
    actual = np.zeros((len(maps), *size))
    for k, y, x in np.ndindex(actual.shape):
        rows, columns = (
            weights(place, side, length)
            for place, side, length in zip((y, x), size, maps.shape[1:], strict=True)
        )
        actual[k, y, x] = sum(a * b * maps[k, i, j] for i, a in rows for j, b in columns)
    return actual


def weights(place, side, length):
    at = max((place + 0.5) * length / side - 0.5, 0)
    low = min(int(at), length - 1)
    return (low, 1 - (at - low)), (min(low + 1, length - 1), at - low)


@pytest.mark.parametrize("size", [(32, 48), (21, 33)])
def test_sums_are_those_of_a_loop(size):
    torch.manual_seed(0)
    pairs = [torch.rand(2, 3, *grid, dtype=torch.float64) for grid in ((2, 3), (3, 5))]
    both = [(pair[0] + pair[1].flip(-1))[[2, 0]].numpy() for pair in pairs]
    whole = tuple(-(-side // 16) * 16 for side in size)
    full = sum(loop_resize(maps, whole) for maps in both)[:, : size[0], : size[1]]
    grid = sum(loop_resize(maps, tuple((side - 1) // 4 + 1 for side in size)) for maps in both)
    assert np.abs(full_size(pairs, [2, 0], size).numpy() - full).max() < 1e-12
    assert np.abs(strided(pairs, [2, 0], size).numpy() - grid).max() < 1e-12


def test_no_classes_have_no_maps():
    pairs = [torch.rand(2, 3, 2, 3)]
    assert full_size(pairs, [], (20, 30)).shape == (0, 20, 30)
    assert as_squares(strided(pairs, [], (20, 30)), (20, 30)).shape == (0, 20, 30)


@pytest.mark.parametrize("size", [(20, 32), (21, 35), (3, 1)])
def test_the_grid_of_a_walk_gets_back_the_nodes_of_squares(size):
    nodes = torch.rand(2, *((side - 1) // 4 + 1 for side in size), dtype=torch.float64)
    assert torch.allclose(on_grid(as_squares(nodes, size), 4), nodes, rtol=0, atol=1e-12)


# Golden numbers


def pairs_of(picture):
    """The maps of both views at each scale, from the features of the file's rule."""
    numbers = golden("irn.npz")
    weight = fill_value("classifier.weight", torch.empty(20, 2048, 1, 1), 1)
    zeroed = int(numbers["cam_zeroed_class"])
    check = numbers["cam_weight_check"]
    assert close(weight.flatten()[: len(check)], check, 1e-6)
    weight[zeroed] = -weight[zeroed].abs()
    sizes = [-(-side // 16) for side in numbers[f"cam{picture}_input_sizes"]]
    features = [
        fill(f"irn.cam{picture}.feat{j}", -1, 1, (2, 2048, *size)).relu()
        for j, size in enumerate(sizes)
    ]
    return [F.conv2d(values, weight).relu() for values in features]


each_picture = pytest.mark.parametrize("picture", [0, 1])


@pytest.mark.golden
@each_picture
def test_inputs_at_all_scales_are_official(picture):
    numbers, (mean, std) = golden("irn.npz"), STATISTICS["imagenet"]
    assert CamIrn().scales == SCALES
    for j, scale in enumerate(SCALES):
        image = scaled(numbers[f"cam{picture}_image"], scale)
        assert list(image.shape[:2]) == numbers[f"cam{picture}_input_sizes"][j].tolist()
        expected = numbers[f"cam{picture}_input_scale{j}_sub5"]
        assert close(normalise(image, mean, std)[:, ::5, ::5], expected, 1e-4)


@pytest.mark.golden
@each_picture
def test_maps_and_their_sums_are_official(picture):
    numbers, pairs = golden("irn.npz"), pairs_of(picture)
    for j, pair in enumerate(pairs):
        assert close(pair[0] + pair[1].flip(-1), numbers[f"cam{picture}_out_scale{j}"], 1e-4)
    keys = numbers[f"cam{picture}_keys"].tolist()
    assert keys == np.flatnonzero(numbers[f"cam{picture}_label"]).tolist()
    size = numbers[f"cam{picture}_image"].shape[:2]
    for total, name in ((full_size, "high_res"), (strided, "strided")):
        actual = divide_by_maximum(total(pairs, keys, size))
        assert close(actual, numbers[f"cam{picture}_{name}"], 1e-4)
