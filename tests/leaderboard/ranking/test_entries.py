"""Boards from folders of records: what shares one, what makes an entry, what is refused."""

from pathlib import Path

import numpy as np
import pytest
import simulated
from sample_records import record

from wsss_harness.contract.errors import DataError
from wsss_leaderboard.ranking import entries
from wsss_leaderboard.ranking.entries import LoadedRecord
from wsss_leaderboard.records import counts
from wsss_leaderboard.records.provenance import Failure, Step
from wsss_leaderboard.statistics import estimates

QUALITIES = {"A": 0.5, "B": 0.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    runs = simulated.runs(QUALITIES, seeds=(0, 1), images=30)
    return simulated.write(tmp_path_factory.mktemp("results"), runs)


def test_a_folder_is_one_board_with_an_entry_for_each_method(folder):
    (board,) = entries.boards(entries.load([folder]))
    assert board.targets == ("", "V1")
    assert [(entry.method, entry.kind) for entry in board.entries()] == [
        ("A", "method"),
        ("B", "method"),
        ("Saliency", "control"),
        ("All background", "control"),
        ("Saliency, true classes", "bound"),
    ]
    assert [entry.method for entry in board.entries("V1")] == ["A", "B"]


@pytest.mark.parametrize("target", ["", "V1"])
def test_an_entry_has_the_mean_of_its_seeds(folder, target):
    (board,) = entries.boards(entries.load([folder]))
    entry = board.entries(target)[0]
    values = [run.score(target).miou for run in entry.runs]
    assert entry.values == tuple(values)
    assert entry.mean == pytest.approx(np.mean(values))
    assert entry.spread == pytest.approx(np.std(values, ddof=1))
    assert entry.estimate.value == pytest.approx(entry.mean)
    alone = [estimates.miou(run.tallies[target].counts, t=2.0) for run in entry.runs]
    assert entry.estimate.influence == pytest.approx((alone[0].influence + alone[1].influence) / 2)


def test_without_counts_there_is_no_estimate():
    (board,) = entries.boards([LoadedRecord(record(), None)])
    (entry,) = board.entries()
    assert (entry.mean, entry.spread, entry.estimate) == (0.5, None, None)


def test_an_unfinished_run_leaves_no_mean():
    runs = [LoadedRecord(record(), None), LoadedRecord(record(seed=1, masks=None), None)]
    (entry,) = entries.boards(runs)[0].entries()
    assert not entry.complete
    assert (entry.values, entry.mean, entry.estimate) == ((0.5,), None, None)


def test_counts_of_other_images_are_not_averaged():
    first, second = simulated.runs({"A": 0}, seeds=(0, 1), images=5, segmentors=())[:2]
    tallies = {"": counts_of_others(second.tallies[""])}
    (board,) = entries.boards([first, LoadedRecord(second.record, None, tallies)])
    assert board.entries()[0].estimate is None


def counts_of_others(tallies):
    return type(tallies)(tuple(f"other {name}" for name in tallies.ids), tallies.counts)


def test_each_protocol_and_dataset_has_its_own_board():
    first = record()
    others = [
        first.model_copy(update={"protocol": first.protocol.model_copy(update={"held_out": 3})}),
        first.model_copy(update={"dataset": "other"}),
        first.model_copy(update={"data": "of version 1, without a fingerprint"}),
    ]
    boards = entries.boards([LoadedRecord(run_record, None) for run_record in (first, *others)])
    assert len(boards) == 4
    assert len({(board.name, board.loaded[0].record.data) for board in boards}) == 4


def test_two_records_of_one_run_are_refused_by_name(folder):
    twice = [*entries.load([folder]), *entries.load([folder])]
    with pytest.raises(DataError, match=r"0000\.json and .*0000\.json are both of 'A', seed 0"):
        entries.boards(twice)


def test_seeds_of_different_recipes_have_no_mean():
    seeds = record("A"), record("A", seed=1, recipe={"segmentors": []})
    with pytest.raises(DataError, match=r"seeds of 'A' with different recipes"):
        entries.boards([LoadedRecord(seed, None) for seed in seeds])


def row(method="All background", labels=("V1",), key="k", **changes):
    """A control row as a suite with these segmentors makes it."""
    segmentation = record().segmentations[0]
    steps = [Step(stage=f"bound {method} 1", key=key)]
    steps += [
        Step(stage=f"segment {label} on {method} 1", key=f"{key} {label}") for label in labels
    ]
    values = {
        "control": True,
        "recipe": {"segmentors": list(labels)},
        "segmentations": [segmentation.model_copy(update={"segmentor": x}) for x in labels],
        "steps": steps,
    }
    return LoadedRecord(record(method, **{**values, **changes}), None)


def failed(**changes):
    empty = {"masks": None, "segmentations": (), "steps": (), "failure": Failure(message="x")}
    return row(**{**empty, **changes})


def test_rows_shared_by_suites_are_kept_once():
    same = row(), row()
    assert entries.once(same) == same[:1]
    assert len(entries.once([row(control=False), row(control=False)])) == 1
    assert entries.once([row(), row("Other"), row(seed=1)]) != same[:1]


def test_a_control_row_has_the_segmentors_of_all_suites():
    (run,) = entries.once([row(labels=("V1",)), row(labels=("V2",)), row(labels=("V2", "V3"))])
    assert run.record.recipe["segmentors"] == ["V1", "V2", "V3"]
    assert {s.segmentor for s in run.record.segmentations} == {"V1", "V2", "V3"}
    assert [run.record.maker(label) for label in ("", "V1", "V3")] == ["k", "k V1", "k V3"]
    assert len(run.record.steps) == 4


def test_a_failed_control_row_is_replaced_by_a_finished_one():
    whole = row()
    for runs in ([failed(), whole], [whole, failed()], [failed(), failed(), whole]):
        assert entries.once(runs) == (whole,)
    assert len(entries.once([failed(), failed()])) == 1


@pytest.mark.parametrize(
    "other",
    [row(key="other"), row(control=False, labels=("V2",)), failed(control=False), row(steps=())],
)
def test_conflicting_rows_of_one_name_are_not_merged(other):
    assert len(entries.once([row(control=other.record.control), other])) == 2


def test_seeds_with_different_recipes_have_no_mean():
    recipe = record().recipe
    runs = [
        LoadedRecord(record(seed=n, recipe={**recipe, "lr": n}), Path(f"{n}.json"))
        for n in range(2)
    ]
    with pytest.raises(DataError, match=r"1\.json and 0\.json are seeds of 'EPS' with different"):
        entries.boards(runs)


def test_counts_of_another_record_are_refused(tmp_path):
    runs = simulated.runs({"A": 0}, seeds=(0,), images=5, segmentors=())
    simulated.write(tmp_path, runs)
    counts.write(tmp_path / "counts" / "0000.npz", {"": counts_of_others(runs[0].tallies[""])})
    with pytest.raises(DataError, match=r"0000\.npz has other counts than those that .*0000\.json"):
        entries.load([tmp_path])


def test_runs_that_share_their_masks_count_once():
    """Seeds that vary the segmentor alone."""
    step = Step(stage="mask cam", key="one")
    runs = [LoadedRecord(record(seed=seed, steps=(step,)), None) for seed in (0, 1)]
    (board,) = entries.boards(runs)
    assert [len(board.entries(target)[0].runs) for target in ("", "V1")] == [1, 2]


def test_an_empty_folder_is_refused_with_a_remedy(tmp_path):
    with pytest.raises(DataError, match="run the suite first"):
        entries.load([tmp_path])
