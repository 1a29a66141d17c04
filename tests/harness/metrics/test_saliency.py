"""The quality of saliency maps, against a loop and at its ends."""

import numpy as np
import pytest

from wsss_harness.metrics.saliency import QualityCounts


def quality(truth, saliency):
    counts = QualityCounts()
    counts.add(truth, saliency)
    return counts.read()


def test_quality_against_a_loop():
    rng = np.random.default_rng(0)
    truth = rng.choice(np.array([0, 0, 1, 3, 255], np.uint8), (3, 7, 9))
    saliency = (rng.integers(0, 256, (3, 7, 9)) / 255).astype(np.float32)
    hits = false = front = 0
    error = total = 0.0
    for t, s in zip(truth.ravel().tolist(), saliency.ravel().tolist(), strict=True):
        if t != 255:
            hits += t > 0 and s > 0.5
            false += t == 0 and s > 0.5
            front += t > 0
            error += abs(s - (t > 0))
            total += 1
    actual = quality(truth, saliency)
    assert actual.iou == hits / (front + false)
    assert actual.error == pytest.approx(error / total, abs=1e-6)


def test_quality_of_perfect_and_inverted_maps():
    truth = np.array([[0, 1], [2, 0]], np.uint8)
    perfect = (truth > 0).astype(np.float32)
    assert quality(truth, perfect).iou == 1
    assert quality(truth, perfect).error == 0
    assert quality(truth, perfect).max_f == pytest.approx(1)
    assert quality(truth, 1 - perfect).iou == 0
    assert quality(truth, 1 - perfect).error == 1
