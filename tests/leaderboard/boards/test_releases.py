"""Releases never change, and reveal a chain that was shortened or rewritten."""

import pytest
from sample_boards import lines, wrong
from sample_submissions import check, edit

from wsss_harness import metrics
from wsss_harness.contract.errors import ConfigError, DataError
from wsss_leaderboard.boards import chain, releases
from wsss_leaderboard.boards.folder import accept_checked


def test_release_keeps_its_records_after_a_correction(board, corrected, ran):
    release = releases.create(board, "2026.1")
    accept_checked(check(corrected, ran), board)
    assert wrong(board) == ""
    paths = releases.paths(board, "2026.1")
    assert sorted(path.parent.name for path in paths) == ["records"] * 3 + ["superseded"]
    assert {path.stem for path in paths} == set(release.records)
    assert not release.stale
    assert release.model_copy(update={"evaluator": metrics.EVALUATOR + 1}).stale
    assert len(releases.create(board, "2026.2").records) == 4


def test_release_cannot_be_made_twice(board):
    releases.create(board, "2026.1")
    with pytest.raises(ConfigError, match="a release never changes: choose another name"):
        releases.create(board, "2026.1")


@pytest.mark.parametrize("name", ["", "../up", "a b", "x" * 60, "\u202ex"])
def test_release_with_an_invalid_name_is_refused(board, name):
    with pytest.raises(DataError, match="field 'name'"):
        releases.create(board, name)
    assert not (board / releases.RELEASES).exists()


def test_empty_board_cannot_be_released(tmp_path):
    with pytest.raises(DataError, match="no accepted record"):
        releases.create(tmp_path, "2026.1")


def test_release_reveals_removed_last_entries(board):
    """The chain alone does not."""
    releases.create(board, "2026.1")
    entry = chain.read(board)[-1]
    lines(board, lambda entries: entries.pop())
    path = board / "records" / f"{entry.stem}.json"
    path.unlink()
    assert list(chain.problems(board)) == []
    assert "2026.1.json names another chain" in wrong(board)
    with pytest.raises(DataError, match=rf"names {entry.stem}, which is in no line"):
        releases.paths(board, "2026.1")


def test_edited_release_is_reported(board):
    releases.create(board, "2026.1")
    path = releases.path_of(board, "2026.1")
    edit(path, lambda content: content["records"].popitem())
    assert f"{path} does not name the records of its chain" in wrong(board)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: path.rename(path.with_name("2027.json")), "is the release 2026.1: it was"),
        (lambda path: edit(path, lambda c: c.update(date="1999-01-01")), "is older than the last"),
    ],
)
def test_renamed_or_backdated_release_is_reported(board, change, message):
    releases.create(board, "2026.1")
    change(releases.path_of(board, "2026.1"))
    assert message in wrong(board)
