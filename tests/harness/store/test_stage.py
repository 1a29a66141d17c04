"""What is in the key of a stage."""

import pytest

from wsss_harness.store.stage import Stage

CODE = ("wsss_harness.contract.errors",)


def stage(make, *, name="one", options=None, inputs=None):
    return Stage("test", name, make, options or {}, CODE, inputs or {})


@pytest.mark.parametrize(
    "other",
    [
        stage(lambda work: None, options={"tau": 0.5}),
        stage(lambda work: None, name="two"),
        Stage("other", "one", lambda work: None, {"tau": 0.4}, CODE),
        Stage("test", "one", lambda work: None, {"tau": 0.4}, ("wsss_harness.contract.types",)),
        stage(lambda work: None, options={"tau": 0.4}, inputs={"it": stage(lambda work: None)}),
    ],
)
def test_kind_name_options_code_and_inputs_change_the_key(other):
    assert stage(lambda work: None, options={"tau": 0.4}).key != other.key


def test_note_is_not_part_of_the_key():
    plain = Stage("test", "one", lambda work: None, {}, CODE)
    noted = Stage("test", "one", lambda work: None, {}, CODE, note={"needs": []})
    assert plain.key == noted.key
