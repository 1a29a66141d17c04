"""Stale records are scored again from their masks."""

import pytest
from sample_boards import wrong
from sample_submissions import PLUGINS, edit, reader, record_of

from wsss_harness import metrics
from wsss_harness.contract.errors import DataError
from wsss_leaderboard.boards import chain, rescore, verification
from wsss_leaderboard.boards.verification import Verifier
from wsss_leaderboard.records.record import load_record
from wsss_leaderboard.site.board import STALE
from wsss_leaderboard.site.build import build
from wsss_leaderboard.submissions import checking


@pytest.fixture
def risen(monkeypatch):
    """The metrics of tomorrow: boundaries are judged otherwise."""
    for module in (verification, rescore, checking):
        monkeypatch.setattr(module, "EVALUATOR", metrics.EVALUATOR + 1)
    changed = dict(metrics.METRICS)
    old = changed["boundary"]
    halved = lambda *args: {k: v and v / 2 for k, v in old.read(*args).items()}  # noqa: E731
    changed["boundary"] = type(old)(old.count, halved)
    monkeypatch.setattr("wsss_leaderboard.submissions.agreement.METRICS", changed)


def test_stale_record_is_scored_again_from_its_masks(board, good, ran, risen):
    old = record_of(board)
    before = load_record(old)
    assert verification.is_stale(before)
    dataset = reader(ran).dataset(before, "R")
    entry = rescore.rescore(board, old.stem, good / "packs", dataset)
    after = load_record(board / "records" / f"{entry.stem}.json")
    assert not verification.is_stale(after)
    assert after.masks.boundary["f"] == before.masks.boundary["f"] / 2
    assert after.masks.score == before.masks.score
    assert after.segmentations[0].mmseg == before.segmentations[0].mmseg
    assert before.masks.curve
    assert (after.masks.curve, after.masks.others) == ((), {})
    assert wrong(board) == ""
    assert entry.packs == chain.read(board)[0].packs
    assert not old.exists()
    assert not list(board.glob(".rescore*"))


def test_packs_are_found_under_the_stem_of_the_superseded_record(board, good, ran, risen):
    stem = record_of(board).stem
    entry = rescore.rescore(board, stem, good / "packs", ran.dataset)
    assert entry.stem != stem
    assert chain.packs_of(board, entry.stem, good / "packs") == good / "packs" / stem
    again = Verifier(
        board / "records" / f"{entry.stem}.json",
        checking.LocalResources(PLUGINS, ran.store, packs=good / "packs"),
    )
    assert "other packs" not in again.verdict(2).explanation
    assert "no mask packs" not in again.verdict(2).explanation


def test_current_record_is_not_scored_again(board, good, ran):
    stem = record_of(board).stem
    with pytest.raises(DataError, match="is not stale: its metrics are of version 1"):
        rescore.rescore(board, stem, good / "packs", ran.dataset)
    with pytest.raises(DataError, match="has no record x; it has r-seed0"):
        rescore.rescore(board, "x", good / "packs", ran.dataset)


def test_site_marks_stale_boards(filled, tmp_path, monkeypatch):
    build([filled], tmp_path / "today", "Boards")
    monkeypatch.setattr(verification, "EVALUATOR", metrics.EVALUATOR + 1)
    build([filled], tmp_path / "later", "Boards")
    for name, stale in (("today", False), ("later", True)):
        for page in (tmp_path / name).rglob("index.html"):
            assert (STALE in page.read_text()) is stale


def test_other_masks_are_refused_when_scoring_again(board, folder, ran, risen):
    path = record_of(board)
    pack = folder / "packs" / path.stem / "0-masks" / "pack.json"
    edit(pack, lambda content: content.update(method="Other"))
    with pytest.raises(DataError, match="holds other packs than those that were accepted"):
        rescore.rescore(board, path.stem, folder / "packs", ran.dataset)
