"""What is in the key of a stage."""

import pytest
import small_suite

from wsss_harness.store.stage import Stage


def stage(make, *, name="one", options=None, inputs=None):
    return Stage("test", name, make, options or {}, inputs or {})


@pytest.mark.parametrize(
    "other",
    [
        stage(lambda work: None, options={"tau": 0.5}),
        stage(lambda work: None, name="two"),
        Stage("other", "one", lambda work: None, {"tau": 0.4}),
        Stage("test", "one", small_suite.content, {"tau": 0.4}),
        stage(lambda work: None, options={"tau": 0.4}, inputs={"it": stage(lambda work: None)}),
    ],
)
def test_kind_name_options_code_and_inputs_change_the_key(other):
    assert stage(lambda work: None, options={"tau": 0.4}).key != other.key


def test_note_is_not_part_of_the_key():
    plain = Stage("test", "one", lambda work: None, {})
    noted = Stage("test", "one", lambda work: None, {}, note={"needs": []})
    assert plain.key == noted.key
