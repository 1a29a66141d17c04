"""Generators that segment images without labels themselves."""

from functools import partial

import pytest
import small_suite
from small_suite import RAN
from suite_runs import run_rows

from wsss_harness.contract.errors import ConfigError
from wsss_harness.suite.graph import Graph

RULE = {"name": "constant", "threshold": 0.25}
PARTS = {
    "generators": {"R": {"name": "redness"}, "One": {"name": "single"}},
    "refiners": {"H": {"name": "halved"}},
    "segmentors": {"Own": {"name": "single_stage"}, "Net": {"name": "most_common"}},
}


def row(generator, *segmentors, refiners=()):
    return {
        "method": generator,
        "generator": generator,
        "refiners": list(refiners),
        "rule": RULE,
        "segmentors": list(segmentors),
    }


@pytest.fixture
def run(tmp_path):
    return partial(run_rows, tmp_path)


def test_single_stage_row_has_masks_and_its_own_figure_on_val(run):
    RAN.clear()
    ran, _ = run(**PARTS, rows=[row("One", "Own", "Net")])
    stages, record = ran["One"]
    assert RAN.count("fit") == 1
    assert [part.segmentor for part in record.segmentations] == ["Own", "Net"]
    assert record.masks.score.miou
    own = stages.segmentations[0]
    assert own.fit == stages.scores.inputs["fit"]
    assert record.maker("Own") == own.predictions.key


def test_segmentation_of_a_single_stage_generator_sees_no_labels(run):
    parts = {**PARTS, "generators": {"One": {"name": "single", "labels": True}}}
    ran, _ = run(**parts, rows=[row("One", "Own")])
    _, record = ran["One"]
    assert "generator 'One' read 'image_labels'" in record.failure.message
    assert record.masks


def test_bound_of_full_supervision_leaves_single_stages_out(run):
    ran, _ = run(**PARTS, rows=[row("One", "Own", "Net")], bounds=["supervised"])
    _, record = ran["Full supervision"]
    assert [part.segmentor for part in record.segmentations] == ["Net"]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (row("R", "Own"), "generator 'R' is not single-stage"),
        (row("One", "Own", refiners=["H"]), "row of the generator alone"),
    ],
)
def test_row_that_has_nothing_to_segment_with_is_refused(wrong, named):
    suite = small_suite.suite(**PARTS, rows=[wrong])
    with pytest.raises(ConfigError, match=named):
        Graph(suite, small_suite.plugins(), 0).row(suite.rows[0])


def test_weights_selected_on_truth_are_recorded(run):
    parts = {**PARTS, "generators": {"One": {"name": "single", "selected_on": "val"}}}
    ran, _ = run(**parts, rows=[row("One", "Own")])
    assert ran["One"][1].supervision.selected_on == ("val",)
