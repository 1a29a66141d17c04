"""Panels show images, truth and masks in the colours of the dataset, below legible titles."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from wsss_harness.system.palettes import palette
from wsss_leaderboard.figures.panels import DPI, SIZES, Line, Panels, panel_figure, wrapped

COLOURS = np.frombuffer(palette(), np.uint8).reshape(-1, 3)
WIDTH = 4
NAMES = ("background", "boat", "cat", "train", "sheep")


def line(shape=(30, 40)):
    truth = np.zeros(shape, np.uint8)
    truth[5:25, 8:20], truth[5:25, 20:24], truth[10:20, 30:38] = 1, 255, 3
    masks = truth, np.where(truth == 255, 0, truth).astype(np.uint8)
    return Line("train_1", np.full((*shape, 3), 90, np.uint8), masks)


def panels(**changes):
    return replace(Panels(("image", "truth", "CAM"), (line(),), COLOURS, NAMES), **changes)


def pixels(path):
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.array(picture.convert("RGB"))


def area(picture, value):
    return int((picture == COLOURS[value]).all(-1).sum())


def test_masks_have_the_colours_of_the_dataset_and_ignored_pixels_too(tmp_path):
    panel_figure(tmp_path / "a.png", panels(), WIDTH)
    picture = pixels(tmp_path / "a.png")
    assert area(picture, 2) == area(picture, 4) == 0
    assert area(picture, 1) / area(picture, 3) == pytest.approx(240 / 80, rel=0.1)
    assert area(picture, 255) / area(picture, 3) == pytest.approx(80 / (2 * 80), rel=0.15)


def test_the_figure_is_as_wide_as_asked_and_grows_with_its_lines(tmp_path):
    def size(name, width, lines):
        panel_figure(tmp_path / name, panels(lines=lines), width)
        return pixels(tmp_path / name).shape

    high, wide, _ = size("one.png", 3.25, (line(),))
    assert wide == 3.25 * DPI
    assert size("two.png", 3.25, (line(), line()))[0] == pytest.approx(
        high + 0.75 * wide / 3, rel=0.02
    )
    assert size("wide.png", 6.5, (line(),))[1] == 6.5 * DPI


def test_a_portrait_is_no_higher_than_a_picture_is_wide(tmp_path):
    panel_figure(tmp_path / "tall.png", panels(lines=(line((80, 40)),)), 3)
    panel_figure(tmp_path / "square.png", panels(lines=(line((40, 40)),)), 3)
    assert pixels(tmp_path / "tall.png").shape == pixels(tmp_path / "square.png").shape


def test_titles_are_broken_between_words_and_become_smaller_only_for_long_ones():
    titles, size = wrapped(["EPS + Affinity Net", "CAM"], 0.8)
    assert size == SIZES[0]
    assert titles == [["EPS +", "Affinity Net"], ["CAM"]]
    _, small = wrapped(["Equivariance"], 0.45)
    assert small < SIZES[0]
    broken, smallest = wrapped(["x" * 30], 0.4)
    assert smallest == SIZES[-1]
    assert len(broken[0]) > 1


@pytest.mark.parametrize(
    "title", ["$x^2$", r"$\bad{", "_hidden", "two\nlines", "", "猫", "x" * 500]
)
def test_titles_and_classes_are_inert(tmp_path, title):
    odd = panels(titles=("image", "truth", title), classes=("", title, "", title))
    panel_figure(tmp_path / "a.png", odd, WIDTH)
    assert pixels(tmp_path / "a.png").shape[1] == WIDTH * DPI


def test_masks_of_background_alone_need_no_legend(tmp_path):
    nothing = np.zeros((30, 40), np.uint8)
    panel_figure(
        tmp_path / "none.png", panels(lines=(replace(line(), masks=(nothing, nothing)),)), WIDTH
    )
    panel_figure(tmp_path / "some.png", panels(), WIDTH)
    assert len(pixels(tmp_path / "none.png")) < len(pixels(tmp_path / "some.png"))


@pytest.mark.parametrize("kind", ["png", "pdf"])
def test_equal_panels_give_equal_bytes(tmp_path, kind):
    for name in ("a", "b"):
        panel_figure(tmp_path / f"{name}.{kind}", panels(), WIDTH)
    first = (tmp_path / f"a.{kind}").read_bytes()
    assert first == (tmp_path / f"b.{kind}").read_bytes()
    assert first.startswith({"png": b"\x89PNG", "pdf": b"%PDF"}[kind])
    assert b"/Type3" not in first  # publishers refuse such fonts
