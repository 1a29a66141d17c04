"""The refiner `crf`: golden numbers, backgrounds, odd images and wrong options."""

import builtins
import re
from dataclasses import replace

import fake_data
import numpy as np
import pytest
from golden_files import golden

from wsss_affinity.backgrounds import Background
from wsss_affinity.crf import Crf
from wsss_harness.contract.errors import ConfigError, PluginError
from wsss_harness.contract.run import Run
from wsss_harness.contract.types import IGNORE, ClassScores, Sample
from wsss_harness.networks.crf import PARAMETERS, from_labels, from_probabilities
from wsss_harness.plugins.options import construct
from wsss_harness.plugins.registry import installed
from wsss_harness.stages.background_rules import Constant, Explicit, Power, to_mask

pytest.importorskip("pydensecrf", reason="it needs a compiler to install, and all else works")
PSA, IRN, ICD = (PARAMETERS[name] for name in ("psa", "irn", "icd"))
TOLERANCE = 1e-5


def sample(image):
    return Sample("image", {"image": image}.__getitem__)


def refined(refiner, image, scores, tmp_path):
    return refiner.load(tmp_path, "cpu")(sample(image), scores)


# Golden numbers


def classes_of(data):
    """The classes of 1..20 and their indices among the channels."""
    return tuple(int(key) + 1 for key in data["cam_keys"])


def suffixes(data):
    return sorted(
        match[1] for name in data if (match := re.fullmatch(r"psa_out_(alpha\d+.*)", name))
    )


def setting(suffix):
    """alpha, iterations and scale that a golden name as alpha16_t5 or alpha16_scale2 says."""
    alpha, _, rest = suffix.removeprefix("alpha").partition("_")
    iterations = int(rest[1:]) if rest.startswith("t") else None
    scale = float(rest.removeprefix("scale")) if rest.startswith("scale") else 1.0
    return float(alpha), iterations, scale


@pytest.mark.golden
def test_golden_psa():
    data = golden("crf.npz")
    assert len(suffixes(data)) >= 4
    for suffix in suffixes(data):
        alpha, iterations, scale = setting(suffix)
        parameters = Crf(iterations=iterations, scale=scale).inference_parameters()
        start = data[f"psa_in_alpha{alpha:g}"]
        actual = from_probabilities(data["image"], start, parameters)
        np.testing.assert_allclose(actual, data[f"psa_out_{suffix}"], atol=TOLERANCE)


@pytest.mark.golden
def test_golden_psa_through_the_refiner(tmp_path):
    """From class scores alone, with the masks that the rule 'explicit' makes of the result."""
    data = golden("crf.npz")
    scores = ClassScores(classes_of(data), data["cam"])
    for suffix in suffixes(data):
        alpha, iterations, scale = setting(suffix)
        refiner = Crf(background=Background(alpha=alpha), iterations=iterations, scale=scale)
        after = refined(refiner, data["image"], scores, tmp_path)
        actual = np.concatenate([after.background[None], after.values])
        np.testing.assert_allclose(actual, data[f"psa_out_{suffix}"], atol=TOLERANCE)
        expected = data.get(f"psa_argmax_{suffix}")
        if expected is not None:
            np.testing.assert_array_equal(to_mask(after, Explicit(), None), expected)


# The refiner


@pytest.fixture
def scored():
    """The image of the fake data with both classes, and blurred scores of them."""
    dataset = fake_data.FakeDataset()
    image, truth = dataset.image("image_000"), dataset.truth("image_000")
    rng = np.random.default_rng(0)
    noise = rng.random((2, *truth.shape))
    values = np.stack([0.3 + 0.4 * (truth == 1), 0.3 + 0.4 * (truth == 2)]) * noise
    return image, truth, ClassScores((1, 2), values.astype(np.float32))


def test_plugin_announces_the_crf():
    offer = installed().find("refiner", "crf")
    assert offer.announced is Crf
    assert not Crf.needs


def test_crf_repairs_noisy_scores_along_colours(scored, tmp_path):
    image, truth, scores = scored
    refiner = Crf(scale=4, background=Background(kind="constant", threshold=0.25))
    after = refined(refiner, image, scores, tmp_path)
    after.validate("image", "the CRF")
    np.testing.assert_allclose(after.values.sum(0) + after.background, 1, atol=1e-5)
    before = (to_mask(scores, Constant(threshold=0.25), None) == truth).mean()
    mended = (to_mask(after, Explicit(), None) == truth).mean()
    assert before < 0.9 < 0.97 < mended, (before, mended)


def test_each_background_enters_the_inference(scored, tmp_path):
    image, _, scores = scored
    explicit = replace(scores, background=np.full(scores.size, 0.25, np.float32))
    constant = refined(
        Crf(background=Background(kind="constant", threshold=0.25)), image, scores, tmp_path
    )
    from_scores = refined(Crf(background=Background(kind="explicit")), image, explicit, tmp_path)
    power = refined(Crf(background=Background(alpha=4)), image, explicit, tmp_path)
    np.testing.assert_array_equal(from_scores.values, constant.values)
    stacked = np.concatenate([(1 - scores.values.max(0, keepdims=True)) ** 4, scores.values])
    np.testing.assert_allclose(
        power.values, from_probabilities(image, stacked, PSA)[1:], atol=TOLERANCE
    )
    with pytest.raises(PluginError, match=r"image image: .*'explicit' needs .*'power'"):
        refined(Crf(background=Background(kind="explicit")), image, scores, tmp_path)


