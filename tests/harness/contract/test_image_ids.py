"""Image ids are parts of paths, so only some texts are ids."""

import pytest

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.image_ids import NOTES, check_image_id
from wsss_harness.store.manifest import LEDGER, PARTS


@pytest.mark.parametrize(
    "image_id", ["2007_000032", "aachen/img0", "my cat 1", "été", "a.b", "..a", "ready/a", "a/read"]
)
def test_relative_paths_are_ids(image_id):
    assert check_image_id(image_id, "list") == image_id


@pytest.mark.parametrize(
    "image_id",
    ["", "/a", "..", "../a", "a/..", "a//b", "a/", ".", "a\\b", "D:a", "a\n", "é" * 101, 7, None],
)
def test_other_texts_are_refused(image_id):
    with pytest.raises(DataError, match=r"list lists .*, which is not an image id"):
        check_image_id(image_id, "list")


@pytest.mark.parametrize("folder", [LEDGER, PARTS])
def test_an_id_below_a_folder_of_notes_is_refused(folder):
    """Its mask would lie among the notes that say what a stage has read."""
    assert folder in NOTES
    with pytest.raises(DataError, match="does not begin with read/ or parts/"):
        check_image_id(f"{folder}/a", "list")
