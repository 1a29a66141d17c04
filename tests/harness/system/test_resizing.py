"""Maps of another size are resized on request, by the interpolation that is named."""

from math import floor

import numpy as np
import pytest
from PIL import Image

from wsss_harness.contract.errors import DataError
from wsss_harness.system import pictures
from wsss_harness.system.resizing import identity, resized


def triangle(x):
    return max(0.0, 1 - abs(x))


def cubic(x, a=-0.5):
    x = abs(x)
    if x < 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * (x**3 - 5 * x**2 + 8 * x - 4) if x < 2 else 0.0


def loop_resize(row, length, kernel):
    """One line of pixels; a kernel is widened where the line gets shorter."""
    scale = max(len(row) / length, 1)
    out = []
    for place in range(length):
        centre = (place + 0.5) * len(row) / length
        weights = [kernel((i + 0.5 - centre) / scale) for i in range(len(row))]
        out.append(sum(w * v for w, v in zip(weights, row, strict=True)) / sum(weights))
    return out


def by_loop(values, size, kernel):
    rows = np.array([loop_resize(row, size[1], kernel) for row in values])
    return np.array([loop_resize(column, size[0], kernel) for column in rows.T]).T.clip(0, 1)


@pytest.mark.parametrize(("name", "kernel"), [("bilinear", triangle), ("bicubic", cubic)])
@pytest.mark.parametrize("size", [(7, 9), (5, 4), (2, 3), (11, 2)])
def test_interpolation_agrees_with_a_loop(name, kernel, size):
    values = np.random.default_rng(1).random((5, 6)).astype(np.float32)
    np.testing.assert_allclose(
        resized(values, size, name), by_loop(values, size, kernel), atol=1e-6
    )


def test_two_pixels_to_four_by_hand():
    edge = np.array([[0, 1]], np.float32)
    assert resized(edge, (1, 4), "nearest").tolist() == [[0, 0, 1, 1]]
    assert resized(edge, (1, 4), "bilinear").tolist() == [[0, 0.25, 0.75, 1]]
    # Keys' cubic overshoots at an edge and is clipped; 0.203125 = 13/64 of the near side of it.
    smooth = resized(np.array([[0, 0, 1, 1]], np.float32), (1, 8), "bicubic")[0]
    assert smooth.min() == 0
    assert smooth.max() == 1
    assert smooth[3] == pytest.approx(0.203125)
    assert smooth[4] == pytest.approx(1 - 0.203125)


def test_nearest_takes_the_pixel_below_the_centre():
    row = np.arange(5, dtype=np.float32)[None] / 4
    expected = [row[0, floor((place + 0.5) * 5 / 3)] for place in range(3)]
    assert resized(row, (1, 3), "nearest")[0].tolist() == expected


def test_map_of_the_right_size_is_untouched():
    values = np.random.default_rng(0).random((3, 4)).astype(np.float32)
    assert resized(values, (3, 4), "bicubic") is values


def test_file_is_resized_only_on_request(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.array([[0, 255]], np.uint8)).save(path)
    with pytest.raises(DataError, match=r"a\.png is 2x1, but its image is 4x1.*resize_saliency"):
        pictures.read_map(path, (1, 4))
    assert pictures.read_map(path, (1, 4), resize="bilinear").tolist() == [[0, 0.25, 0.75, 1]]


def test_deep_map_keeps_its_depth(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.array([[0, 1]], np.uint16)).save(path)
    values = pictures.read_map(path, (1, 4), resize="bilinear")
    np.testing.assert_allclose(values, np.array([[0, 0.25, 0.75, 1]]) / 65535, rtol=1e-6)


def test_without_resizing_keys_say_nothing_of_it():
    assert identity("none") == {}
    assert identity("bicubic") == {"resize_saliency": "bicubic"}
