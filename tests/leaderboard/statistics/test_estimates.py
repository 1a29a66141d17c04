"""Estimates against loops that draw images one by one, and at their ends."""

import numpy as np
import pytest

from wsss_harness.metrics import confusion
from wsss_leaderboard.statistics import estimates


def random_counts(seed=0, images=12, classes=3):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 60, (images, classes + 1, classes + 2))
    counts[:, 2] *= rng.random((images, 1)) < 0.4  # a class that is not in all images
    return counts


def miou_of(counts):
    return float(confusion.mean(confusion.iou(counts.sum(0))))


def test_the_value_is_the_miou_of_summed_counts():
    counts = random_counts()
    estimate = estimates.miou(estimates.tallies_of(counts), draws=10)
    assert estimate.value == pytest.approx(miou_of(counts), abs=1e-12)


def test_influence_is_the_derivative_by_the_weight_of_an_image():
    counts = random_counts(1)
    hit, union = estimates.hits_and_unions(estimates.tallies_of(counts))
    _, influence = estimates.linearised(np.ones((1, len(hit))), hit, union)
    step = 1e-6
    for image in range(len(hit)):
        more, less = np.ones((2, 1, len(hit)))
        more[0, image] += step
        less[0, image] -= step
        ends = [estimates.linearised(w, hit, union)[0][0] for w in (more, less)]
        assert influence[0, image] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-8)


def naive_t(counts, draws):
    """The definition with loops: images drawn one by one, ratios read from their sums."""
    tallies = estimates.tallies_of(counts)
    value, distances = miou_of(counts), []
    for weights in estimates.drawings(len(counts), draws):
        drawn = np.repeat(np.arange(len(counts)), weights.astype(int))
        sums = tallies[drawn].sum(0).astype(float)
        unions = sums[:, 1] + sums[:, 2] - sums[:, 0]
        ious = {c: sums[c, 0] / unions[c] for c in range(len(sums)) if unions[c]}
        squares = 0.0
        for image in drawn:
            hit, truth, mask = tallies[image].T.astype(float)
            union = truth + mask - hit
            terms = [(hit[c] - iou * union[c]) / unions[c] for c, iou in ious.items()]
            squares += (sum(terms) / len(ious)) ** 2
        distances.append(abs(sum(ious.values()) / len(ious) - value) / squares**0.5)
    return np.quantile(distances, 0.95, method="higher")


def test_t_equals_a_loop_over_resamples():
    counts = random_counts(2)
    estimate = estimates.miou(estimates.tallies_of(counts), draws=40)
    assert estimate.t == pytest.approx(naive_t(counts, 40), abs=1e-12)


def test_resamples_have_n_images_and_are_deterministic():
    drawn = estimates.drawings(7, 30)
    assert (drawn.sum(1) == 7).all()
    estimates.drawings.cache_clear()
    assert (estimates.drawings(7, 30) == drawn).all()


def test_deletions_are_what_the_value_loses_without_each_image():
    counts = random_counts(3)
    counts[1:, 2] = counts[1:, :, 2] = 0  # a class that only the first image has
    estimate = estimates.miou(estimates.tallies_of(counts), t=2)
    without = [miou_of(np.delete(counts, image, 0)) for image in range(len(counts))]
    assert estimate.deletions == pytest.approx(estimate.value - np.array(without), abs=1e-12)


def test_the_mean_of_equal_runs_is_the_run():
    run = estimates.miou(estimates.tallies_of(random_counts(5)), draws=50)
    mean = estimates.mean_of([run, run])
    assert (mean.value, mean.t, mean.error) == pytest.approx((run.value, run.t, run.error))
    assert mean.deletions == pytest.approx(run.deletions)


def test_more_images_narrow_the_interval():
    counts = random_counts(6)
    few, many = (
        estimates.miou(estimates.tallies_of(np.tile(counts, (times, 1, 1))), draws=200)
        for times in (1, 9)
    )
    assert many.error == pytest.approx(few.error / 3)
    assert many.t < few.t


def test_perfect_masks_have_an_interval_of_width_zero():
    truth = np.array([[0, 1], [2, 0]], np.uint8)
    counts = np.stack([confusion.confusion(truth, truth, 2)] * 3)
    estimate = estimates.miou(estimates.tallies_of(counts), draws=20)
    assert (estimate.value, estimate.reach) == (1, 0)


def test_a_class_that_is_in_one_image_has_no_interval():
    counts = random_counts(8)
    counts[1:, 2] = counts[1:, :, 2] = 0
    counts[0, 2] = 10
    assert estimates.iou_of(estimates.tallies_of(counts), 2) is None


@pytest.mark.parametrize("images", [0, 1])
def test_too_few_images_have_an_infinite_interval(images):
    estimate = estimates.miou(estimates.tallies_of(random_counts(images=images)))
    assert (estimate.t, estimate.reach) == (np.inf, np.inf)


def test_one_class_is_estimated_alone():
    counts = random_counts(7)
    tallies = estimates.tallies_of(counts)
    assert estimates.iou_of(tallies, 1).value == pytest.approx(
        float(confusion.iou(counts.sum(0))[1])
    )
