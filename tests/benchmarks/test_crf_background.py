"""The study of the CRF's backgrounds trains both heads and counts every background twice."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from wsss_affinity.backgrounds import Background
from wsss_harness import ClassScores

SCRIPT = Path(__file__).parents[2] / "benchmarks/crf_background.py"


@pytest.fixture(scope="module")
def study():
    spec = importlib.util.spec_from_file_location("crf_background", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.STEPS, module.BATCH = 150, 4
    return module


@pytest.fixture
def photos(study):
    """Images whose left half is class 1 or 2; its features say which."""
    shown = []
    for number in range(6):
        truth = np.zeros((12, 16), np.uint8)
        truth[:, :8] = 1 + number % 2
        image = np.repeat(truth[..., None] * 90, 3, 2)
        shown.append(study.Photo(f"{number}", image, (1 + number % 2,), truth, truth > 0))
    return shown


@pytest.fixture
def features(photos):
    seen = []
    for photo in photos:
        maps = torch.zeros(2, 4, 3, 4)
        maps[0, photo.present[0], :, :2] = maps[1, photo.present[0], :, 2:] = 4
        maps[0, 0, :, 2:] = maps[1, 0, :, :2] = 4
        seen.append(maps.half())
    return seen


@pytest.mark.parametrize("name", ["cam", "saliency_guided"])
def test_both_heads_find_what_their_features_show(study, photos, features, name):
    torch.manual_seed(0)
    for scores, photo in zip(getattr(study, name)(features, photos, 2), photos, strict=True):
        scores.validate(photo.image_id, name)
        assert scores.classes == photo.present
        assert scores.values[0, :, :6].mean() > 0.6 > 0.4 > scores.values[0, :, 10:].mean()


def test_each_background_is_counted_without_and_with_the_crf(study, photos):
    pytest.importorskip("pydensecrf", reason="it needs a compiler to install")
    values = np.where(photos[0].truth, 0.25, 0.05).astype(np.float32)[None]
    kinds = [Background(kind="constant", threshold=0.2), Background(alpha=1)]
    counts = study.counted(("EPS", 2, kinds, photos[0], ClassScores((1,), values)))
    assert counts.shape == (2, 2, 3, 4)
    assert counts[0, 0, 1, 1] == counts[0, 1, 1, 1] == 96
    assert counts[1, 0, 1, 1] == 0  # 0.25 loses to (1 - 0.25) ** 1
