"""The manifest of a pack, and what is read with it."""

import json
import shutil

import numpy as np
import pytest
import small_suite
from sample_packs import run, with_pack

from wsss_harness.contract.errors import DataError
from wsss_harness.packs.manifest import Pack, from_mask
from wsss_harness.suite.graph import Graph
from wsss_harness.system import files


def test_the_key_depends_on_the_content_of_a_pack_not_on_its_folder(exported, tmp_path, plugins):
    folder = exported()

    def key(place):
        suite = small_suite.suite(**with_pack(place))
        return Graph(suite, plugins, 0).row(suite.rows[1]).counts.key

    shutil.copytree(folder, tmp_path / "moved")
    assert key(folder) == key(tmp_path / "moved")
    manifest = json.loads((folder / "pack.json").read_text())
    manifest["method"] = "other"
    files.write_json(folder / "pack.json", manifest)
    assert key(folder) != key(tmp_path / "moved")


def test_a_mask_of_nothing_but_ignored_pixels_keeps_them():
    scores = from_mask(np.full((2, 3), 255, np.uint8))
    assert scores.classes == (1,)
    assert (scores.values == 0.5).all()
    assert from_mask(np.zeros((2, 3), np.uint8)).classes == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not valid JSON"),
        ('{"format": 2}', "'format'"),
        ('{"kind": "masks", "method": "x", "classes": [], "images": {}, "more": 1}', "'more'"),
    ],
)
def test_an_invalid_manifest_is_named(tmp_path, text, message):
    (tmp_path / "pack.json").write_text(text)
    with pytest.raises(DataError, match=message):
        Pack(tmp_path)


def test_a_folder_without_a_manifest_is_named_before_anything_runs(tmp_path, plugins):
    with pytest.raises(DataError, match=r"is not a pack; make one with `wsss pack import"):
        run(tmp_path / "store", plugins, **with_pack(tmp_path))
    assert not (tmp_path / "store" / "fit").exists()
