"""Verification in tiers: each passes on what is right, and fails on what it is there to find."""

import shutil
from dataclasses import replace

import pytest
import small_suite
from sample_submissions import PLUGINS, check, edit, record_of

from wsss_harness.store.store import Store
from wsss_harness.system import files, pictures
from wsss_leaderboard.boards.folder import accept_checked
from wsss_leaderboard.boards.verification import Verifier
from wsss_leaderboard.records.record import load_record
from wsss_leaderboard.submissions.checking import LocalResources
from wsss_leaderboard.submissions.definitions import suite_of


@pytest.fixture
def verifier(folder, ran):
    """Of the record R, seed 0, in a submission that can be tampered with."""
    return Verifier(record_of(folder), LocalResources(PLUGINS, Store(ran.root)))


def with_own(verifier, **resources):
    """The verifier of a reader who has other resources."""
    return replace(verifier, reader=replace(verifier.reader, **resources))


def verdicts(verifier, highest):
    return [(verdict.tier, verdict.passed) for verdict in verifier.verify(highest)]


def test_what_was_run_passes_every_tier(verifier):
    results = list(verifier.verify(4))
    assert [(verdict.tier, verdict.passed, verdict.tolerance) for verdict in results] == [
        (tier, True, 0.0) for tier in (1, 2, 3, 4)
    ]
    assert results[0].explanation == "metrics are those of the counts"
    assert results[1].explanation == "9 masks give its metrics"
    assert results[2].explanation == "7 stages have the same bytes"
    assert results[3].explanation == "10 stages have the same bytes"


def test_record_on_a_board_is_verified_with_packs_from_another_folder(good, ran, tmp_path):
    accept_checked(check(good, ran), tmp_path / "board")
    path = record_of(tmp_path / "board")
    alone = Verifier(path, LocalResources(PLUGINS, ran.store))
    assert verdicts(alone, 2) == [(1, True), (2, None)]
    assert "give their folder with --packs" in list(alone.verify(2))[1].explanation
    assert verdicts(with_own(alone, packs=good / "packs"), 2) == [(1, True), (2, True)]


def test_tier_1_finds_an_edited_record(verifier):
    edit(verifier.path, lambda content: content["masks"]["score"].update(miou=0.9))
    (verdict,) = verifier.verify(4)
    assert (verdict.tier, verdict.passed) == (1, False)
    assert "masks.score.miou is 0.9, but its counts give 0." in verdict.explanation


def test_tier_1_finds_a_record_that_is_not_the_accepted_one(good, ran, tmp_path):
    accept_checked(check(good, ran), tmp_path / "board")
    path = record_of(tmp_path / "board")
    edit(path, lambda content: content.update(suite="Other"))
    (verdict,) = Verifier(path, LocalResources(PLUGINS, ran.store)).verify(2)
    assert (verdict.tier, verdict.passed) == (1, False)
    assert "is not the record that was accepted: it was edited" in verdict.explanation


def packs_of(verifier):
    return verifier.path.parents[1] / "packs" / verifier.path.stem


def test_tier_2_finds_other_masks(verifier):
    path = sorted((packs_of(verifier) / "0-masks" / "masks").iterdir())[0]
    pictures.write_mask(path, pictures.read_indices(path)[::-1].copy())
    assert verdicts(verifier, 4) == [(1, True), (2, False)]
    assert "is not the file that pack.json names" in verifier.verdict(2).explanation


def test_tier_2_finds_another_pack(verifier):
    edit(packs_of(verifier) / "1-one" / "pack.json", lambda content: content.update(method="X"))
    assert "holds other packs than those that were submitted" in verifier.verdict(2).explanation


def test_tier_2_finds_metrics_that_are_not_those_of_the_masks(verifier):
    def change(content):
        content["masks"]["boundary"]["f"] += 0.01
        content["segmentations"][0]["mmseg"]["mIoU"] = 99.0

    edit(verifier.path, change)
    verdict = verifier.verdict(2)
    assert verdict.passed is False
    assert "masks.boundary.f is 0." in verdict.explanation
    assert "(-1.00 points)" in verdict.explanation
    assert "one.mmseg.mIoU is 99.0" in verdict.explanation


def test_tier_2_is_left_out_where_the_data_is_another(verifier, ran):
    other = suite_of(load_record(verifier.path), "here", ["dataset.train=9"])
    verdict = with_own(verifier, suite=other).verdict(2)
    assert verdict.passed is None
    assert "that of the data at hand is" in verdict.explanation


