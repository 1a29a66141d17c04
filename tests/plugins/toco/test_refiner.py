"""PAR as a refiner of scores."""

import numpy as np
import pytest
import torch
from fake_data import rough_scores, view

from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.hookspecs import Refiner
from wsss_harness.contract.types import ClassScores
from wsss_toco import ParRefiner, wsss_refiners
from wsss_toco.par import Par


@pytest.fixture
def sample(tmp_path):
    return view(tmp_path)["image_000"]


def test_it_is_announced_as_a_refiner():
    assert wsss_refiners() == {"par": ParRefiner}
    assert isinstance(ParRefiner(), Refiner)


def test_scores_are_spread_by_par(sample, tmp_path):
    scores = rough_scores("image_000")
    refined = ParRefiner().load(tmp_path, "cpu")(sample, scores)
    images = torch.from_numpy(sample.image.copy()).permute(2, 0, 1)[None] / 255
    expected = Par(normalised=True)(images, torch.from_numpy(scores.values)[None])[0]
    np.testing.assert_allclose(refined.values, expected, atol=1e-6)
    refined.validate("image_000", "par")
    assert refined.background is None


def test_explicit_background_spreads_too(sample, tmp_path):
    scores = rough_scores("image_000")
    given = ClassScores(scores.classes, scores.values, 1 - scores.values.max(0))
    refined = ParRefiner(weights="released").load(tmp_path, "cpu")(sample, given)
    assert refined.background is not None
    assert not np.array_equal(refined.background, given.background)
    refined.validate("image_000", "par")


def test_image_without_classes_stays_as_it_is(sample, tmp_path):
    empty = ClassScores((), np.zeros((0, 24, 32), np.float32))
    assert ParRefiner().load(tmp_path, "cpu")(sample, empty).classes == ()


@pytest.mark.parametrize("options", [{"dilations": ()}, {"dilations": (0,)}, {"iterations": -1}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        ParRefiner(**options)
