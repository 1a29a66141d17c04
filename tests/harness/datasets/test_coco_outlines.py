"""Outlines of COCO's format by hand, and what is wrong with them."""

import json
import warnings

import numpy as np
import pytest

from wsss_harness.contract.errors import DataError
from wsss_harness.datasets.coco.index import read_images, write_index
from wsss_harness.datasets.coco.outlines import box_of, instance_pixels, run_lengths

SIZE = HEIGHT, WIDTH = 4, 6
SQUARE = [[1, 1, 4, 1, 4, 3, 1, 3]]  # three columns of two rows
BOX = [1, 1, 3, 2]


def by_text(*numbers):
    """COCO's text of small numbers, -16 to 15: one character each."""
    return "".join(chr(48 + (number & 31)) for number in numbers)


def annotation(**changes):
    entry = {"id": 5, "image_id": 1, "category_id": 3, "area": 6, "bbox": BOX}
    return {**entry, "segmentation": SQUARE, **changes}


def index(folder, *annotations, image=(), draws=True, category=3):
    """The images of an index of one file with one image, ``a``."""
    size = {"height": HEIGHT, "width": WIDTH, **dict(image)}
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", **size}],
        "annotations": annotations,
        "categories": [{"id": category, "name": "cat"}],
    }
    (folder / "instances.json").write_text(json.dumps(content))
    write_index(folder / "index.sqlite", {"train": folder / "instances.json"}, draws)
    return dict(read_images(folder / "index.sqlite"))


# What is drawn


def test_runs_go_down_the_columns():
    pixels = instance_pixels({"size": [4, 6], "counts": [5, 2, 16, 1]}, SIZE, "a")
    assert np.argwhere(pixels).tolist() == [[1, 1], [2, 1], [3, 5]]


def test_compressed_lengths_are_differences_from_the_fourth_on():
    outline = {"size": [4, 6], "counts": by_text(5, 2, 8, 1 - 2, 8 - 8)}
    assert run_lengths(outline, SIZE).tolist() == [5, 2, 8, 1, 8]


def test_compressed_lengths_have_five_bits_in_a_character():
    # 24 = 0b11000: a low character with the sign of more, 24 + 32, and a high one of 0
    assert run_lengths({"size": [4, 6], "counts": chr(48 + 56) + "0"}, SIZE).tolist() == [24]


@pytest.mark.parametrize("counts", [[24], [0, 24], [5, 2, 17], [3, 6, 15], [0, 1, 22, 1]])
def test_runs_are_drawn_as_pycocotools_draws_them(counts):
    mask = pytest.importorskip("pycocotools.mask")
    plain = {"size": [4, 6], "counts": counts}
    encoded = mask.frPyObjects(plain, *SIZE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of numpy 1 functions it calls
        pixels = mask.decode(encoded)
    compressed = {**plain, "counts": encoded["counts"].decode()}
    for outline in (plain, compressed):
        np.testing.assert_array_equal(instance_pixels(outline, SIZE, "a"), pixels)
    rows, columns = np.nonzero(pixels)
    ends = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) if len(rows) else None
    assert box_of(plain, SIZE) == ends


def test_a_polygon_may_leave_its_image():
    pytest.importorskip("pycocotools")
    pixels = instance_pixels([[-2, -2, 2, -2, 2, 1, -2, 1]], SIZE, "a")
    assert np.argwhere(pixels).tolist() == [[0, 0], [0, 1]]


def test_a_polygon_of_two_points_encloses_nothing():
    pytest.importorskip("pycocotools")
    two_points = [0, 0, 6, 4]  # first in the list it would make pycocotools draw boxes
    pixels = instance_pixels([two_points, *SQUARE], SIZE, "a")
    assert pixels.sum() == 6
    assert box_of([two_points], SIZE) is None
    assert not instance_pixels([two_points], SIZE, "a").any()


# What cannot be drawn

WRONG = {
    "too short in all": {"size": [4, 6], "counts": [10, 5]},
    "too long in all": {"size": [4, 6], "counts": [10, 15]},
    "negative": {"size": [4, 6], "counts": [20, -2, 6]},
    "fractions": {"size": [4, 6], "counts": [20.5, 3.5]},
    "no lengths": {"size": [4, 6], "counts": []},
    "compressed and too short": {"size": [4, 6], "counts": by_text(10, 5)},
    "compressed and broken off": {"size": [4, 6], "counts": chr(48 + 56)},
    "compressed without an end": {"size": [4, 6], "counts": "o" * 99},
    "other text": {"size": [4, 6], "counts": "4 8 12 ß"},
    "height and width swapped": {"size": [6, 4], "counts": [10, 14]},
    "no size": {"counts": [10, 14]},
    "odd": [[1, 1, 4, 1, 4, 3, 1]],
    "odd, not the first": [*SQUARE, [1, 1, 4, 1, 4, 3, 1]],
    "one point": [[1, 2]],
    "text": [["1", "1", "4", "1", "4", "3"]],
    "truth values": [[True, 1, 4, 1, 4, 3]],
    "flat": SQUARE[0],
    "points as pairs": [[[1, 1], [4, 1], [4, 3]]],
    "far to the right": [[1, 1, 1e12, 1, 4, 3]],
    "far to the left": [[1, 1, -1e12, 1, 4, 3]],
    "far below": [[1, 1, 4, 1, 4, 10**400]],
    "nothing": None,
    "nothing enclosed": [],
    "two points": [[1, 1, 4, 3]],
}


@pytest.mark.parametrize("outline", WRONG.values(), ids=WRONG)
def test_an_outline_that_cannot_be_drawn_is_named_before_training(tmp_path, outline):
    with pytest.raises(DataError, match=r"instances\.json: annotation 5 of image a has"):
        index(tmp_path, annotation(), annotation(segmentation=outline))


