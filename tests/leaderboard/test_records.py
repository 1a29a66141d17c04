"""Records say what was used, keep what they are given, and refuse what is not a record."""

import json

import pytest
from pydantic import ValidationError
from sample_records import record, score

from wsss_harness.errors import DataError
from wsss_leaderboard.records import Supervision, load, load_all, save


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
