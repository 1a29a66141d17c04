"""The firewall: a method gets what it declared, and never the truth."""

import numpy as np
import pytest

from wsss_harness.contract.errors import SupervisionError
from wsss_harness.contract.supervision import IMAGE_LABELS, SALIENCY, Ledger, View


class OneImage:
    classes = ("cat",)

    def ids(self, split):
        return ("a",)

    def image(self, image_id):
        return np.zeros((2, 3, 3), np.uint8)

    def present(self, image_id):
        return (1,)

    def saliency(self, image_id):
        return np.ones((2, 3), np.float32)

    def truth(self, image_id):
        raise AssertionError("the truth was read")


@pytest.fixture
def view(tmp_path):
    return lambda *needs: View(OneImage(), "train", needs, Ledger(tmp_path), "generator 'mine'")


def test_declared_supervision_is_given_and_noted(view, tmp_path):
    sample = view(IMAGE_LABELS, SALIENCY)["a"]
    assert Ledger(tmp_path).read() == ()
    assert sample.present == (1,)
    assert Ledger(tmp_path).read() == (IMAGE_LABELS,)
    assert sample.saliency.shape == (2, 3)
    assert Ledger(tmp_path).read() == (IMAGE_LABELS, SALIENCY)


def test_undeclared_saliency_is_refused_by_name(view, tmp_path):
    sample = view(IMAGE_LABELS)["a"]
    with pytest.raises(SupervisionError, match=r"generator 'mine' read 'saliency' of image a"):
        _ = sample.saliency
    assert Ledger(tmp_path).read() == ()


def test_images_need_no_declaration(view, tmp_path):
    assert view()["a"].image.shape == (2, 3, 3)
    assert Ledger(tmp_path).read() == ()


@pytest.mark.parametrize("part", ["truth", "x"])
def test_only_supervision_can_be_declared(view, part):
    with pytest.raises(SupervisionError, match=f"generator 'mine' declares '{part}'"):
        view(IMAGE_LABELS, part)


def test_a_view_keeps_no_way_to_the_truth(view):
    kept = vars(view(IMAGE_LABELS, SALIENCY))
    assert not [name for name, value in kept.items() if hasattr(value, "truth")]


@pytest.mark.parametrize("name", ["truth", "context", "dataset"])
def test_a_view_has_no_truth(view, name):
    with pytest.raises(SupervisionError, match="never see the truth"):
        getattr(view(IMAGE_LABELS, SALIENCY), name)


def test_a_sample_has_no_truth(view):
    with pytest.raises(SupervisionError, match="truth"):
        view(IMAGE_LABELS)["a"].give("truth")
