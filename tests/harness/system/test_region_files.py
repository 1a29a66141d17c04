"""Regions as other programs save them."""

import numpy as np
import pytest
from PIL import Image as PillowImage

from wsss_harness.contract.errors import DataError
from wsss_harness.system.pictures import write_grey, write_regions
from wsss_harness.system.region_files import read_regions, region_files, regions_of

SIZE = (4, 6)
MASKS = np.zeros((3, *SIZE), bool)
MASKS[0, :2], MASKS[1, 1:3, 2:], MASKS[2, 3, 5] = True, True, True  # the first two overlap


def save_masks(folder, masks, mode="L"):
    folder.mkdir(parents=True)
    for number, mask in enumerate(masks):
        picture = PillowImage.fromarray(np.where(mask, 255, 0).astype(np.uint8))
        picture.convert(mode).save(folder / f"{number}.png")


def test_a_map_gives_the_number_of_each_pixel(tmp_path):
    numbers = np.arange(24, dtype=np.int32).reshape(SIZE) * 300
    write_regions(tmp_path / "a.png", numbers)
    assert np.array_equal(read_regions(tmp_path, "a", SIZE), numbers)


@pytest.mark.parametrize("mode", ["L", "1", "RGB", "P"])
def test_a_folder_of_masks_gives_a_stack_in_the_order_of_names(tmp_path, mode):
    save_masks(tmp_path / "a", MASKS, mode)
    (tmp_path / "a/metadata.csv").write_text("id,area\n")
    stack = read_regions(tmp_path, "a", SIZE)
    assert stack.dtype == np.bool_
    assert np.array_equal(stack, MASKS)


@pytest.mark.parametrize("stack", [MASKS, np.where(MASKS, 255, 0).astype(np.uint8), MASKS[:0]])
def test_a_stack_of_numpy_is_read(tmp_path, stack):
    np.savez_compressed(tmp_path / "a.npz", stack)
    assert np.array_equal(read_regions(tmp_path, "a", SIZE), stack != 0)


def test_an_id_may_have_folders_in_it(tmp_path):
    np.savez(tmp_path / "b.npz", MASKS)
    save_masks(tmp_path / "city/a", MASKS)
    assert regions_of(tmp_path, "city/a") == tmp_path / "city/a"
    assert regions_of(tmp_path, "city") is None
    assert len(region_files(tmp_path)) == 4


def test_missing_regions_are_named_with_what_is_expected(tmp_path):
    with pytest.raises(DataError, match=r"no regions of image a; expected a\.png, a\.npz or"):
        read_regions(tmp_path, "a", SIZE)


def test_two_forms_of_one_image_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", MASKS)
    save_masks(tmp_path / "a", MASKS)
    with pytest.raises(DataError, match=r"a\.npz and .*both hold.*remove one"):
        read_regions(tmp_path, "a", SIZE)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ((MASKS[0],), r"\(4, 6\); expected \(M, 4, 6\)"),
        ((MASKS[:, :3],), r"\(3, 3, 6\); expected \(M, 4, 6\)"),
        ((MASKS, MASKS), "2 arrays"),
        ((MASKS.astype(np.float32),), "float32"),
        ((MASKS.astype(np.uint8),), "level 1"),
        ((np.array([{}]),), "cannot be read"),
    ],
)
def test_a_stack_of_another_kind_is_refused(tmp_path, arrays, words):
    np.savez(tmp_path / "a.npz", *arrays)
    with pytest.raises(DataError, match=words):
        read_regions(tmp_path, "a", SIZE)


def test_a_damaged_stack_is_refused(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 nothing else")
    with pytest.raises(DataError, match=r"a\.npz cannot be read"):
        read_regions(tmp_path, "a", SIZE)


@pytest.mark.parametrize("level", [1, 128, 254])
def test_a_mask_with_another_level_than_black_and_white_is_refused(tmp_path, level):
    (tmp_path / "a").mkdir()
    write_grey(tmp_path / "a/0.png", np.where(MASKS[0], level, 0).astype(np.uint8))
    with pytest.raises(DataError, match=rf"0\.png holds the level {level}; .*255 inside"):
        read_regions(tmp_path, "a", SIZE)


def test_a_mask_of_another_size_is_refused(tmp_path):
    save_masks(tmp_path / "a", MASKS[:, :3])
    with pytest.raises(DataError, match=r"6x3, but its image is 6x4"):
        read_regions(tmp_path, "a", SIZE)