def test_labels_are_those_of_the_largest_score(scored, tmp_path):
    image, _, scores = scored
    after = refined(
        Crf("irn", background=Background(kind="constant", threshold=0.3)), image, scores, tmp_path
    )
    labels = to_mask(scores, Constant(threshold=0.3), None)
    expected = from_labels(image, labels, 3, IRN)
    np.testing.assert_allclose(after.values, expected[1:], atol=1e-6)


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_set_has_a_source_and_runs(scored, tmp_path, name):
    image, _, scores = scored
    assert "/" in PARAMETERS[name].source
    after = refined(Crf(name), image, scores, tmp_path)
    after.validate("image", "the CRF")
    assert not np.allclose(after.values, scores.values)


def test_absent_classes_change_no_label(scored):
    """Channels that score nowhere are left out of the inference; with them it ends alike."""
    image, _, scores = scored
    present = Background().score(scores, "image")[None]
    present = np.concatenate([present, scores.values])
    absent = np.zeros((18, *scores.size), np.float32)
    few = from_probabilities(image, present, PSA)
    many = from_probabilities(image, np.concatenate([present, absent]), PSA)
    assert (few.argmax(0) == many.argmax(0)).mean() >= 0.999


def test_all_labels_of_the_dataset_take_part_if_asked(scored, tmp_path):
    image, _, scores = scored
    refiner = Crf("icd", labels="all", background=Background(kind="constant", threshold=0.3))
    refiner.fit(fake_data.view(tmp_path, ()), None, Run(tmp_path))
    only_disc = ClassScores((2,), scores.values[1:])
    after = refiner.load(tmp_path, "cpu")(sample(image), only_disc)
    assert after.classes == (1, 2)
    labels = 2 * to_mask(only_disc, Constant(threshold=0.3), None).clip(0, 1)
    np.testing.assert_allclose(after.values, from_labels(image, labels, 3, ICD)[1:], atol=1e-6)


def test_open_pixels_start_uniform(scored, tmp_path):
    image, _, scores = scored
    seeds = ClassScores((1, 2), np.zeros_like(scores.values), np.zeros(scores.size, np.float32))
    seeds.values[0, :4], seeds.background[-4:] = 1, 1
    refiner = Crf("icd", background=Background(kind="explicit"))
    after = refined(refiner, image, seeds, tmp_path)
    labels = np.full(scores.size, IGNORE, np.uint8)
    labels[:4], labels[-4:] = 1, 0
    np.testing.assert_allclose(after.values, from_labels(image, labels, 3, ICD)[1:], atol=1e-6)


def test_an_image_without_classes_is_background(scored, tmp_path):
    image = scored[0]
    none = ClassScores((), np.empty((0, *image.shape[:2]), np.float32))
    after = refined(Crf(), image, none, tmp_path)
    assert after.classes == ()
    assert (after.background == 1).all()
    assert not to_mask(after, Explicit(), None).any()


@pytest.mark.parametrize("name", ["psa", "irn"])
def test_a_constant_image_keeps_its_labels(scored, tmp_path, name):
    image, _, scores = scored
    after = refined(Crf(name), np.full_like(image, 90), scores, tmp_path)
    expected = to_mask(scores, Power(alpha=4), None)
    np.testing.assert_array_equal(to_mask(after, Explicit(), None), expected)
    np.testing.assert_allclose(after.values.sum(0) + after.background, 1, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 9), (9, 1), (1, 1)])
def test_images_one_pixel_wide(size, tmp_path):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (*size, 3), np.uint8)
    scores = ClassScores((3,), rng.random((1, *size), np.float32))
    after = refined(Crf(), image, scores, tmp_path)
    after.validate("image", "the CRF")
    np.testing.assert_allclose(after.values[0] + after.background, 1, atol=1e-5)


def test_zero_scores_stay_background(scored, tmp_path):
    image, _, scores = scored
    nothing = replace(scores, values=np.zeros_like(scores.values))
    after = refined(Crf(), image, nothing, tmp_path)
    assert not to_mask(after, Explicit(), None).any()


def test_scores_of_another_size_than_the_image(scored, tmp_path):
    image, _, scores = scored
    with pytest.raises(PluginError, match=r"the image is \(24, 20\).*scores are \(24, 32\)"):
        refined(Crf(), image[:, :20], scores, tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parameters": "pas"}, "no CRF parameters are named 'pas'; did you mean 'psa'"),
        ({"background": {"kind": "none"}}, "option 'kind' of option 'background'.*'none'.*power"),
        ({"background": {"alpah": 4}}, "no option 'alpah'; did you mean 'alpha'"),
        ({"background": "power"}, "option 'background'.*'power'.*Background"),
        ({"iterations": -1}, "option 'iterations' of Crf is -1"),
        ({"scale": 0.0}, "option 'scale' of Crf is 0.0"),
        ({"alpah": 4}, "no option 'alpah'; there are parameters"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ConfigError, match=message):
        construct("refiner 'crf'", Crf, options)


def test_missing_library_is_named_with_its_install_command(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("pydensecrf"):
            raise ImportError("no module named 'pydensecrf'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(PluginError, match=r"pydensecrf2 .* -m pip install pydensecrf2$"):
        Crf().load(tmp_path, "cpu")
    assert Crf().inference_parameters() == PSA  # all but the inference goes on
