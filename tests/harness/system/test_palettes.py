"""Masks whose palette has the colours of the classes in another order are told from others."""

import numpy as np
import pytest
from PIL import Image

from wsss_harness.system.palettes import is_voc, palette, reordered, same_colours

MASK = np.array([[0, 1, 2, 255], [0, 0, 3, 0], [2, 2, 2, 2]], np.uint8)
COLOURED = np.frombuffer(palette(), np.uint8).reshape(-1, 3)[MASK]
CLASSES = 3


def parts(picture):
    """The values and the palette of a picture."""
    return np.array(picture), bytes(picture.getpalette())


def test_the_palette_is_that_of_voc():
    # aeroplane, tvmonitor and void in the masks of VOC 2012
    assert list(palette()[3:6]) == [128, 0, 0]
    assert list(palette()[60:63]) == [0, 64, 128]
    assert list(palette()[-3:]) == [224, 224, 192]
    assert is_voc(palette())
    assert is_voc(palette()[:6])
    assert not is_voc(bytes(768))


def test_colours_that_a_tool_numbered_anew_are_reordered():
    colours = Image.fromarray(COLOURED)
    for picture in (
        colours.quantize(256),
        colours.convert("P", palette=Image.Palette.ADAPTIVE, colors=8),
    ):
        values, triples = parts(picture)
        assert not np.array_equal(values, MASK)
        assert reordered(values, triples, palette(), CLASSES)
        assert not same_colours(values, triples, palette())


def test_a_mask_of_one_class_that_got_number_0_is_reordered():
    values, triples = parts(Image.new("RGB", (4, 3), (0, 128, 0)).quantize(4))
    assert set(values.ravel()) == {0}
    assert reordered(values, triples, palette(), CLASSES)


@pytest.mark.parametrize(
    "triples",
    [
        palette(),
        palette()[:12] + palette()[-3:] * 252,
        bytes(768),  # all black
        bytes(level for level in range(256) for _ in range(3)),
        bytes([128, 64, 128, 244, 35, 232, 70, 70, 70, 102, 102, 156]) + bytes([9] * 756),
    ],
)
def test_other_palettes_are_not_reordered(triples):
    assert not reordered(MASK, triples, palette(), CLASSES)


def test_the_reference_may_be_the_palette_of_the_dataset():
    own = bytes([128, 64, 128, 244, 35, 232, 70, 70, 70, 102, 102, 156]) + bytes([9] * 756)
    swapped = own[3:6] + own[:3] + own[6:]
    assert not reordered(MASK, own, own, CLASSES)
    assert reordered(MASK, swapped, own, CLASSES)
    assert same_colours(MASK, own, own)
