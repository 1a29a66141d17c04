"""The dense CRF: golden numbers, naive mean field, and what the refiner makes of odd images."""

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
        found = from_probabilities(data["image"], start, parameters)
        np.testing.assert_allclose(found, data[f"psa_out_{suffix}"], atol=TOLERANCE)


@pytest.mark.golden
def test_golden_psa_through_the_refiner(tmp_path):
    """From class scores alone, with the masks that the rule 'explicit' makes of the result."""
    data = golden("crf.npz")
    scores = ClassScores(classes_of(data), data["cam"])
    for suffix in suffixes(data):
        alpha, iterations, scale = setting(suffix)
        refiner = Crf(background=Background(alpha=alpha), iterations=iterations, scale=scale)
        after = refined(refiner, data["image"], scores, tmp_path)
        found = np.concatenate([after.background[None], after.values])
        np.testing.assert_allclose(found, data[f"psa_out_{suffix}"], atol=TOLERANCE)
        expected = data.get(f"psa_argmax_{suffix}")
        if expected is not None:
            np.testing.assert_array_equal(to_mask(after, Explicit(), None), expected)


@pytest.mark.golden
def test_golden_deeplab():
    data = golden("crf.npz")
    logits = data["deeplab_logits"].astype(np.float64)
    powers = np.exp(logits - logits.max(0))
    probabilities = (powers / powers.sum(0)).astype(np.float32)
    found = from_probabilities(data["image"], probabilities, PARAMETERS["deeplab"])
    np.testing.assert_array_equal(probabilities.argmax(0), data["deeplab_in_argmax"])
    np.testing.assert_array_equal(found.argmax(0), data["deeplab_out_argmax"])
    selected = found[data["deeplab_classes_stored"]]
    np.testing.assert_allclose(selected, data["deeplab_out_selected"], atol=TOLERANCE)
    found = from_probabilities(data["image"], data["psa_in_alpha16"], PARAMETERS["deeplab"])
    expected = data["deeplab_params_on_psa_in_alpha16"]
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


@pytest.mark.golden
def test_golden_irn():
    data = golden("crf.npz")
    labels = data["irn_labels_in"]
    found = from_labels(data["image"], labels, 1 + len(data["cam_keys"]), IRN)
    np.testing.assert_array_equal(found.argmax(0), data["irn_labels_out"])


# Naive mean field


def kernel(features):
    """Dense Gaussian kernel (N, N), normalised on both sides as pydensecrf does by default."""
    distance = ((features[:, None] - features[None]) ** 2).sum(-1)
    dense = np.exp(-distance / 2)
    norm = 1 / np.sqrt(dense.sum(1))
    return norm[:, None] * dense * norm


def mean_field(image, probabilities, parameters):
    """Mean field in float64 with dense kernels."""
    height, width = image.shape[:2]
    places = np.stack(np.mgrid[:height, :width], -1).reshape(-1, 2).astype(np.float64)
    colours = image.reshape(-1, 3) / parameters.bilateral_srgb
    both = np.concatenate([places / parameters.bilateral_sxy, colours], 1)
    pull = parameters.gaussian_weight * kernel(places / parameters.gaussian_sxy)
    pull += parameters.bilateral_weight * kernel(both)
    start = np.log(np.clip(probabilities.astype(np.float64), 1e-5, 1))
    start = start.reshape(len(probabilities), -1)
    energies = start
    for _ in range(parameters.iterations):
        energies = start + softmax(energies) @ pull
    return softmax(energies).reshape(probabilities.shape)


def softmax(energies):
    powers = np.exp(energies - energies.max(0))
    return powers / powers.sum(0)


@pytest.fixture
def tiny():
    """A noisy 12 x 16 image of coloured squares, and random probabilities of three channels."""
    rng = np.random.default_rng(0)
    squares = np.kron(rng.integers(0, 255, (3, 4, 3)), np.ones((4, 4, 1)))
    image = np.clip(squares + rng.normal(0, 8, squares.shape), 0, 255).astype(np.uint8)
    return image, rng.random((3, 12, 16), np.float32)


