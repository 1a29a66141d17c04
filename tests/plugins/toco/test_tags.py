"""The tags of SeCo against the released numbers."""

import pytest
import torch
from golden_files import close, fill, golden

from wsss_toco.crops import LocalCrops
from wsss_toco.labels import UNCERTAIN
from wsss_toco.tags import BACKGROUND, SEVERAL, Tagger

RELEASED = {"counted": "numbers", "empty": "released"}


def numbers(name):
    return torch.from_numpy(golden("seco.npz")[name])


@pytest.fixture(scope="module")
def crops():
    size, count = numbers("tag_crop_size_num").tolist()
    return LocalCrops(count, size)


@pytest.fixture(scope="module")
def corners(crops):
    def of(image):
        first = numbers("tag_perm_first")[image]
        return crops.corners(regions_of(image) == UNCERTAIN, lambda count: first)

    return of


def regions_of(image):
    return numbers("tag_roi")[image].long()


@pytest.mark.parametrize(("name", "threshold"), [("tag_flags", 0.2), ("tag_flags_threshold1", 1.0)])
def test_tags_are_the_released_ones(crops, corners, name, threshold):
    tagger = Tagger(threshold, **RELEASED)
    for image, flags in enumerate(numbers(name).long()):
        tags = tagger.of_crops(regions_of(image), crops, corners(image))
        whole = torch.full((2,), tagger.of_image(regions_of(image)))
        assert torch.equal(torch.cat((whole, tags)), flags)


def test_crops_and_their_means_are_the_released_ones(crops, corners):
    images = fill(
        "seco.cropimage", -1, 1, (len(numbers("tag_roi")), 3, *numbers("tag_roi").shape[1:])
    )
    tagger = Tagger(**RELEASED)
    for image in range(len(images)):
        regions = regions_of(image)
        regions = regions.where(regions != 255, 0)
        means = tagger.shares(regions, crops, corners(image))
        assert close(means, numbers("tag_sum_over_area")[image], 1e-6)
        rows = crops.cut(images[image, 0], corners(image))[:, 0]
        assert close(rows, numbers("tag_crop_channel0_row0")[image], 1e-7)


def test_candidates_are_counted_as_released(crops):
    half, counts = crops.size // 2, []

    def permute(count):
        counts.append(count)
        return torch.arange(count)

    for image, expected in enumerate(numbers("tag_n_candidates").tolist()):
        inner = regions_of(image)[half:-half, half:-half]
        crops.corners(regions_of(image) == UNCERTAIN, permute)
        assert counts.pop() == (expected if expected >= crops.count else inner.numel())


def test_sound_tags_count_pixels():
    regions = torch.zeros(8, 8, dtype=torch.long)
    regions[:1, :4] = 20  # 6 % of the crop
    crop, corner = LocalCrops(1, 8), torch.zeros(1, 2, dtype=torch.long)
    assert Tagger().of_crops(regions, crop, corner).tolist() == [BACKGROUND]
    assert Tagger(**RELEASED).of_crops(regions, crop, corner).tolist() == [20]


def test_image_without_a_class_is_background_unless_released():
    empty = torch.full((4, 4), UNCERTAIN)
    assert Tagger().of_image(empty) == BACKGROUND
    assert Tagger(**RELEASED).of_image(empty) == 1
    assert Tagger().of_image(torch.tensor([[1, 2]])) == SEVERAL
