"""Lists are read as they are meant, and lists of other tools are refused by name."""

import pytest

from wsss_harness.contract.errors import DataError
from wsss_harness.datasets.lists import read_list, refuse_one_file, refuse_twins

KNOWN = ("a", "b", "aachen/img0", "my cat 1", "été")


@pytest.fixture
def listed(tmp_path):
    def read(content, encoding="utf-8"):
        path = tmp_path / "train.txt"
        path.write_bytes(content.encode(encoding))
        return read_list(path, KNOWN, "labels.json")

    return read


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", " \n", "\r"])
def test_ids_are_lines(listed, encoding, end):
    ids = ("b", "a", "aachen/img0", "my cat 1", "été")
    assert listed(end.join(ids) + end, encoding) == ids
    assert listed(end + end.join(ids), encoding) == ids


def test_a_line_of_known_ids_lists_each(listed):
    assert listed("a b\nmy cat 1") == ("a", "b", "my cat 1")


@pytest.mark.parametrize(
    "line",
    [
        "/JPEGImages/a.jpg /Truth/a.png",
        "a -1",
        "a  1",
        "a.jpg",
        "JPEGImages/a.jpg SegmentationClass/a.png",
        "b.PNG",
    ],
)
def test_a_list_with_columns_or_suffixes_is_refused_with_the_remedy(listed, line):
    with pytest.raises(DataError, match=r"train\.txt lists .* a line holds one image id and noth"):
        listed(f"b\n{line}\n")


@pytest.mark.parametrize(
    "image_id",
    ["/a", "../a", "a/../b", "a//b", "a/", "./a", "a\\b", "C:a", "a\0b", "a\x07c", "a" * 201],
)
def test_an_id_that_is_no_relative_path_is_refused(listed, image_id):
    with pytest.raises(DataError, match=r"train\.txt lists .*, which is not an image id"):
        listed(f"b\n{image_id}\n")


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_a_list_in_another_encoding_is_refused(listed, encoding):
    with pytest.raises(DataError, match=r"train\.txt is not encoded in UTF-8"):
        listed("a\nété\n", encoding)


def test_a_list_of_nothing_or_of_one_image_twice_is_refused(listed):
    with pytest.raises(DataError, match=r"train\.txt is empty"):
        listed("\ufeff\r\n \n")
    with pytest.raises(DataError, match=r"train\.txt lists image a more than once"):
        listed("a\nb\na \n")


def test_a_list_that_is_missing_or_a_folder_is_named(tmp_path):
    with pytest.raises(DataError, match=r"few\.txt is missing"):
        read_list(tmp_path / "few.txt", KNOWN, "labels.json")
    with pytest.raises(DataError, match="cannot be read"):
        read_list(tmp_path, KNOWN, "labels.json")


@pytest.mark.parametrize(
    ("read", "beside"),
    [("a.jpg", "a.jpeg"), ("a.jpg", "a.JPG"), ("a.png", "a.PNG"), ("x/a.png", "x/a.Png")],
)
def test_two_files_for_one_id_are_refused(tmp_path, read, beside):
    (tmp_path / "x").mkdir()
    (tmp_path / read).touch()
    paths = [tmp_path / read, tmp_path / "none/b.png"]
    refuse_twins(paths)
    (tmp_path / beside).touch()
    with pytest.raises(DataError, match=r"is read, but .* may be meant"):
        refuse_twins(paths)


def test_files_of_other_kinds_beside_those_that_are_read_do_not_matter(tmp_path):
    names = ("a.jpg", "a.png", "a.txt", "ab.jpeg", "b.PNG")
    for name in names:
        (tmp_path / name).touch()
    refuse_twins([tmp_path / "a.jpg", tmp_path / "a.png", tmp_path / "b.png"])


def test_ids_that_differ_by_case_are_refused_if_they_have_one_file(tmp_path):
    (tmp_path / "a.jpg").touch()
    (tmp_path / "other.jpg").touch()
    refuse_one_file(["a", "A"], lambda image_id: tmp_path / f"{image_id}.jpg")
    refuse_one_file(["a", "A"], lambda i: tmp_path / ("a.jpg" if i == "a" else "other.jpg"))
    with pytest.raises(DataError, match="the images a and A differ by case alone"):
        refuse_one_file(["a", "A"], lambda _: tmp_path / "a.jpg")
