"""Masks of CLIP-ES against the released numbers: its CRF, and pixels that it leaves open."""

import numpy as np
import pytest
from golden_files import golden

from wsss_affinity import Crf
from wsss_affinity.backgrounds import Background
from wsss_harness.contract.types import ClassScores, Sample
from wsss_harness.networks.crf import wrapped_colours
from wsss_harness.stages.background_rules import Explicit, to_mask

pytest.importorskip("pydensecrf")
MASKS = ["mask0", "mask1"]
IMAGES = ["img0", "img1", "img2"]
SURE = 0.95


def numbers(name):
    return golden("clip_es.npz")[name]


@pytest.mark.parametrize("mask", MASKS)
def test_colours_of_the_crf_wrap_as_released(mask):
    colours = wrapped_colours(numbers(f"{mask}_image"))
    assert np.array_equal(colours, numbers(f"{mask}_crf_image"))


def refined(image, maps, keys):
    """Marginals of the CRF, for classes in ascending order, as scores have them."""
    order = np.argsort(keys)
    scores = ClassScores(tuple(int(k) + 1 for k in keys[order]), maps[order])
    crf = Crf(parameters="clip_es", background=Background(alpha=1.0))
    sample = Sample("the image", lambda part: image)
    return crf.load(None, "cpu")(sample, scores), order


@pytest.mark.parametrize("mask", MASKS)
def test_marginals_are_the_released_ones(mask):
    keys, maps = numbers(f"{mask}_keys"), numbers(f"{mask}_cams")
    assert np.abs((1 - maps.max(0)) - numbers(f"{mask}_crf_background")).max() < 1e-3
    scores, order = refined(numbers(f"{mask}_image"), maps, keys)
    expected = numbers(f"{mask}_crf_Q")
    assert np.abs(scores.background - expected[0]).max() < 2e-2
    assert np.abs(scores.values - expected[1:][order]).max() < 2e-2


@pytest.mark.parametrize(
    ("name", "image", "maps", "keys"),
    [(m, f"{m}_image", f"{m}_cams", f"{m}_keys") for m in MASKS]
    + [(i, i, f"{i}_attn_highres", f"{i}_keys") for i in IMAGES],
)
def test_masks_are_the_released_ones(name, image, maps, keys):
    scores, _ = refined(numbers(image), numbers(maps), numbers(keys))
    for rule, part in ((Explicit(), "label_without_255"), (Explicit(undefined=SURE), "label255")):
        mask = to_mask(scores, rule, None)
        assert (mask != numbers(f"{name}_{part}")).mean() <= 0.005
