"""`wsss run --rehearse`: every row, in a store of its own, with results that nobody can use."""

import json

import pytest
import small_suite
from rich.console import Console

from wsss_harness.contract.errors import ConfigError
from wsss_harness.execution.engine import RunOptions
from wsss_harness.store.layout import RECORDS, REHEARSAL, lock_of
from wsss_harness.suite.selection import Request
from wsss_harness.system import locks
from wsss_leaderboard.cli import rehearsal
from wsss_leaderboard.cli.rehearsal import MARK, check_rehearsal, rehearse_suite
from wsss_leaderboard.cli.tables import print_tables_of
from wsss_leaderboard.records.record import load_records
from wsss_leaderboard.submissions.writing import SuiteRun, write_submission

INLINE = RunOptions(executor="inline")


@pytest.fixture
def rehearse(tmp_path, monkeypatch, capsys):
    """Rehearse the small suite with changes; gives whether anything failed, and what is printed."""
    monkeypatch.setattr(rehearsal, "installed", small_suite.plugins)
    monkeypatch.setenv("COLUMNS", "80")

    def rehearse(small=False, **changes):
        path = tmp_path / "small.json"
        path.write_text(json.dumps(small_suite.content(**changes)))
        options = {"root": tmp_path / "runs", "options": INLINE, "small": small}
        failed = rehearse_suite(Request(path), Console(), None, **options)
        return failed, capsys.readouterr().out

    return rehearse


def records_in(tmp_path):
    (folder,) = (tmp_path / "runs" / REHEARSAL / "results").iterdir()
    return load_records(folder / RECORDS)


def test_a_rehearsal_runs_few_images_and_one_seed_in_a_store_of_its_own(rehearse, tmp_path):
    failed, out = rehearse(seeds=[3, 4], dataset={"name": "in_memory", "count": 60})
    assert not failed
    assert "REHEARSAL of" in out
    records = records_in(tmp_path)
    assert all(record.rehearsal for record in records)
    assert {record.seed for record in records} == {3}
    protocol = records[0].protocol
    assert (protocol.images + protocol.held_out, protocol.val_images) == (16, 8)
    assert [path.name for path in (tmp_path / "runs").iterdir() if path.is_dir()] == [REHEARSAL]


def test_the_table_of_a_rehearsal_fits_80_columns(rehearse):
    _, out = rehearse()
    table = out[out.index("REHEARSAL of") :].splitlines()
    assert max(map(len, table[:-2])) <= 80


def test_a_failure_is_told_with_its_reason_and_other_rows_go_on(rehearse, tmp_path):
    generators = {"R": {"name": "redness"}, "Bad": {"name": "faulty", "how": "bug"}}
    rule = {"threshold": 0.5}
    rows = [{"method": name, "generator": name, "rule": rule} for name in generators]
    failed, out = rehearse(generators=generators, refiners={}, rows=rows)
    assert failed
    assert "FAILED" in out
    assert "FAILED score faulty: " in " ".join(out.split())
    assert {record.method: bool(record.failure) for record in records_in(tmp_path)}["R"] is False


def test_a_row_whose_options_are_wrong_stops_no_other(rehearse, tmp_path):
    generators = {"R": {"name": "redness"}, "Bad": {"name": "redness", "colour": 1}}
    rule = {"threshold": 0.5}
    rows = [{"method": name, "generator": name, "rule": rule} for name in generators]
    failed, out = rehearse(generators=generators, refiners={}, rows=rows)
    assert failed
    assert "FAILED row Bad: " in out
    assert "R" in {record.method for record in records_in(tmp_path)}


def test_the_next_rehearsal_starts_from_nothing(rehearse, tmp_path):
    rehearse()
    left = tmp_path / "runs" / REHEARSAL / "left.txt"
    left.touch()
    rehearse()
    assert not left.exists()


def test_a_folder_that_no_rehearsal_made_is_not_removed(rehearse, tmp_path):
    mine = tmp_path / "runs" / REHEARSAL / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.touch()
    with pytest.raises(ConfigError, match="rename it"):
        rehearse()
    assert mine.exists()


def test_two_rehearsals_do_not_share_a_store(rehearse, tmp_path):
    folder = tmp_path / "runs" / REHEARSAL
    folder.mkdir(parents=True)
    (folder / MARK).touch()
    with locks.exclusive(lock_of(folder), wait=True), pytest.raises(ConfigError, match="running"):
        rehearse()
    assert (folder / MARK).exists()


def test_tables_of_a_rehearsal_say_so(rehearse, tmp_path, capsys):
    rehearse()
    root = tmp_path / "runs" / REHEARSAL
    (folder,) = (root / "results").iterdir()
    assert (folder / "masks.md").read_text().startswith("**REHEARSAL, numbers mean nothing: ")
    print_tables_of(tmp_path / "small.json", [folder], root, "csv", Console(), None)
    print_tables_of(tmp_path / "small.json", [folder], root, "terminal", Console())
    assert "REHEARSAL, numbers mean nothing: mIoU" in capsys.readouterr().out


def test_rows_of_a_rehearsal_cannot_be_submitted(rehearse, tmp_path):
    rehearse()
    root = tmp_path / "runs" / REHEARSAL
    ran = SuiteRun(Request(tmp_path / "small.json"), root, small_suite.plugins())
    with pytest.raises(ConfigError, match="without --rehearse"):
        write_submission(ran, "R", None, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_times_of_a_small_rehearsal_are_not_taken_for_those_of_the_suite(rehearse):
    _, out = rehearse(small=True)
    assert "times of networks are unknown" in " ".join(out.split())


@pytest.mark.parametrize(
    ("options", "named"), [((False, False, None), "--rehearse"), ((True, True, None), "--failed")]
)
def test_options_that_do_not_go_together_are_refused(options, named):
    with pytest.raises(ConfigError, match=named):
        check_rehearsal(*options)