def test_paths_of_a_record_are_never_followed(verifier):
    def change(content):
        content["definition"]["generators"]["R"]["checkpoint"] = "../evil.pth"
        content["definition"]["segmentors"]["one"]["config"] = "evil.py"

    edit(verifier.path, change)
    for tier in (2, 3, 4):
        verdict = verifier.verdict(tier)
        assert verdict.passed is None
        assert "definition.generators.R.checkpoint is the path '../evil.pth'" in verdict.explanation
        assert "--set generators.R.checkpoint=PATH" in verdict.explanation
    own = ("generators.R.checkpoint=mine", "segmentors.one.config=mine")
    suite = suite_of(load_record(verifier.path), "here", own)
    assert suite.segmentors["one"].options == {"config": "mine"}


def test_tier_3_finds_scores_that_do_not_follow_from_the_weights(verifier, monkeypatch):
    load = small_suite.Redness.load

    def darker(self, folder, device):
        return load(replace(self, value=0.4), folder, device)

    monkeypatch.setattr(small_suite.Redness, "load", darker)
    assert verdicts(verifier, 4) == [(1, True), (2, True), (3, False)]
    explanation = verifier.verdict(3).explanation
    assert explanation.startswith("score redness differs, and ")
    assert "mIoU: masks " in explanation
    assert " points, one +0.00 points; on a CPU with the same versions and threads" in explanation


def test_tolerance_of_the_reader_replaces_the_default(verifier, monkeypatch):
    load = small_suite.Redness.load

    def darker(self, folder, device):
        return load(replace(self, value=0.4), folder, device)

    monkeypatch.setattr(small_suite.Redness, "load", darker)
    verdict = replace(verifier, tolerance=0.5).verdict(3)
    assert (verdict.passed, verdict.tolerance) == (True, 0.5)
    assert verdict.explanation.endswith("; allowed 50")


def test_tier_3_is_left_out_without_the_weights(verifier, ran, tmp_path):
    store = Store(tmp_path / "empty")
    assert verdicts(with_own(verifier, store=store), 4) == [
        (1, True),
        (2, True),
        (3, None),
        (4, True),
    ]
    assert "does not have fit redness" in with_own(verifier, store=store).verdict(3).explanation


def test_tier_3_does_not_take_other_weights(verifier, ran, tmp_path):
    shutil.copytree(ran.root, tmp_path / "runs")
    store = Store(tmp_path / "runs")
    for path in (tmp_path / "runs" / "segment").glob("one-*/class.txt"):
        path.write_text("7")
    verdict = with_own(verifier, store=store).verdict(3)
    assert verdict.passed is None
    assert "class.txt was changed" in verdict.explanation


def test_tier_3_is_left_out_where_the_source_is_another(verifier):
    def change(content):
        for step in content["steps"]:
            step["key"] = "0" * 64

    edit(verifier.path, change)
    assert "install the version that made the record" in verifier.verdict(3).explanation


def test_tier_4_finds_a_training_that_ends_otherwise(verifier, monkeypatch):
    def fit(self, data, masks, run):
        files.write_text(run.folder / "class.txt", "1")

    monkeypatch.setattr(small_suite.CopiesMostCommon, "fit", fit)
    assert verdicts(verifier, 4) == [(1, True), (2, True), (3, True), (4, False)]
    explanation = verifier.verdict(4).explanation
    assert explanation.startswith("segment one on redness differs, and 2 more; mIoU")


def test_failing_training_fails_the_tier(verifier, monkeypatch):
    monkeypatch.setattr(small_suite.Redness, "fit", lambda self, data, run: 1 / 0)
    verdict = verifier.verdict(4)
    assert verdict.passed is False
    assert "fit redness: ZeroDivisionError" in verdict.explanation


def test_nothing_is_left_beside_the_store(verifier, ran):
    before = sorted(path.name for path in ran.root.parent.iterdir())
    verifier.verdict(3)
    assert sorted(path.name for path in ran.root.parent.iterdir()) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["masks"]["score"].update(miou=0.9), "masks.score.miou is 0.9, measured again"),
        (lambda c: c["masks"].update(rule="mine"), "masks.rule is mine"),
        (lambda c: c["masks"].update(curve=[0.5] * len(c["masks"]["curve"])), "masks.curve.0 is"),
        (lambda c: c["segmentations"][0]["mmseg"].update(mIoU=99.0), "segmentations.0.mmseg.mIoU"),
        (lambda c: c["supervision"].update(read={}), "supervision.read.fit redness is None"),
        (lambda c: c.update(counts="0" * 32), "counts is 0"),
        (lambda c: c.update(control=True), "control is True"),
        (lambda c: c["recipe"].update(rule={}), "recipe.rule"),
    ],
)
def test_equal_bytes_excuse_no_record_that_says_otherwise(verifier, change, message):
    edit(verifier.path, change)
    verdict = verifier.verdict(3)
    assert verdict.passed is False
    assert message in verdict.explanation


def test_no_tier_stands_above_masks_that_nobody_has_seen(verifier):
    shutil.rmtree(packs_of(verifier))
    assert verdicts(verifier, 4) == [(1, True), (2, None)]
