"""The chain of a board shows every edit of its records and entries."""

import shutil

import pytest
from sample_boards import lines, wrong
from sample_submissions import edit, record_of

from wsss_harness.contract.errors import DataError
from wsss_leaderboard.boards import chain
from wsss_leaderboard.boards.folder import BoardFolder
from wsss_leaderboard.records import counts


def test_edited_record_is_reported(board):
    path = record_of(board)
    edit(path, lambda content: content["masks"]["score"].update(miou=0.9))
    assert wrong(board) == f"{path} is not the record that was accepted: it was edited"
    with pytest.raises(DataError, match="it was edited"):
        BoardFolder.read(board)


def test_removed_record_is_reported(board):
    path = record_of(board)
    path.unlink()
    assert wrong(board) == f"the accepted record {path.stem} cannot be read: {path} is missing"


@pytest.mark.parametrize("kind", ["counts", "suites"])
def test_edited_or_removed_files_of_a_record_are_reported(board, kind):
    path = sorted((board / kind).iterdir())[0]
    path.write_bytes(path.read_bytes() + b" ")
    assert f"{path}, of the accepted record" in wrong(board)
    assert "was edited" in wrong(board)
    path.unlink()
    assert f"{path}, of the accepted record" in wrong(board)
    assert "was removed" in wrong(board)


def test_record_that_was_never_accepted_is_reported(board):
    path = record_of(board)
    shutil.copyfile(path, path.with_name("mine.json"))
    assert "mine.json was never accepted: it is in no line of chain.jsonl" in wrong(board)


def test_reordered_entries_are_reported(board):
    lines(board, lambda entries: entries.insert(0, entries.pop(1)))
    assert "chain.jsonl, line 1 (r-seed1-" in wrong(board)
    assert "does not follow the line before it: one was edited, removed or moved" in wrong(board)


def test_removed_entry_with_its_files_is_reported(board):
    path = record_of(board)
    path.unlink()
    counts.path_of(path).unlink()
    lines(board, lambda entries: entries.pop(0))
    assert "chain.jsonl, line 1 (r-seed1-" in wrong(board)


def test_edited_entry_is_reported(board):
    def change(entries):
        entries[0] = entries[0].replace('"signer": ""', '"signer": "Ada"')

    lines(board, change)
    assert "chain.jsonl, line 2 (r-seed1-" in wrong(board)


def test_repeated_entry_is_reported(board):
    lines(board, lambda entries: entries.append(entries[-1]))
    assert "line 5 (half-seed1-" in wrong(board)
    assert "accepts a record, or its name, a second time" in wrong(board)


def test_entry_that_supersedes_an_unknown_record_is_reported(board):
    entries = list(chain.read(board))
    entries[-1] = entries[-1].model_copy(update={"supersedes": "0" * 64})
    chain.write(board, entries)
    assert "supersedes a record that was never accepted" in wrong(board)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"chain\.jsonl: line 5 is not valid JSON"),
        ("[" * 100_000, r"chain\.jsonl: line 5 is not valid JSON"),
        ('{"stem": "../../x"}', r"chain\.jsonl, line 5: field"),
    ],
)
def test_invalid_line_of_the_chain_is_named(board, line, message):
    lines(board, lambda entries: entries.append(line + "\n"))
    with pytest.raises(DataError, match=message):
        wrong(board)


def test_missing_chain_is_reported(tmp_path):
    assert "is missing or empty" in wrong(tmp_path)
