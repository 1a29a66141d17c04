"""Accepting submissions on a board: what fits, corrections, and commands that were killed."""

import json

import pytest
from sample_boards import edited_copy, wrong
from sample_submissions import check, edit, record_of, submitted

from wsss_harness.contract.errors import DataError
from wsss_leaderboard.boards import chain, verification
from wsss_leaderboard.boards.folder import BoardFolder, accept_checked, misfits, settle
from wsss_leaderboard.ranking import entries
from wsss_leaderboard.records import counts
from wsss_leaderboard.submissions.manifest import MANIFEST


def test_board_is_complete_and_reads_like_results(board, good):
    assert wrong(board) == ""
    loaded = entries.load([board])
    assert [run.record.method for run in loaded] == ["Half", "Half", "R", "R"]
    assert all(run.tallies for run in loaded)
    assert len(entries.boards(loaded)) == 1
    for entry in chain.read(board):
        assert chain.suite_of(board, entry).is_file()
    assert len(list((board / chain.SUITES).iterdir())) == 1
    name = f"records/{record_of(good).name}"
    assert (board / name).read_bytes() == (good / name).read_bytes()


def test_each_entry_has_the_digest_of_the_entry_before(board):
    chained = chain.read(board)
    assert [entry.previous for entry in chained] == ["", *(entry.digest for entry in chained[:-1])]
    assert chain.head(chained) == chained[-1].digest
    assert chained[0].record.startswith(chained[0].stem[-8:])


def test_submission_is_not_accepted_twice(board, good, ran):
    with pytest.raises(DataError, match=r"r-seed0-.*\.json was accepted before"):
        accept_checked(check(good, ran), board)
    assert len(chain.read(board)) == 4


def test_submission_with_problems_is_not_accepted(folder, ran, tmp_path):
    edit(record_of(folder), lambda content: content.update(seed=5))
    with pytest.raises(DataError, match="is not the file that"):
        accept_checked(check(folder, ran), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_second_run_of_a_seed_must_be_a_correction(board, corrected, ran):
    edit(corrected / MANIFEST, lambda content: content.update(corrects=False))
    with pytest.raises(DataError, match=r"the board has 'R', seed 0, as r-seed0-.*--corrects"):
        accept_checked(check(corrected, ran), board)


def test_correction_supersedes_the_old_record_and_keeps_it(board, corrected, ran):
    old = record_of(board)
    verification.add(old, 2, "Ada")
    before = verification.digest(json.loads(old.read_text()))
    (entry,) = accept_checked(check(corrected, ran), board)
    assert entry.supersedes == before
    assert not old.exists()
    gone = board / chain.SUPERSEDED / old.name
    assert verification.badge(gone).tier == 2
    assert counts.read(counts.path_of(gone))
    new = board / "records" / f"{entry.stem}.json"
    assert verification.badge(new) is None
    assert wrong(board) == ""
    assert len(entries.load([board])) == 4


def test_superseded_record_cannot_be_accepted_again(board, corrected, good, ran):
    accept_checked(check(corrected, ran), board)
    folder = submitted(ran, corrected.with_name("again"), seed=0, corrects=True)
    with pytest.raises(DataError, match="was accepted before"):
        accept_checked(check(folder, ran), board)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"protocol": {"held_out": 3}}, "protocol.held_out is 3, on the board of railscenes it is"),
        ({"recipe": {"generator": "X"}}, "'R' has another recipe on the board; rename the row"),
        ({"method": "Mine"}, "has exactly the masks of 'R', seed 0"),
    ],
)
def test_misfits_name_the_record_and_the_reason(board, good, ran, change, message):
    report = check(good, ran)
    for run in report.runs:
        for name, value in change.items():
            old = getattr(run.record, name)
            if name == "protocol":
                value = old.model_copy(update=value)
            elif name == "recipe":
                value = {**old, **value}
            object.__setattr__(
                run, "record", run.record.model_copy(update={name: value, "seed": 7})
            )
            object.__setattr__(run, "path", edited_copy(run.path, board.parent))
    assert message in "\n".join(misfits(report, BoardFolder.read(board), new_table=False))


def test_new_protocol_needs_a_new_table(board, good, ran):
    report = check(good, ran)
    run = report.runs[0]
    protocol = run.record.protocol.model_copy(update={"fingerprint": "f"})
    object.__setattr__(run, "record", run.record.model_copy(update={"protocol": protocol}))
    path = edited_copy(run.path, board.parent)
    object.__setattr__(run, "path", path.rename(path.with_stem("another")))
    report.runs = [run]
    folder = BoardFolder.read(board)
    assert "protocol.fingerprint is 'f'" in "\n".join(misfits(report, folder, new_table=False))
    assert list(misfits(report, folder, new_table=True)) == []


def test_killed_acceptance_can_be_repeated(filled, good, ran, tmp_path, monkeypatch):
    board = tmp_path / "new"

    def killed(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(chain, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            accept_checked(check(good, ran), board)
    assert (board / "records").is_dir()
    assert chain.read(board) == ()
    accept_checked(check(good, ran), board)
    assert wrong(board) == ""


def test_killed_correction_is_settled(board, corrected, ran, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("wsss_leaderboard.boards.folder.settle", lambda *args: None)
        accept_checked(check(corrected, ran), board)
    assert "superseded/r-seed0-" in wrong(board)
    settle(board)
    assert wrong(board) == ""


def test_signed_record_is_corrected_only_by_its_signer(board, corrected, ran):
    chained = chain.read(board)
    lines, before = [], ""
    for entry in chained:
        lines.append(entry.model_copy(update={"previous": before, "signer": "ada@lab"}))
        before = lines[-1].digest
    chain.write(board, lines)
    report = check(corrected, ran)
    with pytest.raises(DataError, match="which ada@lab has signed, but nobody has signed this"):
        accept_checked(report, board)
    report.signer = "ada@lab"
    assert accept_checked(report, board)[0].signer == "ada@lab"


def test_stem_that_the_board_has_is_refused(board, corrected, ran):
    report = check(corrected, ran)
    path = report.runs[0].path
    object.__setattr__(report.runs[0], "path", path.rename(path.with_stem(record_of(board).stem)))
    assert "the board has, or had, another record of this name" in "\n".join(
        misfits(report, BoardFolder.read(board), new_table=False)
    )
