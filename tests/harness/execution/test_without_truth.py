"""A suite whose train images have no truth runs: masks are made, segmentors are scored."""

import pytest
from small_suite import RAN

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_leaderboard.cli.report import tables
from wsss_leaderboard.ranking import entries
from wsss_leaderboard.records.counts import read
from wsss_leaderboard.tables.notes import UNSCORED

UNTRUE = {"name": "incomplete", "no_truth": list(range(8))}


def test_masks_are_unscored_and_segmentors_scored_on_val(run, tmp_path):
    outcomes, _, collector = run(dataset=UNTRUE, held_out=0)
    assert [outcome.failure for outcome in outcomes.values()] == [None, None]
    records = tmp_path / "results" / "records"
    for outcome in outcomes.values():
        collector.save(outcome, records)
    loaded = entries.load([tmp_path / "results"])
    record = loaded[0].record
    assert record.unscored
    assert (record.masks, record.failure) == (None, None)
    assert (record.protocol.images, record.protocol.val_images) == (0, 4)
    assert [s.images for s in record.segmentations] == [4]
    assert list(read(tmp_path / "results/counts/000-r-seed0.npz")) == ["one"]
    named = dict(tables(loaded))
    (first, second) = named["masks"].rows
    assert first.cells[:4] == ("R", "I.", "yes", "0.5")
    assert {*first.cells[4:], *second.cells[4:]} == {"-"}
    assert {*named["failures"].rows[0].cells[2:]} == {"-"}
    assert named["masks"].notes.count(UNSCORED) == 1
    assert named["segmentation"].rows[0].cells[-1] != "-"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"dataset": UNTRUE, "held_out": 2}, ConfigError),
        ({"dataset": {**UNTRUE, "no_truth": [0]}}, DataError),
        ({"dataset": {"name": "incomplete", "no_saliency": [0]}}, DataError),
    ],
)
def test_what_is_missing_is_refused_before_any_training(run, changes, error):
    with pytest.raises(error):
        run(**changes)
    assert RAN == ["prepare"]
