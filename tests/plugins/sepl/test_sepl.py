"""SEPL: the rule by a plain loop, cases by hand, and the released program."""

import numpy as np
import pytest
from golden_files import golden

from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.hookspecs import MaskRefiner
from wsss_harness.contract.types import Sample
from wsss_sepl import Sepl, rule, wsss_mask_refiners
from wsss_sepl.regions import NumberMap, Stack

NONE = np.zeros(0, np.int64)


def refine(mask, regions, **options):
    """The mask by stacks of masks."""
    return Sepl(**options).refine(Sample("a", lambda part: np.asarray(regions, bool)), mask)


def loop(mask, regions, half=0.5, most=0.85):
    """The released rule by plain loops: the refined mask, and who took each region."""
    result, takers = np.zeros_like(mask), [0] * len(regions)
    for number in range(1, 255):
        pixels = {tuple(p) for p in np.argwhere(mask == number)}
        if not pixels:
            continue
        left = [m for m in range(len(regions)) if takers[m] == 0]
        cover = {tuple(p) for m in left for p in np.argwhere(regions[m])}
        for m in left:
            region = {tuple(p) for p in np.argwhere(regions[m])}
            both = len(pixels & region)
            if both and (both > half * len(region) or both / len(pixels) >= most):
                takers[m] = number
                for y, x in region:
                    result[y, x] = number
        for y, x in pixels - cover:
            result[y, x] = number
    return result, takers


def drawn(seed):
    """A mask of three classes and 255, and regions that overlap, some of them empty."""
    rng = np.random.default_rng(seed)
    mask = np.kron(rng.choice([0, 0, 1, 2, 7, 255], (4, 5)), np.ones((3, 3))).astype(np.uint8)
    regions = np.zeros((6, *mask.shape), bool)
    for region in regions[:5]:
        (top, bottom), (left, right) = (np.sort(rng.integers(0, n + 1, 2)) for n in mask.shape)
        region[top:bottom, left:right] = True
    return mask, regions


@pytest.mark.parametrize("seed", range(30))
def test_it_agrees_with_a_loop(seed):
    mask, regions = drawn(seed)
    half, most = [(0.5, 0.85), (0.2, 0.4)][seed % 2]
    expected, _ = loop(mask, regions, half, most)
    assert np.array_equal(refine(mask, regions, half=half, most=most), expected)


ROW = np.array([[1, 1, 1, 1, 0, 0, 2, 2]], np.uint8)


def region(*columns):
    stack = np.zeros((1, *ROW.shape), bool)
    stack[0, 0, list(columns)] = True
    return stack


def test_a_region_of_which_a_class_has_exactly_half_is_not_taken_and_hides_its_pixels():
    assert refine(ROW, region(2, 3, 4, 5)).tolist() == [[1, 1, 0, 0, 0, 0, 2, 2]]
    assert refine(ROW, region(1, 2, 3, 4, 5)).tolist() == [[1, 1, 1, 1, 1, 1, 2, 2]]


def test_a_region_that_covers_most_of_a_class_is_taken_however_large():
    assert refine(ROW, region(*range(8))).tolist() == [[1, 1, 1, 1, 1, 1, 2, 2]]
    assert refine(ROW, region(0, 1, 2, 4, 5), most=0.75).tolist() == [[1, 1, 1, 1, 1, 1, 2, 2]]


def test_without_regions_the_mask_stays():
    assert np.array_equal(refine(ROW, region()[:0]), ROW)
    assert not refine(np.zeros_like(ROW), region(1, 2)).any()


def test_of_two_claims_the_lowest_class_or_the_larger_part_wins():
    mask = np.array([[1, 0, 2, 2, 2, 0]], np.uint8)
    whole = np.ones((1, *mask.shape), bool)
    assert refine(mask, whole).tolist() == [[1, 1, 2, 2, 2, 1]]
    assert refine(mask, whole, conflicts="largest", cover="all").tolist() == [[2] * 6]


def test_pixels_under_a_region_of_a_lower_class_are_kept_unless_all_regions_cover():
    mask = np.array([[1, 1, 1, 2, 0, 2]], np.uint8)
    regions = np.array([[[True, True, True, True, False, False]]])
    assert refine(mask, regions).tolist() == [[1, 1, 1, 2, 0, 2]]
    assert refine(mask, regions, cover="all").tolist() == [[1, 1, 1, 1, 0, 2]]


def test_open_pixels_become_background_or_stay_open():
    mask = np.array([[255, 1, 1, 255]], np.uint8)
    regions = np.array([[[True, True, True, False]]])
    assert refine(mask, regions).tolist() == [[1, 1, 1, 0]]
    assert refine(mask, regions, open_pixels="kept").tolist() == [[1, 1, 1, 255]]


def test_superpixels_are_regions_as_well():
    numbers = np.array([[0, 0, 0, 1, 1, 1, 2, 2]], np.int32)
    refined = Sepl().refine(Sample("a", lambda part: numbers), ROW)
    assert refined.tolist() == [[1, 1, 1, 0, 0, 0, 2, 2]]


@pytest.mark.parametrize("seed", range(8))
def test_maps_of_numbers_and_the_same_masks_agree(seed):
    mask, _ = drawn(seed)
    numbers = np.kron(np.random.default_rng(seed).integers(0, 40, (4, 5)), np.ones((3, 3)))
    numbers = numbers.astype(np.int32)
    stack = numbers == np.arange(numbers.max() + 1)[:, None, None]
    by_numbers = Sepl().refine(Sample("a", lambda part: numbers), mask)
    assert np.array_equal(by_numbers, refine(mask, stack))
    chosen = np.random.default_rng(seed).random(len(stack)) < 0.5
    pixels = mask > 0
    for part, argument in (("count", pixels), ("union", chosen)):
        both = (getattr(kind, part)(argument) for kind in (NumberMap(numbers), Stack(stack)))
        assert np.array_equal(*both)


def test_it_is_announced_as_a_refiner_of_masks_that_reads_regions():
    assert wsss_mask_refiners() == {"sepl": Sepl}
    assert isinstance(Sepl(), MaskRefiner)
    assert Sepl.needs == {"regions"}


def test_defaults_are_released():
    sepl = Sepl()
    assert (sepl.half, sepl.most, sepl.conflicts) == (0.5, 0.85, "lowest")
    assert (sepl.cover, sepl.open_pixels) == ("not_taken_before", "background")


@pytest.mark.parametrize("name", ["half", "most"])
def test_a_share_out_of_range_is_named(name):
    with pytest.raises(ConfigError, match=f"option '{name}'"):
        Sepl(**{name: 1.5})


@pytest.mark.golden
def test_golden_masks_and_who_took_each_region():
    file, sepl = golden("sepl.npz"), Sepl()
    for case in range(int(file["n_cases"])):
        mask, regions = file[f"case{case}_label"], file[f"case{case}_masks"] == 255
        classes = [c for c in rule.classes_of(mask) if c < int(file[f"case{case}_num_cls"])]
        taken_by = sepl.taken_by(mask, Stack(regions), classes) if classes else NONE
        name = file["case_names"][case]
        if classes:
            assert taken_by.tolist() == file[f"case{case}_taken_by"].tolist(), name
        assert classes or not file[f"case{case}_taken_by"].any(), name
        refined = rule.refined(mask, Stack(regions), taken_by, classes, sepl.cover)
        assert np.array_equal(refined, file[f"case{case}_enhanced"]), name
        # The order of regions does not matter.
        turned = rule.refined(mask, Stack(regions[::-1]), taken_by[::-1], classes, sepl.cover)
        assert np.array_equal(turned, refined), name
