"""What SGAN sees of an image, as in the official program, and what it refuses."""

import numpy as np
import pytest
import torch
from fake_data import FakeDataset, view
from golden_files import close, golden

from wsss_harness import ClassScores, DataError, Sample
from wsss_harness.networks import backbones
from wsss_sgan.attention import background_similarity
from wsss_sgan.items import Squashing, item_maker
from wsss_sgan.network import grid_of
from wsss_sgan.settings import SganSettings, vgg16

BACKBONE = backbones.build(**{**vgg16(), "width": 0.0625})


class OnePicture(FakeDataset):
    """A dataset whose images are all the official picture, with its saliency and labels."""

    classes = tuple(f"class {number}" for number in range(1, 21))

    def __init__(self, image, saliency, present):
        super().__init__()
        self.picture, self.grey, self.labels = image, saliency, present

    def image(self, image_id):
        return self.picture

    def saliency(self, image_id):
        return self.grey

    def present(self, image_id):
        return self.labels


def official_item(folder, number):
    """Our item of the official picture ``number``; only the first has colours."""
    file = golden("sgan2.npz")
    grey, seeds = file[f"item{number}_sal"], file[f"item{number}_seed"]
    blank = np.zeros((*grey.shape, 3), np.uint8)
    present = tuple((file[f"item{number}_label"].nonzero()[0] + 1).tolist())
    dataset = OnePicture(
        file.get(f"item{number}_picture", blank), np.divide(grey, 255, dtype=np.float32), present
    )
    classes = tuple(c for c in np.unique(seeds).tolist() if 0 < c < 21)
    values = np.stack([seeds == c for c in classes]).astype(np.float32)
    scores = ClassScores(classes, values)
    flip = float(file["item_mirrored"][number])
    settings = SganSettings(crop=int(file["item_size"]), flip=flip)
    make = item_maker(
        view(folder, dataset=dataset), lambda _: scores, settings, Squashing.of(settings, BACKBONE)
    )
    return make("image_000", np.random.default_rng(0))


@pytest.mark.golden
@pytest.mark.parametrize("number", [0, 1])
def test_golden_items(tmp_path, number):
    file, item = golden("sgan2.npz"), official_item(tmp_path, number)
    reduced = file[f"item{number}_seed_reduced"]
    assert np.array_equal(item["seeds"], np.where(reduced == 20, 255, reduced))
    assert np.array_equal(item["salient"], file[f"item{number}_salient"])
    assert np.array_equal(item["present"], file[f"item{number}_label"])
    if f"item{number}_picture" in file:
        bgr = item["image"][::-1, ::16, ::16]
        assert close(bgr, file[f"item{number}_image_sub"], 1e-4)


@pytest.mark.golden
@pytest.mark.parametrize("number", [0, 1])
def test_golden_background_similarity_of_items(number):
    file = golden("sgan2.npz")
    salient = torch.from_numpy(file[f"item{number}_salient"]).float()
    shares = background_similarity(salient[None])[0]
    rows, columns = shares.sum(1), shares.sum(0)
    values = {
        "max": shares.max(),
        "row_sum_min": rows.min(),
        "row_sum_max": rows.max(),
        "col_sum_min": columns.min(),
        "col_sum_max": columns.max(),
    }
    names = file["item_bg_sim_value_names"].tolist()
    ours = np.array([float(values[name]) for name in names])
    assert close(ours, file[f"item{number}_bg_sim_values"], 1e-4)


def maker(folder, scores=None, dataset=None, crop=32, **options):
    settings = SganSettings(crop=crop, **options)
    data = view(folder, dataset=dataset)
    squashing = Squashing.of(settings, BACKBONE)
    return item_maker(data, scores or truth_scores, settings, squashing)


def truth_scores(image_id):
    truth, present = FakeDataset().truth(image_id), FakeDataset().present(image_id)
    return ClassScores(present, np.stack([truth == c for c in present]).astype(np.float32))


def rng(seed=0):
    return np.random.default_rng(seed)


def test_all_parts_of_an_item_are_mirrored_together(tmp_path):
    plain, mirrored = (
        maker(tmp_path, crop=128, salient=0.5, flip=f)("image_001", rng()) for f in (0.0, 1.0)
    )
    assert np.array_equal(plain["image"][..., ::-1], mirrored["image"])
    for name in ("salient", "seeds"):
        before, after = (item[name] != item[name][0, 0] for item in (plain, mirrored))
        assert before.any(0).nonzero()[0].max() < 10  # of 16 columns
        assert after.any(0).nonzero()[0].min() >= 6


def test_seeds_are_where_scores_are_above_the_share_of_their_largest(tmp_path):
    def weak(image_id):
        scores = truth_scores(image_id)
        return ClassScores(scores.classes, scores.values * 0.2 + 0.02)

    expected = maker(tmp_path, flip=0.0)("image_000", rng())["seeds"]
    assert np.array_equal(maker(tmp_path, weak, flip=0.0)("image_000", rng())["seeds"], expected)
    few = maker(tmp_path, weak, flip=0.0, seed_threshold=0.05)("image_000", rng())["seeds"]
    assert (few != 255).all()


def test_colours_can_be_jittered(tmp_path):
    plain, changed = (
        maker(tmp_path, flip=0.0, jitter=(strength, 0.0, 0.0, 0.0))("image_000", rng())["image"]
        for strength in (0.0, 0.5)
    )
    assert not np.array_equal(plain, changed)


@pytest.mark.parametrize("side", [32, 33, 36, 40, 41])
@pytest.mark.parametrize("pools", [[3, 3, 3, 0, 0], [2, 2, 2, 0, 0]])
def test_the_grid_is_that_of_the_features(side, pools):
    backbone = backbones.build(**{**vgg16(), "width": 0.0625, "pools": pools})
    assert grid_of(backbone, side) == backbone(torch.zeros(1, 3, side, side))["out"].shape[2]
    assert backbone.training


def test_scores_of_another_size_are_named(tmp_path):
    def small(image_id):
        return ClassScores((1,), np.ones((1, 9, 9), np.float32))

    with pytest.raises(DataError, match=r"image_000.*\(9, 9\).*\(24, 32\)"):
        maker(tmp_path, small)("image_000", rng())


def test_saliency_of_another_size_is_named():
    parts = {"image": np.zeros((24, 32, 3), np.uint8), "saliency": np.zeros((9, 9), np.float32)}
    squashing = Squashing.of(SganSettings(crop=32), BACKBONE)
    with pytest.raises(DataError, match=r"saliency.*odd.*\(9, 9\).*\(24, 32\)"):
        squashing.salient(Sample("odd", parts.__getitem__))
