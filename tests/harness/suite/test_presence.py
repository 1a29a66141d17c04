"""Missing truth and missing saliency maps are refused by name before any work, if a row needs them.

The dataset in memory has twelve images; the first eight are train.
"""

import pytest
import small_suite
from fake_data import FakeDataset, IncompleteDataset

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.contract.findings import FAILURE, OK, WARNING
from wsss_harness.contract.supervision import IMAGE_LABELS, SALIENCY, scores_masks, without
from wsss_harness.execution.run_stage import make_stage
from wsss_harness.suite import presence
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.presence import check_presence
from wsss_harness.suite.suite_rows import judged_maps, plan_of, rows_of, saliency_labels

TRAIN, VAL = tuple(range(8)), tuple(range(8, 12))
SALIENT = {"method": "S", "generator": "S"}
RED = {"method": "R", "generator": "R"}


@pytest.fixture(scope="module")
def plugins():
    return small_suite.plugins()


def refused(plugins, dataset, error=DataError, held_out=0, **changes):
    with pytest.raises(error) as caught:
        check_presence(small_suite.suite(held_out=held_out, **changes), plugins, dataset)
    return str(caught.value)


def accepted(plugins, dataset, **changes):
    check_presence(small_suite.suite(**{"held_out": 0, **changes}), plugins, dataset)
    return True


def test_dataset_that_says_nothing_has_all_truth_and_maps(plugins):
    assert accepted(plugins, FakeDataset(), held_out=2)
    assert scores_masks(FakeDataset())
    assert without(FakeDataset(), SALIENCY, FakeDataset().names) == ()


def test_maps_of_train_alone_are_enough(plugins):
    assert accepted(plugins, IncompleteDataset(no_saliency=VAL))


def test_maps_of_some_train_images_are_refused_with_count_and_first_ids(plugins):
    message = refused(plugins, IncompleteDataset(20, no_saliency=range(1, 13)))
    assert "'S' reads saliency, but 12 of 13 (image_001, " in message
    assert "image_010 and 2 more)" in message
    assert "add the maps" in message


def test_row_that_reads_no_saliency_needs_no_map(plugins):
    dataset = IncompleteDataset(no_saliency=(0,))
    assert accepted(plugins, dataset, rows=[RED])
    assert saliency_labels(small_suite.suite(rows=[RED]), dataset) == []  # no controls either


def test_data_without_any_map_let_only_the_rows_that_read_them_fail(plugins):
    dataset = IncompleteDataset(no_saliency=TRAIN)
    dataset.supervision = frozenset({IMAGE_LABELS})
    assert accepted(plugins, dataset)


def test_rule_that_reads_saliency_needs_maps(plugins):
    row = {**RED, "rule": {"name": "saliency"}}
    assert "'R' reads saliency" in refused(
        plugins, IncompleteDataset(no_saliency=TRAIN), rows=[row]
    )


def test_generator_that_another_builds_on_needs_its_maps(plugins):
    generators = {"S": {"name": "salient"}, "D": {"name": "dimmed", "previous": "S"}}
    rows = [{"method": "D", "generator": "D"}]
    message = refused(
        plugins, IncompleteDataset(no_saliency=(0,)), generators=generators, rows=rows
    )
    assert "'D' reads saliency, but 1 of 8 (image_000)" in message


def test_maps_of_the_suite_stand_in_for_those_of_the_dataset(plugins, tmp_path):
    (tmp_path / "image_000.png").touch()
    maps = {"M": {"folder": str(tmp_path), "detector": "d", "trained_on": "t"}}
    generators = {"S": {"name": "salient", "saliency": "M"}}
    changes = {"saliency": maps, "generators": generators, "rows": [SALIENT]}
    message = refused(plugins, IncompleteDataset(no_saliency=TRAIN), **changes)
    assert "7 of 8 (image_001" in message
    for number in TRAIN:
        (tmp_path / f"image_{number:03d}.png").touch()
    assert accepted(plugins, IncompleteDataset(no_saliency=TRAIN), **changes)


