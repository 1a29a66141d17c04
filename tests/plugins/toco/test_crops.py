"""Local crops against the released numbers."""

import torch
from golden_files import close, fill, golden

from wsss_toco.crops import LocalCrops
from wsss_toco.schedule import rate_at


def numbers(name):
    return torch.from_numpy(golden("toco.npz")[name])


def permutation(image):
    """The released permutation, of which the first entries are known."""
    length, first = int(numbers(f"crop_perm{image}_len")), numbers(f"crop_perm{image}_first")

    def permute(count):
        assert count == length
        return first

    return permute


def test_crops_and_their_flags_are_the_released_ones():
    regions, flags = numbers("crop_roi").long(), numbers("crop_flags")
    expected = numbers("crop_channel0")
    crops = LocalCrops(expected.shape[1], int(numbers("crop_size")))
    images = fill("toco.cropimage", -1, 1, (len(regions), 3, *regions.shape[1:]))
    for number, certain in enumerate(regions):
        corners = crops.corners(certain <= 1, permutation(number))
        assert close(crops.cut(images[number, 0], corners), expected[number], 1e-7)
        assert torch.equal(crops.positive(certain, corners), flags[number, 2:])


def test_every_pixel_is_a_candidate_where_nothing_is_unsure():
    crops = LocalCrops(count=3, size=4)
    corners = crops.corners(torch.zeros(8, 9, dtype=torch.bool), torch.randperm)
    assert len(corners) == 3
    assert len(corners.unique(dim=0)) == 3


def test_rate_is_the_released_one():
    rates = [rate_at(int(step), 20_000) for step in numbers("lr_step")]
    assert close(rates, numbers("lr"), 1e-12)
