"""Records say what was used, keep what they are given, and refuse what is not a record."""

import json
import subprocess
import sys

import pytest
from pydantic import ValidationError
from sample_records import record, score

from wsss_harness.errors import DataError
from wsss_leaderboard.records import Failure, Supervision, load, load_all, save


@pytest.mark.parametrize(
    ("read", "column"),
    [
        ({}, "-"),
        ({"fit cam": ("image_labels",)}, "I."),
        ({"fit eps": ("saliency", "image_labels")}, "I.+S."),
        ({"mask eps": ("saliency",)}, "S."),
        ({"bound x": ("truth",), "fit cam": ("image_labels",)}, "F."),
    ],
)
def test_the_column_follows_what_was_read(read, column):
    declared = ("image_labels", "saliency")  # declared but not read: not in the column
    assert Supervision(declared=declared, read=read, weights=()).column == column


def test_a_failed_row_is_known_by_what_it_declared():
    """It may have failed between its first look at the image labels and that at the saliency."""
    late = Supervision(
        declared=("image_labels", "saliency"), read={"fit eps": ("image_labels",)}, weights=()
    )
    assert record(supervision=late, failure=Failure(message="NaN")).sup == "I.+S."
    assert record(supervision=late).sup == "I."


@pytest.mark.parametrize(
    ("stage", "used"), [("score cam", True), ("refine crf", True), ("fit cam", False)]
)
def test_labels_at_inference_follow_the_stages_that_score(stage, used):
    found = Supervision(declared=(), read={stage: ("image_labels",)}, weights=())
    assert found.labels_at_inference is used


def test_a_record_is_read_as_it_was_written(tmp_path):
    written = record()
    save(written, tmp_path / "a.json")
    save(written, tmp_path / "b.json")
    assert load(tmp_path / "a.json") == written
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert load_all(tmp_path) == (written, written)


def test_nan_is_refused():
    with pytest.raises(ValidationError, match="finite"):
        score(float("nan"))


def test_nan_in_a_file_is_refused(tmp_path):
    save(record(), tmp_path / "a.json")
    text = (tmp_path / "a.json").read_text()
    (tmp_path / "a.json").write_text(text.replace('"recall": 0.25', '"recall": NaN', 1))
    with pytest.raises(DataError, match=r"a\.json: field 'masks\..*recall': .*finite"):
        load(tmp_path / "a.json")


def test_null_is_kept_and_is_no_zero(tmp_path):
    save(record(), tmp_path / "a.json")
    assert load(tmp_path / "a.json").masks.score.iou == {"background": 0.9, "dog": 0.3, "cat": None}


def test_records_and_tables_need_neither_plugins_nor_torch(tmp_path):
    save(record("CAM", parts=("image_labels",)), tmp_path / "a.json")
    lines = (
        "import sys",
        "from pathlib import Path",
        "from wsss_leaderboard.records import load_all",
        "from wsss_leaderboard.tables import mask_table",
        "print(mask_table(load_all(Path(sys.argv[1]))).markdown())",
        "loaded = {name.partition('.')[0] for name in sys.modules}",
        "assert not loaded & {'torch', 'mmengine', 'mmseg', 'matplotlib', 'cv2', 'wsss_eps'}",
    )
    subprocess.run([sys.executable, "-c", "\n".join(lines), tmp_path], check=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metod": "EPS"}, r"a\.json: field 'metod': Extra inputs"),
        ({"seed": "one"}, r"a\.json: field 'seed'"),
        ({"schema_version": 2}, r"a\.json: field 'schema_version'"),
    ],
)
def test_a_wrong_field_is_named(tmp_path, change, message):
    save(record(), tmp_path / "a.json")
    content = json.loads((tmp_path / "a.json").read_text())
    (tmp_path / "a.json").write_text(json.dumps({**content, **change}))
    with pytest.raises(DataError, match=message):
        load(tmp_path / "a.json")


def test_an_empty_folder_says_what_to_do(tmp_path):
    with pytest.raises(DataError, match="run the suite first"):
        load_all(tmp_path)
