"""Figures show what they are given, in equal bytes, whatever the labels hold."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from wsss_leaderboard.figures import ink
from wsss_leaderboard.figures.drawings import Example, ThresholdCurve, curve_figure, method_figure

NAMES = ("background", "boat", "cat", "train", "sheep")
ODD = ["$x^2$", r"$\bad{", "_hidden", "two\nlines", "a\tb\x00c", "", "猫", "<b>&amp;", "x" * 500]


def example(**changes):
    truth = np.zeros((30, 40), np.uint8)
    truth[5:25, 8:20], truth[5:25, 20:22], truth[10:20, 30:38] = 1, 255, 3
    image = np.full((30, 40, 3), 90, np.uint8)
    scores = np.linspace(0, 1, truth.size, dtype=np.float32).reshape(truth.shape)
    mask = np.where(truth == 255, 0, truth).astype(np.uint8)
    values = {
        "image_id": "train_1",
        "image": image,
        "truth": truth,
        "masks": {"CAM": np.zeros_like(mask), "EPS": mask},
        "scores": {"CAM": scores, "EPS": scores},
    }
    return Example(**{**values, **changes})


def curve(label="EPS", peak=0.4, height=0.6, **marks):
    thresholds = np.arange(101) / 100
    miou = height * np.exp(-(((thresholds - peak) / 0.3) ** 2))
    return ThresholdCurve(
        label, thresholds, miou, marks or {"fixed": 0.2, "held_out": 0.35, "oracle": peak}
    )


def pixels(path):
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.array(picture.convert("RGB"))


def count(picture, colour):
    return int((picture == np.array(colour)).all(-1).sum())


def drawn(draw, path, *arguments):
    draw(path, *arguments)
    return path.read_bytes()


def test_colours_of_the_classes_that_appear_and_no_others(tmp_path):
    method_figure(tmp_path / "a.png", [example()], ["CAM", "EPS"], NAMES)
    picture, colours = pixels(tmp_path / "a.png"), ink.class_colours()
    areas = {number: count(picture, colours[number]) for number in (0, 1, 2, 3, 4, 255)}
    assert areas[2] == areas[4] == 0
    assert min(areas[0], areas[1], areas[3]) > 1000
    assert areas[1] / areas[3] == pytest.approx(240 / 80, rel=0.25)
    assert 500 < areas[255] < areas[3]


def test_columns_and_rows_grow_the_method_figure(tmp_path):
    def size(name, examples, methods):
        method_figure(tmp_path / name, examples, methods, NAMES)
        return np.array(pixels(tmp_path / name).shape[:2])

    single = size("one.png", [example()], ["EPS"])
    assert size("two.png", [example()], ["CAM", "EPS"])[1] > single[1] + 400
    tall = example(image=np.zeros((40, 30, 3), np.uint8), scores={"EPS": np.zeros((40, 30))})
    three = size("rows.png", [example()] * 3, ["EPS"])
    assert three - single == pytest.approx([2 * (180 + 6), 0], abs=1)
    assert size("tall.png", [tall], ["EPS"])[0] == pytest.approx(single[0] + 60, abs=1)


def test_the_legend_names_only_what_appears(tmp_path):
    def figure(names):
        return drawn(method_figure, tmp_path / "a.png", [example()], ["EPS"], names)

    assert figure(NAMES) == figure(("ground", "boat", "dog", "train", "cow"))
    assert figure(NAMES) != figure(("background", "ship", "cat", "train", "sheep"))
    assert figure(("", "", "", "train", "")) != figure(("", "_boat", "", "train", ""))


def test_a_legend_of_many_classes_takes_more_lines(tmp_path):
    truth = np.repeat(np.arange(20, dtype=np.uint8), 60).reshape(30, 40)
    names = tuple(f"diningtable {number}" for number in range(20))
    method_figure(tmp_path / "few.png", [example()], ["EPS"], names)
    method_figure(tmp_path / "many.png", [example(truth=truth)], ["EPS"], names)
    assert len(pixels(tmp_path / "many.png")) > len(pixels(tmp_path / "few.png"))


def test_a_higher_score_has_a_brighter_overlay():
    image = np.random.default_rng(0).integers(0, 256, (2, 3, 3), dtype=np.uint8)
    none = ink.overlay(image, np.zeros((2, 3), np.float32))
    assert (none == np.round(image.mean(2))[..., None]).all()
    grey = np.full((1, 5, 3), 100, np.uint8)
    heat = ink.overlay(grey, np.linspace(0, 1, 5, dtype=np.float32)[None])
    assert (np.diff(heat[0, :, 0].astype(int)) > 0).all()


def test_first_twenty_classes_have_colours_of_their_own():
    colours = ink.class_colours()
    assert len(np.unique(colours[[*range(21), 255]], axis=0)) == 22
    assert (colours[21] == colours[1]).all()


def test_a_line_and_its_marks(tmp_path):
    low, high = curve("CAM", 0.3, 0.4), curve("EPS", 0.5, 0.7)
    curve_figure(tmp_path / "a.png", [low, high])
    picture = pixels(tmp_path / "a.png")
    assert picture.shape == (600, 960, 3)
    blue, orange = ((picture == c).all(-1).any(1) for c in ((0, 114, 178), (213, 94, 0)))
    assert blue.any()
    assert orange.argmax() < blue.argmax()
    fewer = replace(low, marks={"fixed": 0.2})
    assert drawn(curve_figure, tmp_path / "a.png", [low]) != drawn(
        curve_figure, tmp_path / "b.png", [fewer]
    )


@pytest.mark.parametrize("peak", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("height", [0.0, 1.0])
def test_labels_find_a_place_beside_any_line(tmp_path, peak, height):
    curves = [curve("a long name, longer than most are", peak, height) for _ in range(9)]
    curve_figure(tmp_path / "a.png", curves)
    assert pixels(tmp_path / "a.png").shape == (600, 960, 3)


@pytest.mark.parametrize("label", ODD)
def test_labels_are_inert(tmp_path, label):
    masks, scores = ({label: part["EPS"]} for part in (example().masks, example().scores))
    odd = example(image_id=label, masks=masks, scores=scores)
    method_figure(tmp_path / "a.png", [odd], [label], ("", label, "", label))
    curve_figure(tmp_path / "b.png", [curve(label)])
    method_figure(tmp_path / "plain.png", [example()], ["EPS"], NAMES)
    assert pixels(tmp_path / "a.png").shape == pixels(tmp_path / "plain.png").shape
    assert pixels(tmp_path / "b.png").shape == (600, 960, 3)


def test_markup_and_line_breaks_are_not_interpreted():
    assert ink.plain("two\nlines\x00 $x^2$ _a") == "two lines $x^2$ _a"
    assert len(ink.plain("x" * 500)) == ink.LONGEST


def test_equal_inputs_give_equal_bytes_without_metadata(tmp_path):
    for draw, arguments in (
        (method_figure, ([example()], ["CAM", "EPS"], NAMES)),
        (curve_figure, ([curve(), curve("CAM", 0.3)],)),
    ):
        first = drawn(draw, tmp_path / "first.png", *arguments)
        assert first == drawn(draw, tmp_path / "second.png", *arguments)
        with Image.open(tmp_path / "first.png") as picture:
            assert set(picture.info) <= {"dpi"}


def test_matplotlib_is_loaded_late_and_without_a_display(tmp_path):
    lines = (
        "import sys, wsss_leaderboard.figures.drawings as figures, numpy as np",
        "assert 'matplotlib' not in sys.modules",
        "from pathlib import Path",
        "t = np.linspace(0, 1, 5)",
        "figures.curve_figure(Path(sys.argv[1]), [figures.ThresholdCurve('EPS', t, t, {})])",
        "assert 'matplotlib.pyplot' not in sys.modules",
    )
    subprocess.run([sys.executable, "-c", "\n".join(lines), tmp_path / "a.png"], check=True)
