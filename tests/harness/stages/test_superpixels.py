"""Superpixels by Felzenszwalb and Huttenlocher, through scikit-image."""

import sys

import numpy as np
import pytest
from PIL import Image as PillowImage

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.stages.superpixels import Superpixels
from wsss_harness.system import pictures


def quarters(side=40):
    """Four even squares of different colours."""
    image = np.zeros((side, side, 3), np.uint8)
    half = side // 2
    image[:half, half:] = (250, 20, 20)
    image[half:, :half] = (20, 250, 20)
    image[half:, half:] = (20, 20, 250)
    return image


def test_even_squares_are_one_region_each():
    regions = Superpixels(min_size=20).of(quarters())
    assert regions.dtype == np.int32
    corners = {int(regions[y, x]) for y in (2, 37) for x in (2, 37)}
    assert len(corners) == 4
    assert min((regions == number).sum() for number in corners) > 300  # edges are blurred


def test_regions_are_numbered_without_gaps_and_have_the_least_size():
    image = np.random.default_rng(0).integers(0, 256, (60, 50, 3), dtype=np.uint8)
    regions = Superpixels().of(image)
    numbers, sizes = np.unique(regions, return_counts=True)
    assert numbers.tolist() == list(range(len(numbers)))
    assert sizes.min() >= 75


@pytest.mark.parametrize("option", ["scale", "sigma", "min_size"])
def test_an_option_out_of_range_is_named(option):
    with pytest.raises(
        ConfigError, match=f"'{option}' of superpixels is 0; expected a number above 0"
    ):
        Superpixels(**{option: 0})


def test_missing_scikit_image_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.segmentation", None)
    with pytest.raises(ConfigError, match=r"pip install 'wsss-bench\[regions\]'"):
        Superpixels().of(quarters())


def test_region_maps_survive_the_file_with_16_bits(tmp_path):
    regions = np.arange(300 * 220, dtype=np.int32).reshape(300, 220) % 65_536
    pictures.write_regions(tmp_path / "a.png", regions)
    assert np.array_equal(pictures.read_regions(tmp_path / "a.png", (300, 220)), regions)


def test_more_regions_than_16_bits_hold_are_refused(tmp_path):
    with pytest.raises(DataError, match="expected 0 to 65535, so make regions larger"):
        pictures.write_regions(tmp_path / "a.png", np.full((2, 2), 65_536, np.int32))


def test_a_colour_picture_is_no_map_of_regions(tmp_path):
    PillowImage.fromarray(quarters()).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"colour picture.*save the numbers of its regions"):
        pictures.read_regions(tmp_path / "a.png", (40, 40))