def test_truth_of_some_train_images_is_refused_with_count_and_first_ids(plugins):
    message = refused(plugins, IncompleteDataset(no_truth=(2, 5)))
    assert "2 of 8 (image_002, image_005) scored images of train have no truth" in message
    assert "dataset.scored" in message


def test_truth_outside_the_scored_images_is_not_needed(plugins):
    dataset = IncompleteDataset(no_truth=(2, 5))
    dataset.scored = ("image_000", "image_001")
    assert accepted(plugins, dataset, held_out=1)
    assert "2 of 8" in refused(plugins, dataset, bounds=["refined"])


def test_truth_of_val_is_needed_by_segmentors_alone(plugins):
    dataset = IncompleteDataset(no_truth=(9,))
    assert "1 of 4 (image_009) images of val" in refused(plugins, dataset)
    assert accepted(plugins, dataset, rows=[SALIENT])
    assert "images of val" in refused(plugins, dataset, rows=[SALIENT], bounds=["supervised"])


def test_plan_is_refused_as_the_run_would_be(plugins, tmp_path):
    suite = small_suite.suite(dataset={"name": "incomplete", "no_truth": [2]})
    store = small_suite.store(tmp_path)
    assert plan_of(suite, plugins, store).to_do  # nothing is known of the data yet
    make_stage(Graph(suite, plugins, 0).data, store)
    with pytest.raises(DataError):
        plan_of(suite, plugins, store)


def test_data_without_any_truth_are_refused(plugins):
    assert "no image of train or of val" in refused(
        plugins, IncompleteDataset(no_truth=TRAIN + VAL)
    )


@pytest.mark.parametrize("choice", ["oracle", "held_out"])
def test_threshold_that_is_chosen_on_a_missing_truth_is_refused_with_its_row(plugins, choice):
    rows = [{**RED, "rule": {"threshold": choice}}]
    dataset = IncompleteDataset(no_truth=TRAIN)
    assert f"'R': the threshold '{choice}'" in refused(
        plugins, dataset, ConfigError, held_out=2, rows=rows
    )


@pytest.mark.parametrize(
    ("option", "value"), [("held_out", 2), ("bounds", ["supervised"]), ("bounds", ["refined"])]
)
def test_options_that_need_a_truth_of_train_are_refused_without_one(plugins, option, value):
    dataset = IncompleteDataset(no_truth=TRAIN)
    message = refused(plugins, dataset, ConfigError, **{option: value})
    assert f"leave {option} out" in message


def test_without_truth_rows_have_masks_and_segmentors_but_no_scores_of_train(plugins):
    suite, dataset = small_suite.suite(held_out=0), IncompleteDataset(no_truth=TRAIN)
    graph = Graph(suite, plugins, 0)
    rows = list(rows_of(graph, dataset))
    assert [row.row.method for row in rows] == ["R", "S"]  # neither controls nor bounds
    assert [(row.counts, row.curve, row.further) for row in rows] == [(None, None, {})] * 2
    assert [stage.kind for stage in rows[0].targets] == ["mask", "measure"]
    assert judged_maps(graph, dataset) == []


def test_findings_tell_what_a_check_of_the_data_should(plugins):
    def outcomes(dataset):
        findings = presence.findings(dataset, {"saliency": dataset})
        return [finding.outcome for finding in findings]

    assert outcomes(FakeDataset()) == [OK, OK]
    assert outcomes(IncompleteDataset(no_truth=TRAIN)) == [OK, WARNING, OK]
    assert outcomes(IncompleteDataset(no_truth=(1,), no_saliency=(1,))) == [FAILURE, WARNING]
    assert outcomes(IncompleteDataset(no_truth=VAL)) == [WARNING, OK]  # a suite may need none
    suite = small_suite.suite()
    assert presence.finding(suite, plugins, IncompleteDataset(no_truth=VAL)).outcome == FAILURE
    alone = small_suite.suite(rows=[SALIENT])
    assert presence.finding(alone, plugins, IncompleteDataset(no_truth=VAL)).outcome == OK
    assert presence.finding(suite, plugins, FakeDataset()).outcome == OK
    assert presence.finding(suite, plugins, IncompleteDataset(no_truth=(1,))).outcome == FAILURE
