"""Records say what was used, keep what they are given, and refuse what is not a record."""

import json
import re
import subprocess
import sys
from functools import reduce
from operator import getitem

import jsonschema
import pytest
from pydantic import ValidationError
from sample_records import record, score

from wsss_harness.contract.errors import DataError
from wsss_leaderboard.records.provenance import Failure, Protocol, Supervision
from wsss_leaderboard.records.record import SCHEMA, Record, load_record, load_records, save_record
from wsss_leaderboard.records.scores import Masks, rule_words


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


def test_a_failed_row_is_classified_by_declared_supervision():
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
    supervision = Supervision(declared=(), read={stage: ("image_labels",)}, weights=())
    assert supervision.labels_at_inference is used


def test_a_record_survives_a_round_trip(tmp_path):
    written = record()
    save_record(written, tmp_path / "a.json")
    save_record(written, tmp_path / "b.json")
    assert load_record(tmp_path / "a.json") == written
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert load_records(tmp_path) == (written, written)


def test_nan_is_refused():
    with pytest.raises(ValidationError, match="finite"):
        score(float("nan"))


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_nan_in_a_file_is_refused(tmp_path, constant):
    """In a part of any form as well."""
    save_record(record(recipe={"segmentors": [], "lr": 0.25}), tmp_path / "a.json")
    text = (tmp_path / "a.json").read_text()
    (tmp_path / "a.json").write_text(text.replace('"lr": 0.25', f'"lr": {constant}'))
    with pytest.raises(DataError, match=rf"a\.json is not valid JSON \({constant}"):
        load_record(tmp_path / "a.json")


def test_a_percentage_is_not_accepted_as_a_fraction():
    with pytest.raises(ValidationError, match=r"miou\n.*less than or equal to 1"):
        score(55.0)


def test_context_confusion_may_exceed_1():
    masks = record().masks.model_dump()
    changed = Masks.model_validate({**masks, "cooccurrence": {"pooled": 12.5}})
    assert changed.cooccurrence["pooled"] == 12.5


def test_null_is_kept_and_is_not_zero(tmp_path):
    save_record(record(), tmp_path / "a.json")
    assert load_record(tmp_path / "a.json").masks.score.iou == {
        "background": 0.9,
        "dog": 0.3,
        "cat": None,
    }
    without = tuple(step.model_copy(update={"cost": None}) for step in record().steps)
    assert record(steps=without).total("wall_seconds") is None


def test_records_and_tables_need_neither_plugins_nor_torch(tmp_path):
    save_record(record("CAM", parts=("image_labels",)), tmp_path / "a.json")
    lines = (
        "import sys",
        "from pathlib import Path",
        "from wsss_leaderboard.records.record import load_records",
        "from wsss_leaderboard.tables.builtin import mask_table",
        "print(mask_table(load_records(Path(sys.argv[1]))).markdown())",
        "loaded = {name.partition('.')[0] for name in sys.modules}",
        "assert not loaded & {'torch', 'mmengine', 'mmseg', 'matplotlib', 'cv2', 'wsss_eps'}",
    )
    subprocess.run([sys.executable, "-c", "\n".join(lines), tmp_path], check=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metod": "EPS"}, r"a\.json: field 'metod': Extra inputs"),
        ({"seed": "one"}, r"a\.json: field 'seed'"),
        ({"schema_version": 3}, r"a\.json: field 'schema_version': 3; .*update wsss-bench"),
        ({"schema_version": 0}, r"a\.json: field 'schema_version': 0; .*reads 1 to 2"),
        ({"schema_version": -(10**7)}, r"a\.json: field 'schema_version': -10000000; "),
        ({"schema_version": True}, r"a\.json: field 'schema_version': True; "),
    ],
)
def test_an_invalid_field_is_named(tmp_path, change, message):
    save_record(record(), tmp_path / "a.json")
    content = json.loads((tmp_path / "a.json").read_text())
    (tmp_path / "a.json").write_text(json.dumps({**content, **change}))
    with pytest.raises(DataError, match=message):
        load_record(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("masks", "anatomy"), {"missing": {"share": 0.1, "gain": 0.1}}, "missing; expected ignor"),
        (("masks", "curve"), [0.1, 0.2], "2 values; expected 101, or none"),
        (("masks", "boundary"), {"recall": 0.5}, "f missing"),
        (("masks", "large"), {}, "precision, recall missing"),
        (("segmentations", 0, "mmseg"), {}, "mIoU missing"),
        (("recipe",), {}, "segmentors missing"),
        (("recipe",), {"segmentors": 5}, "segmentors is 5; expected a list of labels"),
    ],
)
def test_keys_that_readers_rely_on_are_required(tmp_path, place, value, message):
    save_record(record(), tmp_path / "a.json")
    content = json.loads((tmp_path / "a.json").read_text())
    *above, last = place
    reduce(getitem, above, content)[last] = value
    (tmp_path / "a.json").write_text(json.dumps(content))
    field = re.escape(".".join(map(str, place)))
    with pytest.raises(DataError, match=rf"a\.json: field '{field}': Value error, {message}"):
        load_record(tmp_path / "a.json")


