"""Whatever is wrong with a dataset, a run gives the right number or names what is wrong.

Set WSSS_EXAMPLES to try more datasets than a few: each is drawn from a seed, with faults.
"""

import os
import tempfile
from importlib.util import find_spec

import any_data
import pytest
from any_data import EITHER, LAYOUTS, REFUSED, UNKNOWN, CocoFiles, VocFiles, World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wsss_harness.contract.errors import WsssError

EXAMPLES = int(os.environ.get("WSSS_EXAMPLES", "30"))
NAMED = {"DataError", "ConfigError", "PluginError", "SupervisionError"}
LAYOUT_NAMES = [VocFiles, CocoFiles] if find_spec("pycocotools") else [VocFiles]


@st.composite
def datasets(draw):
    """A layout, the seed and size of its world, and at most two faults of different parts."""
    layout = draw(st.sampled_from(LAYOUT_NAMES))
    faults = LAYOUTS[layout]
    parts = draw(st.lists(st.sampled_from(list(faults)), max_size=2, unique=True))
    parts = ["alone"] if "alone" in parts else sorted(parts, key=list(faults).index)
    chosen = [draw(st.sampled_from(faults[part])) for part in parts]
    size = draw(st.integers(1, 3)), draw(st.integers(1, 5))
    return layout, draw(st.integers(0, 2**32 - 1)), size, chosen


@given(datasets())
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=EXAMPLES == 30,
    suppress_health_check=list(HealthCheck),
)
def test_a_run_gives_the_right_number_or_names_what_is_wrong(drawn):
    layout, seed, size, faults = drawn
    with tempfile.TemporaryDirectory() as folder:
        data = layout(World(seed, *size), f"{folder}/data")
        outcomes = {fault(data) for fault in faults}
        score, error = attempt(data, f"{folder}/runs")
        if error:
            assert getattr(error, "kind", type(error).__name__) in NAMED, error
            assert outcomes & {REFUSED, EITHER, UNKNOWN}, error
            assert names_something(str(error), data), error
        elif UNKNOWN not in outcomes:
            assert REFUSED not in outcomes, f"{score} instead of a refusal"
            right = data.world.miou(data.decoded)
            assert score == pytest.approx(right, abs=1e-12) or (
                score is None and EITHER in outcomes
            )


def attempt(data, store):
    """The score and no error, or none and the error."""
    try:
        return any_data.score_of(data.layout, data.root, store), None
    except WsssError as error:
        return None, error


def names_something(message, data):
    """Whether a message names a file, an image, a class or an option."""
    names = (str(data.root), "dataset.", "nobody", *data.world.ids, *data.world.classes)
    return any(name in message for name in names)
