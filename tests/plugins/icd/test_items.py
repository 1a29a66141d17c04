"""Training items of ICD: scale, mirror, crop and regions; and the canvas of inference."""

import numpy as np
import pytest
from fake_data import FakeDataset, view

from wsss_harness.networks import backbones
from wsss_harness.networks.classmaps.augment import Cropping
from wsss_harness.testing.surroundings import WithBlocks
from wsss_icd.canvas import at_image, canvas_of, on_canvas
from wsss_icd.items import draw_corner_window, item_maker
from wsss_icd.regions import regions_of
from wsss_icd.settings import vgg16

NEEDS = ("image_labels", "regions")
BACKBONE = backbones.build(**{**vgg16(), "width": 0.0625})


def maker(tmp_path, crop=16, rescale=(1.0,), dataset=None, regions=None, **options):
    data = view(tmp_path, NEEDS, WithBlocks(dataset or FakeDataset()))
    options = {"jitter": (0, 0, 0, 0), "crop": crop, **options}
    settings = Cropping(mean=BACKBONE.mean, std=BACKBONE.std, **options)
    return data, item_maker(data, regions or regions_of, rescale, settings)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_colours_are_levels_minus_127(tmp_path):
    data, make = maker(tmp_path, crop=32, flip=0)
    image = data["image_001"].image.astype(float).transpose(2, 0, 1)
    actual = make("image_001", rng())["image"]
    np.testing.assert_allclose(actual[:, :24], image - 127, atol=1e-3)


def test_padding_lies_right_and_below_and_is_a_region_of_its_own(tmp_path):
    data, make = maker(tmp_path, crop=40, flip=0)
    item = make("image_001", rng())
    regions = item["regions"]
    assert not item["image"][:, 24:].any()
    assert not item["image"][:, :, 32:].any()
    outside = regions[-1, -1]
    assert ((regions == outside) == (np.add.outer(np.arange(40) >= 24, np.arange(40) >= 32))).all()
    assert np.array_equal(regions[:24, :32], regions_of(data["image_001"]))


LEVELS = (np.indices((24, 32)).sum(0) // 8).astype(np.int32)


class Stepped(FakeDataset):
    """Images of levels 1, 33, 65, ... in diagonal stripes."""

    def image(self, image_id):
        return np.repeat(32 * LEVELS[..., None] + 1, 3, 2).astype(np.uint8)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("factor", "blur"), [(0.5, 32), (1.0, 1), (2.0, 32)])
def test_image_and_regions_get_the_same_geometry(tmp_path, seed, factor, blur):
    """Regions that are the stripes follow them through scale, mirror and crop."""
    _, make = maker(tmp_path, 20, (factor,), dataset=Stepped(), regions=lambda _: LEVELS)
    item = make("image_000", rng(seed))
    numbers = np.unique(item["regions"])
    assert numbers.tolist() == list(range(len(numbers)))
    levels, inside = item["image"][0] + 126, item["image"][0] != 0
    for number in numbers:
        stripe = levels[(item["regions"] == number) & inside]
        assert not stripe.size or np.ptp(stripe) <= blur


def test_items_depend_on_the_seed_alone(tmp_path):
    _, make = maker(tmp_path, rescale=(0.5, 1.0, 2.0), jitter=(0.3, 0.3, 0.3, 0.1))
    item, again, other = (make("image_000", rng(seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(item[part], again[part]) for part in item)
    assert not np.array_equal(item["image"], other["image"])
    assert item["present"].tolist() == [1, 1]


def test_a_corner_window_never_moves_a_short_side():
    assert draw_corner_window(5, 8, rng()) == (slice(0, 5), slice(0, 5))
    starts = {draw_corner_window(8, 5, rng(seed))[0].start for seed in range(30)}
    assert starts == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("size", "expected"), [((24, 32), (65, 65)), ((65, 66), (65, 73)), ((200, 74), (201, 81))]
)
def test_a_large_image_gets_a_canvas_of_whole_steps(size, expected):
    assert canvas_of(np.zeros((*size, 3), np.uint8), 65, 8) == expected


def test_the_canvas_has_the_mean_colour_which_need_not_be_subtracted():
    image = np.full((2, 3, 3), 130, np.uint8)
    values = on_canvas(image, (4, 5), BACKBONE.mean, BACKBONE.std)[0, 0].numpy()
    assert values[:2, :3] == pytest.approx(3, abs=1e-3)
    assert not values[2:].any()
    assert not values[:, 3:].any()
    values = on_canvas(image, (4, 5), BACKBONE.mean, BACKBONE.std, subtract=False)[0, 0].numpy()
    assert values[:2, :3] == pytest.approx(130, abs=1e-3)
    assert values[2:] == pytest.approx(127, abs=1e-3)


def test_maps_are_enlarged_to_the_canvas_and_cropped():
    maps = np.arange(4, dtype=np.float32).reshape(1, 2, 2)
    at = at_image(maps, (4, 4), (2, 3))
    assert at.shape == (1, 2, 3)
    assert at[0, 0].tolist() == [0, 0.25, 0.75]
    assert at_image(maps[:0], (4, 4), (2, 3)).shape == (0, 2, 3)
