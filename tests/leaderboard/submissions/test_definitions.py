"""The suite of a record is built from its definition, and refused where that is not sane."""

import json

import pytest
from sample_submissions import edit, record_of

from wsss_harness.contract.errors import DataError
from wsss_leaderboard.records.record import load_record
from wsss_leaderboard.submissions.definitions import suite_of


def test_definition_of_a_record_is_the_suite_that_was_run(good, ran):
    record = load_record(record_of(good))
    assert suite_of(record, "here") == ran.suite
    assert json.loads((good / "suite.json").read_text()) == record.definition


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": [{"method": str(n), "generator": "R"} for n in range(1001)]}, "more than 1000"),
        ({"cross": {"weights": list(range(99)), "generator": list(range(99))}}, "more than 1000"),
        ({"product": {"generators": ["R"] * 9}}, "more than 1000"),
        ({"cross": 3}, "definition is not a valid suite"),
        ({"rows": [7]}, "definition is not a valid suite"),
        ({"title": 7}, "definition is not a valid suite"),
    ],
)
def test_invalid_or_huge_suite_is_refused(folder, change, message):
    edit(record_of(folder), lambda content: content["definition"].update(change))
    with pytest.raises(DataError, match=message):
        suite_of(load_record(record_of(folder)), "here")


@pytest.mark.parametrize("key", ["python", "requirements"])
def test_environment_of_a_record_is_never_used(folder, key):
    environment = {"name": "old", "python": "", key: "anything"}

    def add(content):
        content["definition"]["generators"]["R"]["environment"] = environment

    edit(record_of(folder), add)
    with pytest.raises(DataError, match=rf"--set generators\.R\.environment\.{key}=PATH"):
        suite_of(load_record(record_of(folder)), "here")
