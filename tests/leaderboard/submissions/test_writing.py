"""Writing a submission from a finished run."""

from dataclasses import replace

import pytest
from sample_submissions import check, submitted

from wsss_harness.contract.errors import ConfigError
from wsss_harness.store.layout import RECORDS
from wsss_leaderboard.records.record import load_records, save_record
from wsss_leaderboard.submissions import checking, rowpacks
from wsss_leaderboard.submissions.writing import command_of


def test_readme_and_manifest_name_the_command(good, ran):
    manifest = checking.read_submission(good)
    assert manifest.command == command_of(ran.request) == "wsss run small.toml"
    assert "    wsss run small.toml\n" in (good / "README.md").read_text()
    assert "    wsss run suite.json --rows R\n" in (good / "README.md").read_text()
    assert "== fit redness" in next((good / "logs").iterdir()).read_text()


def test_command_includes_overrides_and_selections(ran):
    request = replace(ran.request, overrides=("held_out=3",), methods=("A b",), words=("x",))
    assert command_of(request) == ("wsss run small.toml --set held_out=3 --rows 'A b' --only x")


def test_submission_of_one_seed_is_allowed(ran, tmp_path):
    folder = submitted(ran, tmp_path / "one", seed=1)
    report = check(folder, ran)
    assert [run.record.seed for run in report.runs] == [1]
    assert report.notes[0] == "runs: 1 of 2 of the suite; missing seeds: 0"


@pytest.mark.parametrize(
    ("method", "seed", "message"),
    [("X", None, "no such record of 'X'; it has those of R, Half"), ("R", 7, "no such record")],
)
def test_error_for_a_missing_row_lists_the_rows_that_were_run(ran, tmp_path, method, seed, message):
    with pytest.raises(ConfigError, match=message):
        submitted(ran, tmp_path / "new", method, seed=seed)
    assert not (tmp_path / "new").exists()


def test_folder_that_is_not_empty_is_left_alone(ran, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty; name a new folder"):
        submitted(ran, tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_failed_writing_leaves_no_folder(ran, tmp_path, monkeypatch):
    monkeypatch.setattr(rowpacks, "write", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        submitted(ran, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_row_whose_masks_could_not_be_scored_is_refused(ran, tmp_path):
    record = load_records(ran.request.results(ran.root) / RECORDS)[0]
    protocol = record.protocol.model_copy(update={"images": 0})
    unscored = record.model_copy(update={"masks": None, "protocol": protocol})
    save_record(unscored, ran.request.results(tmp_path) / RECORDS / "000-r-seed0.json")
    with pytest.raises(ConfigError, match="no score of its masks"):
        submitted(replace(ran, root=tmp_path), tmp_path / "new")
