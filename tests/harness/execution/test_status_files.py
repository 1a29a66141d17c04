"""What goes on in a store is told to other processes, and no longer when a run has died."""

import json

import pytest
from commands import command, wait_for
from rich.console import Console

from wsss_harness.cli.status import print_status
from wsss_harness.contract.hookspecs import StageEvent
from wsss_harness.execution import status_files
from wsss_harness.execution.status_files import ProgressFile, RunStatus, live_runs, read_progress
from wsss_harness.store import housekeeping

TOLD = {
    "suite": "Small [1]",
    "stages": 9,
    "ended": 4,
    "failed": 1,
    "seconds": 75.0,
    "running": [
        {"stage": "fit [cam]", "part": None, "done": 0, "total": 0, "seconds": 3.0},
        {
            "stage": "score cam",
            "part": {"index": 1, "count": 2},
            "done": 20,
            "total": 80,
            "seconds": 30.0,
        },
    ],
}


def status(root, capsys, as_json=False):
    print_status(root, Console(width=100), as_json)
    return capsys.readouterr().out


def test_status_shows_a_run_until_it_ends(tmp_path, capsys):
    with RunStatus(tmp_path) as run_status:
        run_status.write(TOLD)
        text = " ".join(status(tmp_path, capsys).split())
        assert "Small [1] on " in text
        assert "for 75 s: 4 of 9 stages, 1 failed" in text
        assert "fit [cam] - 3.0 s -" in text
        assert "score cam, part 2 of 2 20/80 30 s 2 min" in text
        (run,) = json.loads(status(tmp_path, capsys, as_json=True))
        assert run.items() >= TOLD.items()
    assert "nothing runs on" in status(tmp_path, capsys)
    assert not list(tmp_path.iterdir())


def test_run_with_nothing_to_do_creates_no_folder(tmp_path):
    with RunStatus(tmp_path / "store"):
        pass
    assert not (tmp_path / "store").exists()


def test_folder_of_a_killed_run_is_hidden_and_then_removed(tmp_path):
    dead = tmp_path / "running" / "far-1"
    dead.mkdir(parents=True)
    (dead / status_files.RUNNER).write_text(json.dumps(TOLD))
    assert list(live_runs(tmp_path)) == []
    with RunStatus(tmp_path) as run_status:
        run_status.write(TOLD)
        assert not dead.exists()
        assert len(list(live_runs(tmp_path))) == 1
        assert len(list((tmp_path / "running").iterdir())) == 2  # its folder and its lock


def test_progress_is_written_at_the_start_and_then_at_intervals(tmp_path, monkeypatch):
    report = ProgressFile(tmp_path / "one.json")
    assert read_progress(report.path) is None
    report(StageEvent("started", "fit"))
    assert read_progress(report.path) == (0, 0)
    report(StageEvent("progress", "fit", 1, 9))
    assert read_progress(report.path) == (0, 0)
    monkeypatch.setattr(status_files, "INTERVAL", 0)
    report(StageEvent("progress", "fit", 2, 9))
    assert read_progress(report.path) == (2, 9)


def test_unwritable_progress_file_is_ignored(tmp_path):
    (tmp_path / "file").write_text("x")
    ProgressFile(tmp_path / "file" / "one.json")(StageEvent("started", "fit"))


def test_status_folder_is_not_taken_for_a_stage(tmp_path):
    with RunStatus(tmp_path) as run_status:
        run_status.write(TOLD)
        assert housekeeping.stages(tmp_path) == []


def test_status_shows_a_run_of_another_process(tmp_path, capsys):
    slow = {"generators": {"R": {"name": "redness", "pause": 60}}}
    (tmp_path / "runs").mkdir()
    process = command(tmp_path, **slow, rows=[{"method": "R", "generator": "R"}])
    try:
        wait_for(lambda: "fit redness" in status(tmp_path / "runs", capsys))
    finally:
        process.kill()
        process.communicate()
    wait_for(lambda: "nothing runs on" in status(tmp_path / "runs", capsys))


@pytest.mark.parametrize("content", ["", "{"])
def test_torn_progress_file_counts_as_missing(tmp_path, content):
    path = tmp_path / "one.json"
    path.write_text(content)
    assert read_progress(path) is None
