"""Training items of ToCo and SeCo."""

import numpy as np
import pytest
from fake_data import FakeDataset, view

from wsss_harness.networks.classmaps.augment import Cropping, normalise
from wsss_toco.items import ItemMaker, Look, Looks

SIDE = 40
PLAIN = Looks(Look(plain=True), second=Look(plain=True), parts=Look(plain=True))


def maker(tmp_path, looks=PLAIN, rescale=(1.0, 1.0), again=False, crop=SIDE, flip=0.5):
    cropping = Cropping(crop=crop, mean=(0,) * 3, std=(1,) * 3, jitter=(0.4, 0.4, 0.2, 0.1))
    cropping = type(cropping)(**{**vars(cropping), "flip": flip})
    return ItemMaker(view(tmp_path), cropping, rescale, looks, again)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_image_lies_in_its_box_and_black_around_it(tmp_path):
    item = maker(tmp_path, flip=0.0)("image_001", rng())
    top, bottom, left, right = item["box"]
    assert (bottom - top, right - left) == (24, 32)
    expected = normalise(FakeDataset().image("image_001"), (0,) * 3, (1,) * 3)
    assert np.array_equal(item["image"][:, top:bottom, left:right], expected)
    outside = item["image"].copy()
    outside[:, top:bottom, left:right] = 0
    assert not outside.any()


@pytest.mark.parametrize("seed", range(4))
def test_looks_at_one_crop_share_its_geometry(tmp_path, seed):
    item = maker(tmp_path, rescale=(0.5, 2.0), crop=24)("image_003", rng(seed))
    assert np.array_equal(item["image"], item["parts"])
    assert item["second"].shape == item["image"].shape
    assert not np.array_equal(item["second"], item["image"])


def test_released_looks_are_mirrored_again(tmp_path):
    make = maker(tmp_path, Looks(Look(), Look(), Look()), again=True, flip=0.5)
    pairs = [
        (item["image"], item["parts"]) for item in (make("image_001", rng(n)) for n in range(9))
    ]
    unlike = [np.abs(a - b).mean() for a, b in pairs]
    mirrored = [np.abs(a - b[..., ::-1]).mean() for a, b in pairs]
    assert any(turned < plain for plain, turned in zip(unlike, mirrored, strict=True))


def test_colours_change_by_look(tmp_path):
    plain = maker(tmp_path, flip=0.0)("image_001", rng())
    looks = Looks(Look(blur=1.0), Look(solarise=1.0), Look(plain=True))
    changed = maker(tmp_path, looks, flip=0.0)("image_001", rng())
    assert np.array_equal(plain["box"], changed["box"])
    assert not np.array_equal(plain["image"], changed["image"])


def test_item_depends_on_its_random_numbers_alone(tmp_path):
    make = maker(tmp_path, Looks(Look(blur=1.0)))
    first, again = make("image_000", rng(3)), make("image_000", rng(3))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert list(first["present"]) == [1, 1]
