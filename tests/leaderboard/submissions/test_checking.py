"""A check refuses submissions that were edited or disagree with themselves."""

import shutil

import numpy as np
import pytest
import xxhash
from sample_submissions import PLUGINS, check, edit, record_of, renew, submitted
from tampering import mask_of, redigested, refused, repacked, rewrite

from wsss_harness.store.store import Store
from wsss_harness.system import pictures
from wsss_leaderboard.records import counts
from wsss_leaderboard.records.record import load_record
from wsss_leaderboard.records.scores import score_of
from wsss_leaderboard.submissions import checking
from wsss_leaderboard.submissions.manifest import SUITE


def test_written_submission_passes_and_is_measured_again(good, ran):
    report = check(good, ran)
    assert report.problems == []
    assert report.tier == 2
    assert [run.record.seed for run in report.runs] == [0, 1]
    assert report.notes[1].startswith("selection: its store had scored 4 sets of masks, 404 ")
    assert report.notes[2:] == ["masks: measured again; all metrics agree with the records"]


def test_masks_may_be_in_another_folder(ran, good, tmp_path):
    folder = submitted(ran, tmp_path / "light", masks=False)
    assert not (folder / "packs").exists()
    report = check(folder, ran)
    assert (report.problems, report.tier) == ([], 1)
    assert "to check them, give --packs" in report.notes[-1]
    assert check(folder, ran, packs=good / "packs").tier == 2


def test_masks_are_only_read_without_ground_truth(folder, ran):
    for seed in (0, 1):
        rewrite(folder, lambda content: content.update(dataset="theirs"), seed)
    report = check(folder, ran)
    assert (report.problems, report.tier) == ([], 1)
    assert "give a suite with their data, by --suite" in report.notes[-1]
    assert check(folder, ran, suite=ran.suite).tier == 2


def test_missing_scenes_are_drawn(good, ran, tmp_path):
    store = Store(tmp_path / "runs")
    report = checking.check_submission(good, checking.LocalResources(PLUGINS, store))
    assert report.tier == 2


def test_edited_record_is_refused(folder, ran):
    path = record_of(folder)
    edit(path, lambda content: content["masks"]["score"].update(miou=0.9))
    assert f"{path} is not the file that submission.json names" in refused(folder, ran)
    renew(folder)
    text = refused(folder, ran)
    assert f"{path}: masks.score.miou is 0.9, but its counts give 0." in text
    assert "its name should be" in text


def test_edited_record_with_a_matching_name_is_refused(folder, ran):
    path = rewrite(folder, lambda content: content["masks"]["score"].update(miou=0.9))
    assert refused(folder, ran).startswith(f"{path}: masks.score.miou is 0.9, but its counts")


def test_edited_counts_are_refused(folder, ran):
    path = counts.path_of(record_of(folder))
    tallies = counts.read(path)
    tallies[""].counts[0, 0] += 1
    counts.write(path, tallies)
    renew(folder)
    assert f"{path} has other counts" in refused(folder, ran)


def better(folder):
    """Counts that are better than the masks, and a record that agrees with them."""
    path = record_of(folder)
    tallies = counts.read(counts.path_of(path))
    hit, truth, mask = np.moveaxis(tallies[""].counts, -1, 0)
    mask[:] = truth
    hit[:] = truth
    counts.write(counts.path_of(path), tallies)
    digest = xxhash.xxh3_128_hexdigest(counts.path_of(path).read_bytes())

    def change(content):
        content["counts"] = digest
        score = score_of(tallies[""].counts.sum(0), tuple(content["classes"]))
        content["masks"]["score"] = {**score.model_dump(), "error": 0.0, "t": 0.0}
        for cause in content["masks"]["anatomy"].values():
            cause["share"] = 0.0

    return rewrite(folder, change)


def test_metrics_that_disagree_with_the_masks_are_refused(folder, ran):
    """Record and counts agree with each other: only the masks tell."""
    path = better(folder)
    shutil.move(folder / "packs", folder.parent / "packs")
    assert check(folder, ran).tier == 1
    text = refused(folder, ran, packs=folder.parent / "packs")
    assert f"{path}: masks.score.miou is 1.0, measured again 0." in text
    assert "points)" in text
    assert "masks: 6 of 6 images have other counts than their masks, first train_0" in text


