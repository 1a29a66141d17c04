"""A record agrees with its counts to the last digit, or the field that does not is named."""

import numpy as np
import pytest
import xxhash
from sample_records import record

from wsss_harness.contract.errors import DataError
from wsss_harness.metrics import anatomy, confusion
from wsss_leaderboard.records import counts
from wsss_leaderboard.records.counts import Tallies
from wsss_leaderboard.records.provenance import Failure
from wsss_leaderboard.records.record import save_record
from wsss_leaderboard.records.scores import Masks, score_of
from wsss_leaderboard.statistics import estimates
from wsss_leaderboard.submissions.agreement import problems, read

NAMES = ("background", "dog", "cat")


@pytest.fixture
def measured():
    """Masks of six images with 255 in truth and mask: their confusions, and counts of causes."""
    rng = np.random.default_rng(0)
    values = np.array([0, 0, 0, 1, 1, 255], np.uint8)  # there is no cat
    pairs = [rng.choice(values, (2, 12, 16)) for _ in range(6)]
    context = {"strip": np.zeros((12, 16), bool)}
    return (
        np.stack([confusion.confusion(truth, mask, 2) for truth, mask in pairs]),
        sum(anatomy.count(truth, mask, 2, context) for truth, mask in pairs),
    )


@pytest.fixture
def whole(measured):
    """A record and its counts."""
    confusions, causes = measured
    tallies = Tallies(tuple("abcdef"), estimates.tallies_of(confusions))
    before = record()
    estimate = estimates.miou(tallies.counts)
    score = score_of(tallies.counts.sum(0), NAMES)
    score = score.model_copy(update={"error": estimate.error, "t": estimate.t})
    fields = {"images": 6, "score": score, "anatomy": anatomy.read(causes, NAMES)}
    masks = Masks.model_validate({**before.masks.model_dump(), **fields})
    protocol = before.protocol.model_copy(update={"images": 6})
    changes = {"masks": masks, "protocol": protocol, "segmentations": (), "classes": NAMES}
    return before.model_copy(update={**changes, "recipe": {"segmentors": []}}), {"": tallies}


def edited(whole, **changes):
    run_record, tallies = whole
    masks = run_record.masks.model_copy(update=changes)
    return run_record.model_copy(update={"masks": masks}), tallies


def test_what_was_measured_agrees(whole):
    assert list(problems(*whole)) == []


def test_score_of_counts_is_that_of_confusions(measured):
    confusions, _ = measured
    of_counts = score_of(estimates.tallies_of(confusions).sum(0), NAMES)
    of_confusions = confusion.read(confusions.sum(0), NAMES)
    assert of_counts.iou == of_confusions["iou"]
    for name in ("miou", "precision", "recall"):
        assert getattr(of_counts, name) == of_confusions[name if name == "miou" else f"m{name}"]


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("miou", r"masks\.score\.miou is 0\.\d+, but its counts give 0\.\d+ \([+-]0\.00 points\)"),
        ("precision", r"masks\.score\.precision is"),
        ("recall", r"masks\.score\.recall is"),
    ],
)
def test_scores_are_compared_to_the_last_digit(whole, field, message):
    score = whole[0].masks.score
    after = np.nextafter(getattr(score, field), 1)
    changed = edited(whole, score=score.model_copy(update={field: float(after)}))
    with pytest.raises(DataError, match=message):
        raise DataError(*problems(*changed))


@pytest.mark.parametrize(
    ("iou", "name"),
    [
        (lambda iou: {**iou, "dog": iou["background"], "background": iou["dog"]}, "background"),
        (lambda iou: {**iou, "cat": 0.0}, "cat"),
        (lambda iou: {**iou, "dog": None}, "dog"),
        (lambda iou: {**iou, "cow": 0.5}, "cow"),
        (lambda iou: {"background": iou["background"]}, "dog"),
    ],
)
def test_iou_of_each_class_is_compared(whole, iou, name):
    score = whole[0].masks.score
    changed = edited(whole, score=score.model_copy(update={"iou": iou(score.iou)}))
    assert f"masks.score.iou.{name} is " in "".join(problems(*changed))


def test_classes_must_be_in_the_order_of_the_counts(whole):
    run_record, tallies = whole
    assert "masks.score.iou.dog is" in next(
        problems(run_record.model_copy(update={"classes": ("dog", "background", "cat")}), tallies)
    )
    assert "classes names 0 classes, but its counts are of 3" in next(
        problems(run_record.model_copy(update={"classes": ()}), tallies)
    )


@pytest.mark.parametrize("field", ["error", "t"])
def test_narrowed_interval_is_reported(whole, field):
    score = whole[0].masks.score
    for value in (getattr(score, field) / 2, None):
        changed = edited(whole, score=score.model_copy(update={field: value}))
        assert f"masks.score.{field} is {value}, but" in next(problems(*changed))


def test_causes_add_up_to_the_wrong_pixels(whole):
    causes = dict(whole[0].masks.anatomy)
    name = next(name for name, cause in causes.items() if cause.share)
    causes[name] = causes[name].model_copy(update={"share": causes[name].share / 2})
    assert "its causes add up to" in next(problems(*edited(whole, anatomy=causes)))


def test_number_of_images_is_compared(whole):
    assert "masks.images is 7, protocol 6, counts 6" in next(problems(*edited(whole, images=7)))
    run_record, tallies = whole
    twice = {"": Tallies(("a", *"abcde"), tallies[""].counts)}
    assert "counted twice" in next(problems(run_record, twice))


def test_counts_of_other_targets_are_found(whole):
    run_record, tallies = whole
    more = {**tallies, "V1": tallies[""]}
    assert "its counts are of ['', 'V1'], expected ['']" in next(problems(run_record, more))
    other = run_record.model_copy(update={"recipe": {"segmentors": ["V1"]}})
    assert "it has the segmentors [], its recipe ['V1']" in next(problems(other, tallies))


def test_failed_row_cannot_be_checked(whole):
    run_record, tallies = whole
    failed = run_record.model_copy(update={"failure": Failure(message="NaN")})
    assert list(problems(failed, tallies)) == [
        "the row did not finish; only complete rows can be checked"
    ]


def test_counts_are_those_that_the_record_names(tmp_path, whole):
    run_record, tallies = whole
    path = tmp_path / "records" / "a.json"
    counts.write(counts.path_of(path), tallies)
    save_record(run_record, path)
    with pytest.raises(DataError, match=r"a\.json has no counts by image"):
        read(path)
    digest = xxhash.xxh3_128_hexdigest(counts.path_of(path).read_bytes())
    save_record(run_record.model_copy(update={"counts": digest}), path)
    assert read(path).record.counts == digest
    save_record(run_record.model_copy(update={"counts": "0" * 32}), path)
    with pytest.raises(DataError, match=r"a\.npz has other counts than those that .*a\.json"):
        read(path)
