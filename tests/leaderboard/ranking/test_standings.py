"""Standings beside mIoU: intervals, ranks, tie groups, and what of the attainable is gained."""

import numpy as np
import pytest
import simulated
from fake_data import FakeDataset
from sample_records import controls, record

from wsss_harness.metrics import confusion
from wsss_harness.stages.bounds import NEAREST, SUPERVISED
from wsss_leaderboard.ranking.entries import LoadedRecord
from wsss_leaderboard.ranking.standings import NONE, standings
from wsss_leaderboard.statistics import estimates
from wsss_leaderboard.tables.builtin import mask_table, segmentation_table

QUALITIES = {"A": 0.6, "B": 0.58, "C": 0.0}
TRUTH = simulated.record().supervision.model_copy(update={"read": {"bound b": ("truth",)}})


@pytest.fixture(scope="module")
def runs():
    bounds = simulated.runs({NEAREST: 3.0, SUPERVISED: 2.0}, images=60, supervision=TRUTH)
    return (*simulated.runs(QUALITIES, images=60), *(r for r in bounds if not r.record.control))


def table_of(runs, build=mask_table):
    return build([run.record for run in runs], standings(runs))


def cells(table, name):
    column = [field.name for field in table.columns].index(name)
    return {row.cells[0]: row.cells[column] for row in table.rows}


def test_standings_are_shown_beside_miou(runs):
    table = table_of(runs)
    names = [column.name for column in table.columns]
    assert names[4:9] == ["mIoU", "95 %", "ranks", "tie", "gap"]
    assert cells(table, "ranks")["A"] == cells(table, "ranks")["B"] == "1-2"
    assert cells(table, "ranks")["C"] == "3"
    assert cells(table, "tie") | {"A": "1", "B": "1", "C": "2"} == cells(table, "tie")
    assert {cells(table, "ranks")[m] for m in (NEAREST, "All background")} == {"-"}
    assert cells(table, "95 %")["A"].startswith("±")


def test_bold_is_the_whole_first_tie_group(runs):
    best = {row.cells[0]: 4 in row.best for row in table_of(runs).rows}
    assert {method for method, bold in best.items() if bold} == {"A", "B"}


def test_other_columns_keep_their_own_best(runs):
    table = table_of(runs)
    place = [column.name for column in table.columns].index("prec.")
    values = {row.cells[0]: float(row.cells[place].split()[0]) for row in table.rows[:3]}
    best = {row.cells[0] for row in table.rows if place in row.best}
    assert best == {m for m, value in values.items() if value == max(values.values())}


@pytest.mark.parametrize(
    ("build", "target", "bound"),
    [(mask_table, "", NEAREST), (segmentation_table, "V1", SUPERVISED)],
)
def test_the_gap_lies_between_nothing_and_the_bound(runs, build, target, bound):
    shown = cells(table_of(runs, build), "gap")
    assert shown[bound] == "100"
    mean = {
        method: np.mean([r.score(target).miou for r in runs if r.record.method == method])
        for method in ("A", bound)
    }
    lower = estimates.miou_of_background(runs[0].tallies[target].counts)
    assert shown["A"] == f"{100 * (mean['A'] - lower) / (mean[bound] - lower):.0f}"


def test_without_the_bound_there_is_no_gap(runs):
    some = [run for run in runs if run.record.method not in (NEAREST, SUPERVISED)]
    for build in (mask_table, segmentation_table):
        table = table_of(some, build)
        assert "gap" not in [column.name for column in table.columns]
        assert not any(note.startswith("gap") for note in table.notes)


def test_one_image_has_no_interval():
    runs = simulated.runs({"A": 0.0, "B": 0.5}, images=1, segmentors=())
    without = [LoadedRecord(unsure(run.record), None, run.tallies) for run in runs]
    assert "95 %" not in [column.name for column in table_of(without).columns]


def unsure(record):
    """Without t, which is not finite."""
    score = record.masks.score.model_copy(update={"t": None})
    return record.model_copy(update={"masks": record.masks.model_copy(update={"score": score})})


def test_a_method_named_like_the_bound_is_not_the_bound(runs):
    named = simulated.runs({"A": 0.0, NEAREST: 0.5}, images=60, segmentors=())
    assert "gap" not in [column.name for column in table_of(named).columns]


def test_without_counts_there_are_no_standings():
    uncounted = standings([LoadedRecord(record(), None)])
    assert uncounted.of("", "EPS").place is None
    shown = mask_table([record(), *controls()], uncounted)
    assert shown.columns == mask_table([record(), *controls()], NONE).columns


def test_nothing_equals_the_score_of_background_masks():
    data = FakeDataset()
    counted = []
    for image_id in data.ids("train"):
        truth = data.truth(image_id)
        counted.append(confusion.confusion(truth, np.zeros_like(truth), 2))
    expected = float(confusion.mean(confusion.iou(np.sum(counted, 0))))
    other = estimates.tallies_of(np.stack(counted) + np.eye(3, 4, dtype=int))  # another method
    other[..., 1] = estimates.tallies_of(np.stack(counted))[..., 1]
    assert estimates.miou_of_background(other) == pytest.approx(expected, abs=1e-12)