def test_edited_mask_is_refused(folder, ran):
    path = mask_of(folder)
    pictures.write_mask(path, np.zeros_like(pictures.read_indices(path)))
    assert f"{path} is not the file that pack.json names" in refused(folder, ran)
    repacked(folder, path)
    assert "images have other counts than their masks" in refused(folder, ran)


def test_pack_with_another_digest_is_refused(folder, ran):
    pack = mask_of(folder).parents[1]
    edit(pack / "pack.json", lambda content: content.update(method="Other"))
    assert "the packs are not those whose digests submission.json has" in refused(folder, ran)


def test_pack_that_lacks_images_is_refused(folder, ran):
    path = mask_of(folder)
    edit(path.parents[1] / "pack.json", lambda content: content["images"].pop(path.stem))
    redigested(folder, path.parents[1])
    path.unlink()
    assert f"are not of the same images; '{path.stem}' is in one of them" in refused(folder, ran)


def test_suite_that_differs_from_the_records_is_refused(folder, ran):
    edit(folder / SUITE, lambda content: content.update(title="Other"))
    renew(folder)
    assert "definition is not what suite.json holds" in refused(folder, ran)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "are both of seed 1"),
        (
            {
                "method": "Mine",
                "recipe": {"method": "Mine", "generator": "R", "segmentors": ["one"]},
            },
            "method is 'Mine', in submission.json 'R'",
        ),
        (
            {"recipe": {"method": "R", "generator": "H", "segmentors": ["one"]}},
            "its protocol or recipe is not that of",
        ),
    ],
)
def test_runs_of_different_rows_are_refused(folder, ran, change, message):
    rewrite(folder, lambda content: content.update(change))
    assert message in refused(folder, ran)


def test_metrics_of_another_version_are_refused(folder, ran):
    rewrite(folder, lambda content: content["protocol"].update(evaluator=99))
    assert "protocol.evaluator is 99, this version's is 1; install the same" in refused(folder, ran)


def test_records_of_other_data_are_refused(folder, ran):
    for seed in (0, 1):
        rewrite(folder, lambda content: content["protocol"].update(fingerprint="f"), seed)
    assert "protocol.fingerprint is 'f', that of the data at hand is" in refused(folder, ran)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["recipe"].pop("generator"), "recipe.generator: Field required"),
        (lambda c: c["recipe"].update(rule={"threshold": "lucky"}), "recipe.rule.threshold"),
        (lambda c: c.update(control=True), "method or control is not that of its recipe"),
        (
            lambda c: (c.update(control=True), c["recipe"].update(control=True)),
            "control is True, but its steps never paint one",
        ),
        (
            lambda c: c["steps"][-1].update(stage="bound x 1"),
            "control is False, but its steps do paint one",
        ),
        (
            lambda c: (c.update(method="Full supervision"), c["recipe"].update(method=c["method"])),
            "is the name of a bound; rename the row",
        ),
    ],
)
def test_invalid_recipe_is_refused(folder, ran, change, message):
    rewrite(folder, change)
    assert message in refused(folder, ran)


def test_control_of_a_suite_is_accepted_as_a_row(folder):
    """What the harness says of its own bounds is let through."""
    record = load_record(record_of(folder))
    assert list(checking._recipe_problems(record)) == []
    for method, stage, rule in (
        ("All background", "bound All background 1", {}),
        ("Saliency, R's classes", "mask R 1", {"rule": {"name": "saliency", "threshold": 0.5}}),
    ):
        recipe = {**record.recipe, "method": method, "control": True, **rule}
        changes = {"method": method, "control": True, "recipe": recipe}
        step = record.steps[-1].model_copy(update={"stage": stage})
        control = record.model_copy(update={**changes, "steps": (step,)})
        assert list(checking._recipe_problems(control)) == []