def test_infinity_is_refused_as_a_coordinate(tmp_path):
    index(tmp_path, annotation())
    text = (tmp_path / "instances.json").read_text().replace("[[1, 1, 4,", "[[1, 1, 1e999,")
    (tmp_path / "instances.json").write_text(text)
    with pytest.raises(DataError, match="a coordinate far outside its 6x4 pixels"):
        write_index(tmp_path / "index.sqlite", {"train": tmp_path / "instances.json"})


def test_an_annotation_without_an_id_is_named_by_its_place(tmp_path):
    wrong = {key: value for key, value in annotation(segmentation=[[1]]).items() if key != "id"}
    with pytest.raises(DataError, match="annotation 2 in the list of image a has a polygon"):
        index(tmp_path, annotation(), wrong)


def test_an_outline_of_no_area_encloses_nothing(tmp_path):
    index(
        tmp_path,
        annotation(segmentation=[], area=0),
        annotation(segmentation=[[1, 1, 2, 1]], area=0),
    )


def test_outlines_that_are_not_drawn_are_not_checked(tmp_path):
    assert index(tmp_path, annotation(segmentation=None), draws=False)["a"].categories == (3,)


# Outlines against what is written beside them

NORMALISED = [[1 / 6, 1 / 4, 4 / 6, 1 / 4, 4 / 6, 3 / 4, 1 / 6, 3 / 4]]
CONTRADICTIONS = {
    "normalised": {"segmentation": NORMALISED},
    "normalised, as box and area": {
        "segmentation": NORMALISED,
        "bbox": [1 / 6, 0.25, 0.5, 0.5],
        "area": 0.25,
    },
    "without a box": {"segmentation": NORMALISED, "bbox": None},
    "elsewhere": {"segmentation": [[3, 2, 6, 2, 6, 4, 3, 4]], "bbox": [0, 0, 3, 2]},
    "rows before columns": {"segmentation": [[0, 0, 1, 0, 1, 6, 0, 6]], "bbox": [0, 0, 6, 1]},
    "smaller than its area": {"segmentation": SQUARE, "bbox": None, "area": 25},
    "of a larger picture": {"segmentation": [[5, 2, 11, 2, 11, 6, 5, 6]], "bbox": [5, 2, 6, 4]},
    "runs along the rows": {
        "segmentation": {"size": [4, 6], "counts": [0, 6, 18]},
        "bbox": [0, 0, 6, 1],
    },
}


@pytest.mark.parametrize("changes", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_outlines_that_contradict_their_annotations_are_refused(tmp_path, changes):
    with pytest.raises(DataError, match=r"instances\.json: 2 of 3 .* annotation 5 of image a"):
        index(tmp_path, annotation(), annotation(**changes), annotation(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"bbox": None},
        {"bbox": [0, 0, 0, 0]},
        {"bbox": [3, 0, 5, 4], "segmentation": [[3, 0, 8, 0, 8, 4, 3, 4]]},  # cut at the right
        {"bbox": [1, 1, 4, 3]},  # two corners
        {"bbox": [1, 1, 10**400, 2]},
        {"area": 1.0},
        {"area": 24},  # above the 6 of the polygon, but not by twice the 12 of rounding
        {"segmentation": {"size": [4, 6], "counts": [5, 2, 2, 2, 2, 2, 9]}},
    ],
)
def test_outlines_that_agree_with_their_annotations_pass(tmp_path, changes):
    assert index(tmp_path, annotation(**changes))["a"].categories == (3,)


def test_a_tenth_of_the_outlines_may_contradict_their_annotations(tmp_path):
    wrong = annotation(segmentation=NORMALISED)
    index(tmp_path, *[annotation()] * 9, wrong)
    with pytest.raises(DataError, match="1 of 9 outlines contradict"):
        index(tmp_path, *[annotation()] * 8, wrong)


# Numbers that would be cut


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"image": {"height": 4.9}}, "image 1 .4.9 is not a whole number"),
        ({"image": {"width": "6"}}, "'6' is not a whole number"),
        ({"image": {"height": 0}}, "6x0 pixels"),
        ({"image": {"height": 1e30}}, "1e.30 is not a whole number"),
        ({"image": {"height": True}}, "True is not a whole number"),
        ({"category": 3.7}, "3.7 is not a whole number"),
        ({"category": "3"}, "'3' is not a whole number"),
    ],
)
def test_sizes_and_categories_that_are_not_whole_are_refused(tmp_path, changes, named):
    with pytest.raises(DataError, match=rf"instances\.json.*{named}"):
        index(tmp_path, annotation(), **changes)


@pytest.mark.parametrize(
    "changes", [{"category_id": 3.7}, {"iscrowd": "0"}, {"iscrowd": 2}, {"area": "6"}, {"area": -6}]
)
def test_annotations_of_wrong_values_are_named(tmp_path, changes):
    with pytest.raises(DataError, match=r"instances\.json has a wrong value in annotation 5"):
        index(tmp_path, annotation(**changes))


def test_whole_numbers_may_be_written_with_a_point(tmp_path):
    image = index(tmp_path, annotation(category_id=3.0), image={"height": 4.0}, category=3.0)["a"]
    assert (image.height, image.categories) == (4, (3,))


@pytest.mark.parametrize("entry", [3, None, "a", [1, 2]])
def test_an_entry_that_is_no_annotation_is_named_by_its_place(tmp_path, entry):
    with pytest.raises(DataError, match=r"instances\.json has .* in annotation 2 in the list"):
        index(tmp_path, annotation(), entry)
