"""Rows that no method can be: made on every dataset, those with networks when asked for."""

from functools import partial

import numpy as np
import pytest
import small_suite
from small_suite import RAN
from suite_runs import run_rows

from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.supervision import IMAGE_LABELS
from wsss_harness.system.pictures import read_indices

RULE = {"name": "constant", "threshold": 0.25}
REFINED = {"method": "R", "generator": "R", "refiners": ["half"], "rule": RULE}


@pytest.fixture
def run(tmp_path):
    """Run a suite; gives the stages and the record of each row by its method, and the store."""

    return partial(run_rows, tmp_path)


def test_a_dataset_without_saliency_has_bounds_too(run, monkeypatch):
    monkeypatch.setattr(small_suite.FakeDataset, "supervision", frozenset({IMAGE_LABELS}))
    ran, _ = run(rows=[REFINED])
    assert set(ran) == {
        "R",
        "All background",
        "Image labels everywhere",
        "Truth at stride 8",
        "Truth at stride 16",
    }
    mious = {method: record.masks.score.miou for method, (_, record) in ran.items()}
    assert mious["Truth at stride 16"] < mious["Truth at stride 8"] < 1


def test_a_perfect_seed_is_refined_by_what_was_learnt_in_a_row(run):
    RAN.clear()
    ran, _ = run(rows=[REFINED], bounds=["refined"])
    row, record = ran["Perfect seed + half"]
    assert row.scores.inputs["fit"].key == ran["R"][0].scores.inputs["fit"].key
    assert RAN.count("fit") == 1
    assert record.failure is None
    assert record.sup == "F."
    assert record.masks.score.miou > ran["R"][1].masks.score.miou


def test_segmentors_with_full_supervision_learn_from_the_truth_of_all_of_train(run):
    ran, store = run(bounds=["supervised"])
    row, record = ran["Full supervision"]
    assert record.failure is None
    assert (record.sup, record.masks.score.miou) == ("F.", 1)
    assert [s.segmentor for s in record.segmentations] == ["one"]
    data = small_suite.FakeDataset()
    for image_id in data.ids("train"):
        mask = read_indices(store.folder(row.masks) / f"{image_id}.png")
        np.testing.assert_array_equal(mask, data.truth(image_id))


def test_what_takes_a_network_is_made_only_when_asked_for(run):
    ran, _ = run(rows=[REFINED])
    assert not {"Perfect seed + half", "Full supervision"} & set(ran)


def test_without_refiners_and_segmentors_there_is_nothing_to_ask_for(run):
    rows = [{"method": "R", "generator": "R", "rule": RULE}]
    ran, _ = run(rows=rows, refiners={}, segmentors={}, bounds=["refined", "supervised"])
    assert not {"Perfect seed + half", "Full supervision"} & set(ran)


def test_an_unknown_bound_is_refused():
    with pytest.raises(ConfigError, match=r"bounds\.0.*'refined' or 'supervised'"):
        small_suite.suite(bounds=["walk"])