def test_naive_mean_field_tells_a_wrong_parameter(tiny):
    """pydensecrf approximates the kernels, so agreement is loose; one parameter that is wrong by a
    factor of two is twice as far off."""
    image, probabilities = tiny
    right = replace(
        PSA,
        gaussian_sxy=2,
        gaussian_weight=3,
        bilateral_sxy=3,
        bilateral_srgb=40,
        bilateral_weight=4,
        iterations=1,
    )
    found = from_probabilities(image, probabilities, right)

    def off(parameters):
        return np.abs(found - mean_field(image, probabilities, parameters)).mean()

    assert off(right) < 0.006
    for name in ("gaussian_sxy", "gaussian_weight", "bilateral_weight", "iterations"):
        assert off(replace(right, **{name: getattr(right, name) * 2})) > 2 * off(right), name
    for name in ("bilateral_sxy", "bilateral_srgb"):
        for factor in (0.5, 2):
            wrong = replace(right, **{name: getattr(right, name) * factor})
            assert off(wrong) > 1.5 * off(right), (name, factor)


def test_no_iterations_give_the_normalised_probabilities(tiny):
    image, probabilities = tiny
    found = from_probabilities(image, probabilities, replace(PSA, iterations=0))
    np.testing.assert_allclose(found, probabilities / probabilities.sum(0), atol=1e-6)


def test_labels_start_with_the_stated_probabilities(tiny):
    image = tiny[0]
    labels = np.random.default_rng(1).integers(0, 3, image.shape[:2]).astype(np.uint8)
    labels[0, 0] = IGNORE
    start = from_labels(image, labels, 3, replace(IRN, iterations=0))
    for row, column in np.ndindex(labels.shape):
        expected = np.full(3, 0.15)
        if labels[row, column] == IGNORE:
            expected[:] = 1 / 3
        else:
            expected[labels[row, column]] = 0.7
        np.testing.assert_allclose(start[:, row, column], expected, atol=1e-6)
    of_icd = from_labels(image, labels, 3, replace(ICD, iterations=0))
    chosen = of_icd.max(0)[labels != IGNORE]
    np.testing.assert_allclose(chosen, 21 / 23, atol=1e-6)  # 0.5 against 0.5 / 21, twice


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


def test_the_plugin_announces_it():
    offer = installed().find("refiner", "crf")
    assert offer.made is Crf
    assert not Crf.needs


def test_it_repairs_noisy_scores_along_colours(scored, tmp_path):
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
    given = refined(Crf(background=Background(kind="explicit")), image, explicit, tmp_path)
    power = refined(Crf(background=Background(alpha=4)), image, explicit, tmp_path)
    np.testing.assert_array_equal(given.values, constant.values)
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
    expected = to_mask(scores, Power(alpha=16), None)
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


def test_scores_of_nothing_stay_background(scored, tmp_path):
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
        ({"parameters": "pas"}, "no CRF parameters named 'pas'; there are psa, irn, icd"),
        ({"background": {"kind": "none"}}, "option 'kind' of option 'background'.*'none'.*power"),
        ({"background": {"alpah": 4}}, "no option 'alpah'.*alpha = 16.0"),
        ({"background": "power"}, "option 'background'.*'power'.*Background"),
        ({"iterations": -1}, "iterations of the CRF are -1"),
        ({"scale": 0.0}, "its scale is 0.0"),
        ({"alpah": 4}, "no option 'alpah'.*scale = 1.0"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ConfigError, match=message):
        construct("refiner 'crf'", Crf, options)


def test_probabilities_are_asked_of_a_set_without_certainty(tiny):
    with pytest.raises(ConfigError, match="starts from probabilities, not labels"):
        from_labels(tiny[0], np.zeros((12, 16), np.uint8), 3, PSA)


def test_a_missing_library_is_named_with_the_line_that_installs_it(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("pydensecrf"):
            raise ImportError("no module named 'pydensecrf'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(PluginError, match=r"pydensecrf2 .* -m pip install pydensecrf2$"):
        Crf().load(tmp_path, "cpu")
    assert Crf().inference_parameters() == PSA  # all but the inference goes on
