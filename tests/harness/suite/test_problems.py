"""Mistakes in a suite are told before anything is made, by the key that ``--set`` takes."""

import pytest
import small_suite

from wsss_harness.contract.errors import ConfigError
from wsss_harness.execution.engine import Engine
from wsss_harness.execution.run import prepare_suite
from wsss_harness.plugins.registry import installed
from wsss_harness.suite.reading import read_suite
from wsss_harness.suite.suite_rows import plan_of
from wsss_harness.system.files import configs

SUITE = configs() / "suites" / "railscenes.toml"


def mistake(tmp_path, *overrides):
    """What `wsss plan` says of the built-in suite with these changes."""
    store = small_suite.store(tmp_path)
    with pytest.raises(ConfigError) as caught:
        plan_of(read_suite(SUITE, overrides), installed(), store)
    assert not [*tmp_path.iterdir()]
    return str(caught.value).removeprefix(f"{SUITE}: ")


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("dataset.train=-5", "dataset.train is -5; expected at least 1"),
        ("dataset.val=0", "dataset.val is 0; expected at least 1"),
        ("dataset.border=-1", "dataset.border is -1; expected at least 0"),
        ("weights.icons.dataset.train=0", "weights.icons.dataset.train is 0; expected at least 1"),
        ("weights.icons.pretraining.batch=0", "weights.icons.pretraining.batch is 0; expected"),
        ("shared.iterations=-3", "shared.iterations is -3; expected above 0"),
        ("generators.EPS.iterations=0", "generators.EPS.iterations is 0; expected above 0"),
        ("generators.EPS.workers=-1", "generators.EPS.workers is -1; expected at least 0"),
        ("generators.EPS.flip=2", "generators.EPS.flip is 2.0; expected a probability"),
        ("generators.EPS.tau=x", "generators.EPS.tau is 'x'; expected a number"),
        ("generators.EPS.optimizer=adam", "generators.EPS.optimizer is 'adam'; expected one of"),
        ("held_out=-1", "'held_out' is -1; expected at least 0"),
        ("held_out=1000", "held_out is 1000, but 1000 images are to be scored"),
        ("seeds=0", "'seeds' is 0; expected a list, such as [0]"),
        ("seeds=2", "'seeds' is 2; expected a list, such as [2]"),
        ("seeds=[]", "'seeds' is []; expected a list with at least 1"),
        ("seeds=[0,-1]", "'seeds.1' is -1; expected at least 0"),
        ("seeds=[0,0]", "two seeds are '0'"),
        ("vary=weights", """'vary' is 'weights'; expected a list, such as ["weights"]"""),
    ],
)
def test_a_value_out_of_range_is_refused_in_a_plan_by_its_key(tmp_path, override, expected):
    assert mistake(tmp_path, override).startswith(expected)


@pytest.mark.parametrize(
    ("override", "nearest"),
    [
        ("titel=x", "title"),
        ("generator.EPS.tau=1", "generators"),
        ("generators.EPZ.tau=1", "EPS"),
        ("segmentors.V2.batch=2", "DeepLab V2"),
        ("dataset.tran=5", "train"),
        ("dataset.name=railscene", "railscenes"),
        ("generators.EPS.tua=0.5", "tau"),
        ("generators.EPS.name=epz", "eps"),
        ("shared.iteratons=3", "iterations"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_nearest_one(tmp_path, override, nearest):
    message = mistake(tmp_path, override)
    assert f"did you mean '{nearest}'?" in message
    assert len(message) < 300


def test_held_out_is_compared_with_data_that_need_no_preparation(tmp_path):
    suite = small_suite.suite(held_out=8)
    with pytest.raises(ConfigError, match="held_out is 8, but 8 images are to be scored"):
        plan_of(suite, small_suite.plugins(), small_suite.store(tmp_path))
    small_suite.RAN.clear()
    with pytest.raises(ConfigError, match="lower held_out"):
        prepare_suite(suite, small_suite.plugins(), Engine(small_suite.store(tmp_path)))
    assert small_suite.RAN == []
