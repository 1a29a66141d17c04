"""Dense CRF inference: golden numbers and a naive mean field."""

from dataclasses import replace

import numpy as np
import pytest
from golden_files import golden

from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.types import IGNORE
from wsss_harness.networks.crf import PARAMETERS, from_labels, from_probabilities

pytest.importorskip("pydensecrf", reason="it needs a compiler to install")
PSA, IRN, ICD = (PARAMETERS[name] for name in ("psa", "irn", "icd"))
TOLERANCE = 1e-5


@pytest.mark.golden
def test_golden_deeplab():
    data = golden("crf.npz")
    logits = data["deeplab_logits"].astype(np.float64)
    powers = np.exp(logits - logits.max(0))
    probabilities = (powers / powers.sum(0)).astype(np.float32)
    actual = from_probabilities(data["image"], probabilities, PARAMETERS["deeplab"])
    np.testing.assert_array_equal(probabilities.argmax(0), data["deeplab_in_argmax"])
    np.testing.assert_array_equal(actual.argmax(0), data["deeplab_out_argmax"])
    selected = actual[data["deeplab_classes_stored"]]
    np.testing.assert_allclose(selected, data["deeplab_out_selected"], atol=TOLERANCE)
    actual = from_probabilities(data["image"], data["psa_in_alpha16"], PARAMETERS["deeplab"])
    expected = data["deeplab_params_on_psa_in_alpha16"]
    np.testing.assert_allclose(actual, expected, atol=TOLERANCE)


def test_the_crf_of_usr922_is_that_of_deeplab_under_its_own_source():
    ours = PARAMETERS["usr922"]
    assert replace(ours, source="") == replace(PARAMETERS["deeplab"], source="")
    assert "usr922/wseg" in ours.source


@pytest.mark.golden
def test_golden_irn():
    data = golden("crf.npz")
    labels = data["irn_labels_in"]
    actual = from_labels(data["image"], labels, 1 + len(data["cam_keys"]), IRN)
    np.testing.assert_array_equal(actual.argmax(0), data["irn_labels_out"])


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


def test_naive_mean_field_detects_a_wrong_parameter(tiny):
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
    actual = from_probabilities(image, probabilities, right)

    def off(parameters):
        return np.abs(actual - mean_field(image, probabilities, parameters)).mean()

    assert off(right) < 0.006
    for name in ("gaussian_sxy", "gaussian_weight", "bilateral_weight", "iterations"):
        assert off(replace(right, **{name: getattr(right, name) * 2})) > 2 * off(right), name
    for name in ("bilateral_sxy", "bilateral_srgb"):
        for factor in (0.5, 2):
            wrong = replace(right, **{name: getattr(right, name) * factor})
            assert off(wrong) > 1.5 * off(right), (name, factor)


def test_no_iterations_give_the_normalised_probabilities(tiny):
    image, probabilities = tiny
    actual = from_probabilities(image, probabilities, replace(PSA, iterations=0))
    np.testing.assert_allclose(actual, probabilities / probabilities.sum(0), atol=1e-6)


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


def test_labels_need_parameters_with_a_certainty(tiny):
    with pytest.raises(ConfigError, match="starts from probabilities, not labels"):
        from_labels(tiny[0], np.zeros((12, 16), np.uint8), 3, PSA)