def test_an_empty_folder_is_refused_with_a_remedy(tmp_path):
    with pytest.raises(DataError, match="run the suite first"):
        load_records(tmp_path)


def test_a_record_of_version_1_is_read(tmp_path):
    save_record(record(), tmp_path / "a.json")
    content = json.loads((tmp_path / "a.json").read_text())
    for new in ("steps", "protocol", "plugins", "counts"):
        del content[new]
    del content["masks"]["anatomy"], content["masks"]["curve"]
    old = {
        "schema_version": 1,
        "fingerprint": "f",
        "stages": {"fit eps": "key", "score eps": "other"},
        "seconds": 12.5,
        "environments": {"fit eps": {"python": "3.11"}},
    }
    (tmp_path / "a.json").write_text(json.dumps({**content, **old}))
    read = load_record(tmp_path / "a.json")
    assert read.total("wall_seconds") == 12.5
    assert [(s.stage, s.key, s.environment) for s in read.steps] == [
        ("fit eps", "key", {"python": "3.11"}),
        ("score eps", "other", {}),
    ]
    assert read.protocol == Protocol(
        fingerprint="f", images=8, val_images=4, held_out=0, evaluator=1
    )
    assert read.masks.score == record().masks.score


@pytest.mark.parametrize(
    "change",
    [
        {"stages": ["fit eps"]},
        {"stages": {"fit eps": "key"}, "environments": ["python"]},
        {"masks": [1]},
        {"segmentations": [1]},
        {"segmentations": {"a": 1}},
    ],
)
def test_an_invalid_record_of_version_1_is_named(tmp_path, change):
    (tmp_path / "a.json").write_text(json.dumps({"schema_version": 1, **change}))
    with pytest.raises(DataError, match=r"a\.json: it says that it is of version 1, but lacks"):
        load_record(tmp_path / "a.json")


def test_the_stored_schema_equals_the_model():
    """`wsss leaderboard schema` prints it: write it there after a change."""
    kept = json.loads(SCHEMA.read_text())
    assert kept == Record.model_json_schema(mode="serialization")
    assert kept["properties"]["schema_version"]["const"] == 2


def test_a_record_fits_the_schema():
    content, schema = record().model_dump(mode="json"), json.loads(SCHEMA.read_text())
    jsonschema.validate(content, schema)
    with pytest.raises(jsonschema.ValidationError, match="metod"):
        jsonschema.validate({**content, "metod": "EPS"}, schema)


def test_rules_are_put_into_words():
    assert rule_words("constant", {"threshold": 0.2}) == "0.2"
    assert rule_words("power", {"alpha": 4.0}) == "power alpha 4"
    assert (
        rule_words("saliency", {"uncertain": 0.1, "threshold": 0.5}) == "saliency 0.5 uncertain 0.1"
    )
    assert rule_words("explicit", {}) == "explicit"
