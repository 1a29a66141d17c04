"""What a submission says of all that its store has scored on truth."""

import shutil
from dataclasses import replace

import pytest
from sample_submissions import check, edit, record_of, renew, submitted

from wsss_harness.store.layout import RECORDS
from wsss_harness.store.selection_ledger import LedgerEntry, Truth, note
from wsss_harness.system.files import write_json
from wsss_leaderboard.records.record import load_record, load_records
from wsss_leaderboard.submissions import writing
from wsss_leaderboard.submissions.selection import problems


@pytest.fixture
def record(good):
    return load_record(record_of(good))


def test_submitted_record_says_what_its_store_had_scored(record):
    train, val = record.selection
    # R and Half with two seeds each, and a segmentor after each seed of R.
    assert (train.images, train.masks, train.thresholds, train.checkpoints) == (8, 4, 404, 0)
    assert (val.images, val.masks, val.thresholds, val.checkpoints) == (3, 2, 0, 0)
    assert train.own
    assert val.own


def test_record_that_was_not_submitted_says_nothing(ran):
    records = load_records(ran.request.results(ran.root) / RECORDS)
    assert {record.selection for record in records} == {None}


def test_later_submission_counts_what_was_tried_since_also_on_other_lists(ran, record, tmp_path):
    later = replace(ran, root=tmp_path / "runs")
    shutil.copytree(ran.root, later.root)
    own = Truth("railscenes", "train", 8, record.selection[0].list)
    other = Truth.of("railscenes", "train", ["a"])
    for truth in (own, other, other._replace(dataset="another")):
        note(later.root, LedgerEntry(truth, "masks", "0123456789ab"), 1)
    train, _, *others = load_record(record_of(submitted(later, tmp_path / "new"))).selection
    assert train.masks == 5
    assert [(use.own, use.images, use.masks) for use in others] == [(False, 1, 1)]
    assert others[0].words.endswith("on the truth of another list of train (1 images)")


def test_check_repeats_the_counts_of_the_row_once(good, ran):
    notes = [text for text in check(good, ran).notes if text.startswith("selection: ")]
    assert notes == [
        "selection: its store had scored 4 sets of masks, 404 thresholds and 0 checkpoints on the "
        "truth of train (8 images); 2 sets of masks, 0 thresholds and 0 checkpoints on the truth "
        "of val (3 images); nobody else can count this"
    ]


def test_submission_of_an_older_version_passes_without_counts(ran, tmp_path, monkeypatch):
    def save(record, path):
        write_json(path, record.model_dump(mode="json", exclude={"selection"}))

    monkeypatch.setattr(writing, "save_record", save)
    report = check(submitted(ran, tmp_path / "old"), ran)
    assert report.problems == []
    assert not [text for text in report.notes if "selection" in text]


@pytest.mark.parametrize(
    ("place", "changes", "named"),
    [
        (0, {"masks": 0}, "0 masks on train, but this row alone has 1"),
        (0, {"thresholds": 100}, "100 thresholds on train, but this row alone has 101"),
        (1, {"masks": 0}, "0 masks on val"),
        (1, {"own": False}, "0 masks on val"),
        (0, {"images": 9}, "train has 9 images, in the protocol 8"),
    ],
)
def test_count_below_that_of_the_row_itself_is_a_problem(record, place, changes, named):
    assert list(problems(record)) == []
    uses = list(record.selection)
    uses[place] = uses[place].model_copy(update=changes)
    (problem,) = problems(record.model_copy(update={"selection": tuple(uses)}))
    assert named in problem


def test_control_needs_no_masks_of_its_own_in_the_counts(record):
    masks = record.masks.model_copy(update={"curve": ()})
    changes = {"control": True, "selection": (), "masks": masks, "segmentations": ()}
    assert list(problems(record.model_copy(update=changes))) == []


def test_impossible_counts_end_a_check(folder, ran):
    edit(record_of(folder), lambda content: content["selection"][0].update(masks=0))
    renew(folder)
    assert any("this row alone has 1" in problem for problem in check(folder, ran).problems)
