"""Names and texts of strangers: what would mislead or break a reader is refused by name."""

import json

import pytest
from sample_records import record

from wsss_harness.contract.errors import DataError
from wsss_leaderboard.submissions.hostile import DEEP, refuse_hostile, refuse_names


def nested(depth):
    content = []
    for _ in range(depth):
        content = [content]
    return content


def test_what_a_record_holds_is_let_through():
    refuse_hostile(record().model_dump(mode="json"), "a.json")
    refuse_names(record("Ours (R50), V1+"), "a.json")
    refuse_names(record("Größe 方法"), "a.json")
    refuse_names(record("\u03b2-VAE"), "a.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"method": "EPS\x1b[31m"}, r"a\.json: field 'method' holds U\+001B \(a control character"),
        ({"a": {"b": ["x", "\u202efdp.exe"]}}, r"field 'a\.b\.1' holds U\+202E \(RIGHT-TO-LEFT"),
        ({"method": "E\u200bPS"}, r"U\+200B \(ZERO WIDTH SPACE\)"),
        ({"method": "line\nline"}, r"U\+000A"),
        ({"method": "\ud800"}, r"U\+D800"),
        ({"method": "x" * 10_000}, r"field 'method' has 10000 characters; expected at most 2000"),
        ({"k" * 10_000: 1}, r"a key of '' has 10000 characters"),
        ({"\u2066": 1}, r"a key of '' holds U\+2066"),
        ({"options": {"x": float("nan")}}, r"field 'options\.x' is nan"),
        (nested(DEEP + 1), r"nested more than 40 levels deep"),
        (nested(100_000), r"nested more than 40 levels deep"),
    ],
)
def test_hostile_content_is_refused_with_its_field(content, message):
    with pytest.raises(DataError, match=message) as caught:
        refuse_hostile(content, "a.json")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x" * 101, "a.json: method has 101 characters; expected at most 100"),
        ("<script>alert(1)</script>", "method, '<script>alert.* holds '<'; remove it"),
        ("EPS @all", "holds '@'"),
        ("see https://example.org", "holds '://'"),
        ("", "a plain name"),
        (" EPS", "a plain name"),
        ("EPS  two", "a plain name"),
        ("ＥＰＳ", "characters that look like others"),  # noqa: RUF001
        ("E\u0301PS", "characters that look like others"),
        ("\u0415PS", "mixes alphabets that look alike"),  # a Cyrillic letter
    ],
)
def test_names_that_are_not_plain_are_refused(name, message):
    with pytest.raises(DataError, match=message):
        refuse_names(record(name), "a.json")


@pytest.mark.parametrize("field", ["suite", "dataset"])
def test_every_name_that_is_shown_is_looked_at(field):
    with pytest.raises(DataError, match=f"{field}, '<b>'"):
        refuse_names(record(**{field: "<b>"}), "a.json")


def test_names_inside_a_record_are_looked_at():
    content = json.dumps(record().model_dump(mode="json"))
    for inner, what in (("dog", "a class"), ("V1", "a segmentor"), ("icons", "initial weights")):
        changed = record().model_validate_json(content.replace(f'"{inner}"', '"<i>"'))
        with pytest.raises(DataError, match=f"{what}, '<i>'"):
            refuse_names(changed, "a.json")
