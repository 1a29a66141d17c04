"""Labels from class maps against the released numbers of ToCo and SeCo."""

import pytest
import torch
from golden_files import close, golden

from wsss_toco.labels import (
    UNCERTAIN,
    Bounds,
    certainty,
    colours_of,
    inside,
    label_of,
    labels_between,
    levels_of,
    plain_labels,
    refined_labels,
    shares_of,
    strongest,
)
from wsss_toco.par import Par

MEAN = torch.tensor([123.675, 116.28, 103.53])
STD = torch.tensor([58.395, 57.12, 57.375])
BOUNDS = Bounds()


def toco(name):
    return torch.from_numpy(golden("toco.npz")[name])


def seco(name):
    return torch.from_numpy(golden("seco.npz")[name])


@pytest.fixture(scope="module")
def maps():
    return toco("lab_cam"), toco("lab_label")


def test_labels_between_two_bounds_are_the_released_ones(maps):
    labels = inside(labels_between(*maps, BOUNDS), toco("lab_box_y0y1x0x1"))
    assert torch.equal(labels, toco("lab_pseudo").long())
    assert torch.equal(strongest(*maps)[0], toco("lab_valid_cam_max"))


def test_labels_at_one_threshold_are_the_released_ones(maps):
    labels = plain_labels(*maps)
    assert torch.equal(labels, toco("lab_without_box").long())
    boxed = inside(labels, toco("lab_box_y0y1x0x1"))
    assert torch.equal(boxed, toco("lab_without_ignore_mid").long())


def test_certainty_is_the_released_one(maps):
    assert torch.equal(certainty(*maps, BOUNDS), toco("lab_roi").long())


def test_regions_of_seco_are_the_released_ones():
    labels = labels_between(seco("roi_cam"), seco("roi_label"), BOUNDS, between=UNCERTAIN)
    boxed = inside(labels, seco("roi_box_y0y1x0x1"))
    assert torch.equal(boxed, seco("roi_mask").long())


def test_colours_are_cut_to_whole_levels_as_released():
    images = (toco("ref_image_uint8") - MEAN[:, None, None]) / STD[:, None, None]
    levels = (colours_of(levels_of(images, MEAN, STD)) * 255).round().to(torch.uint8)
    assert torch.equal(levels, toco("ref_denormalised_uint8"))


def colours():
    return toco("ref_denormalised_uint8") / 255


def test_shares_before_refinement_are_the_released_ones(maps):
    cams, present = maps
    masked = cams * present[:, :, None, None]
    halved = torch.nn.functional.interpolate(
        masked, scale_factor=0.5, mode="bilinear", align_corners=False
    )
    for number, image in enumerate(halved):
        for name, background in (("high", BOUNDS.high), ("low", BOUNDS.low)):
            shares = shares_of(image[None], present[number].nonzero()[:, 0], background)
            assert close(shares, toco(f"ref_softmax_{name}{number}"), 1e-5)


def test_refined_labels_are_the_released_ones(maps):
    cams, present = maps
    labels = refined_labels(colours(), cams, present, BOUNDS, Par())
    boxed = inside(labels, toco("lab_box_y0y1x0x1"))
    assert (boxed != toco("ref_label").long()).float().mean() <= 0.005


@pytest.mark.parametrize("name", ["high", "low"])
def test_labels_of_each_background_are_the_released_ones(maps, name):
    cams, present = maps
    small, halved = (
        torch.nn.functional.interpolate(v, scale_factor=0.5, mode="bilinear", align_corners=False)
        for v in (colours(), cams)
    )
    size = tuple(cams.shape[2:])
    background = getattr(BOUNDS, name)
    for number in range(len(cams)):
        label = label_of(
            small[number], halved[number][None], present[number], background, Par(), size
        )
        expected = toco(f"ref_{name}_before_box")[number].long()
        assert (label != expected).float().mean() <= 0.005


def test_image_without_a_class_is_background():
    maps, present = torch.rand(1, 3, 8, 8), torch.zeros(1, 3)
    labels = refined_labels(torch.rand(1, 3, 8, 8), maps, present, BOUNDS, Par(1))
    assert not labels.any()
    assert not labels_between(maps, present, BOUNDS).any()
