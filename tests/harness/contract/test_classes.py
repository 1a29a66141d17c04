"""A list of classes is taken as it is, or refused by the name of the class."""

import pytest

from wsss_harness.contract.classes import MOST, check_classes
from wsss_harness.contract.errors import DataError


@pytest.mark.parametrize(
    "names",
    [
        ["cat", "dog"],
        ("diningtable", "dining chair"),
        ["Hintergrundbild", "ground", "back"],
        [f"class {number}" for number in range(1, MOST + 1)],
    ],
)
def test_names_that_differ_are_taken_in_their_order(names):
    assert check_classes(names, "labels.json") == tuple(names)


@pytest.mark.parametrize(
    "name",
    ["background", "BackGround", "__background__", "_background_", "back ground", "BG", " bg "],
)
def test_background_is_no_class(name):
    with pytest.raises(DataError, match=r"labels.json lists .* as class 2, but 0 in a mask"):
        check_classes(["cat", name], "labels.json")


@pytest.mark.parametrize("name", ["void", "__ignore__", "Unlabeled", "UNLABELLED"])
def test_void_is_no_class(name):
    with pytest.raises(DataError, match=r"as class 1, but 255 in a mask"):
        check_classes([name, "cat"], "labels.json")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("cat", "cat"),
        ("cat", "Cat"),
        ("cat", "cat "),
        ("cat", "\tcat"),
        ("stop sign", "stop  sign"),
        ("stop sign", "stopsign"),
        ("caf\u00e9", "cafe\u0301"),
        ("Stra\u00dfe", "STRASSE"),
    ],
)
def test_two_classes_of_one_name_are_refused(first, second):
    with pytest.raises(DataError, match=r"labels.json: class (1.*class 3|3)"):
        check_classes([first, "dog", second], "labels.json")


@pytest.mark.parametrize(
    "name",
    ["", "  ", None, 3, ["cat"], {"name": "cat"}, "cat\n", "c\x00t", "stop\u00a0sign", "cat\u200b"],
)
def test_what_is_no_name_is_refused(name):
    with pytest.raises(DataError, match=r"labels.json: class 2 is"):
        check_classes(["dog", name], "labels.json")


@pytest.mark.parametrize("names", ["cat", None, {"cat": 1}, 3])
def test_what_is_no_list_is_refused(names):
    with pytest.raises(DataError, match=r"labels.json: the classes are .* list of names"):
        check_classes(names, "labels.json")


@pytest.mark.parametrize("count", [0, MOST + 1, 300])
def test_masks_hold_254_classes(count):
    with pytest.raises(DataError, match=rf"labels.json has {count} classes; expected 1 to 254"):
        check_classes([f"c{number}" for number in range(count)], "labels.json")
