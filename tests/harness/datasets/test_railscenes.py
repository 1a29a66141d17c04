"""RailScenes: the same bytes from the same seed, exact maps, and the statistics of its world."""

import numpy as np
import pytest
from PIL import Image

from wsss_harness.contract.hookspecs import Run
from wsss_harness.contract.supervision import IMAGE_LABELS, SALIENCY
from wsss_harness.datasets.railscenes import Icons, RailScenes
from wsss_harness.datasets.railscenes.canvas import Canvas, Item, Spot
from wsss_harness.datasets.railscenes.cast import CAST, CLASSES, NUMBER, PAIRS
from wsss_harness.datasets.railscenes.compose import ICON_CLASSES, icon, owners, scene
from wsss_harness.datasets.railscenes.grounds import CONTEXTS, RAILS
from wsss_harness.metrics.saliency import QualityCounts

SCENES = 240
CONTEXT = {name: CONTEXTS.index(context) + 1 for context, name in PAIRS}


@pytest.fixture(scope="module")
def scenes():
    return [scene(0, 2 * index) for index in range(SCENES)]


def share_with(scenes, context, name, present):
    chosen = [s for s in scenes if (NUMBER[name] in s.present) == present]
    return np.mean([(s.context == context).any() for s in chosen])


def test_a_scene_depends_on_seed_and_index_alone():
    first = scene(3, 5)
    scene(3, 6)
    again = scene(3, 5)
    for part in ("image", "truth", "context", "saliency"):
        np.testing.assert_array_equal(getattr(first, part), getattr(again, part))
    assert (first.image != scene(3, 6).image).any()
    assert (first.image != scene(4, 5).image).any()


def test_global_random_state_plays_no_part():
    first = scene(0, 1).image
    np.random.seed(7)  # noqa: NPY002
    np.testing.assert_array_equal(scene(0, 1).image, first)


@pytest.mark.parametrize("index", range(4))
def test_larger_pictures_show_the_same_scene(index):
    small, large = scene(0, index, border=0), scene(0, index, 256, 192, border=0)
    assert large.image.shape == (192, 256, 3)
    assert small.present == large.present
    shrunk = large.truth[::2, ::2]
    assert (shrunk == small.truth).mean() > 0.97
    assert (large.context[::2, ::2] == small.context).mean() > 0.95


def test_types_and_ranges(scenes):
    for s in scenes[:20]:
        assert s.image.dtype == s.truth.dtype == s.context.dtype == np.uint8
        assert s.saliency.dtype == np.float32
        assert s.image.shape == (96, 128, 3)
        assert s.truth.shape == s.context.shape == s.saliency.shape == (96, 128)
        assert 0 <= s.saliency.min() <= s.saliency.max() <= 1


def test_truth_holds_present_classes_background_and_border(scenes):
    for index, s in enumerate(scenes):
        known = {0, 255, *s.present}
        assert set(np.unique(s.truth).tolist()) <= known
        assert all(1 <= number <= len(CLASSES) for number in s.present), index


def test_border_marks_outlines_only():
    exact, marked = scene(0, 4, border=0), scene(0, 4, border=2)
    assert 255 not in exact.truth
    inside = marked.truth != 255
    np.testing.assert_array_equal(marked.truth[inside], exact.truth[inside])
    around = np.lib.stride_tricks.sliding_window_view(exact.truth, (3, 3))
    plain = around.max((2, 3)) == 0
    assert not (marked.truth[1:-1, 1:-1][plain] == 255).any()
    assert 0 < (marked.truth == 255).sum() < 0.2 * exact.truth.size


def test_foreground_is_as_large_as_in_photographs(scenes):
    front = sum(((s.truth > 0) & (s.truth < 255)).sum() for s in scenes)
    assert 0.20 < front / sum((s.truth < 255).sum() for s in scenes) < 0.30


def test_images_hold_one_class_or_two(scenes):
    counts = [len(s.present) for s in scenes]
    assert min(counts) >= 1
    assert max(counts) <= 3
    assert 1.15 < np.mean(counts) < 1.35
    for number in NUMBER.values():
        assert sum(number in s.present for s in scenes) > SCENES / len(CLASSES) / 2


def test_rails_lie_under_trains_and_almost_nowhere_else(scenes):
    assert 0.8 <= share_with(scenes, RAILS, "train", True) <= 0.98
    assert share_with(scenes, RAILS, "train", False) < 0.05


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_keeps_company_with_its_context(scenes, name):
    context = CONTEXT[name]
    at_home = share_with(scenes, context, name, True)
    assert at_home > 0.4
    assert at_home > 1.4 * share_with(scenes, context, name, False)


def test_contexts_and_figures_exclude_each_other(scenes):
    exact = [scene(0, index, border=0) for index in range(20)]
    for s in exact:
        assert not s.context[s.truth > 0].any()
    used = set(np.unique([s.context for s in scenes]).tolist())
    assert used == set(range(len(CONTEXTS) + 1))


def test_pairs_name_every_class_and_context_once():
    assert [name for _, name in PAIRS] == list(CLASSES)
    assert sorted(context for context, _ in PAIRS) == sorted(CONTEXTS)


def test_saliency_is_as_faulty_as_a_real_detector(scenes):
    counts = QualityCounts()
    for s in scenes:
        counts.add(s.truth, s.saliency)
    measured = counts.read()
    assert 0.56 < measured.iou < 0.70
    assert 0.11 < measured.error < 0.17
    assert measured.max_f < 0.85


def test_saliency_misses_whole_figures_and_takes_contexts(scenes):
    fronts = [(s.truth > 0) & (s.truth < 255) for s in scenes]
    missed = [s.saliency[f].mean() < 0.2 for s, f in zip(scenes, fronts, strict=True) if f.any()]
    assert 0.03 < np.mean(missed) < 0.25
    taken = [(s.saliency > 0.5)[s.context > 0].mean() > 0.1 for s in scenes if s.context.any()]
    assert 0.05 < np.mean(taken) < 0.5


def test_the_front_item_owns_a_pixel():
    covers = np.array([[255, 255, 100, 0], [0, 200, 127, 0]], np.uint8)
    items = [Item(1, covers[:1]), Item(2, covers[1:])]
    np.testing.assert_array_equal(owners(items, (1, 4)), [[1, 2, 0, 0]])


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("mirrored", [False, True])
def test_every_figure_covers_its_truth_and_changes_the_picture(name, mirrored):
    canvas = Canvas(64, 64, np.random.default_rng(1))
    canvas.put(CAST[name].draw, Spot(0.5, 0.75, 0.6, 5.0, mirrored), number=NUMBER[name])
    (item,) = canvas.items
    assert item.number == NUMBER[name]
    assert 0.02 < (item.cover > 127).mean() < 0.9
    painted = canvas.colour[::2, ::2].any(2)
    assert (painted & (item.cover > 127)).sum() > 0.97 * (item.cover > 127).sum()
    assert not painted[item.cover == 0].any()


def test_a_figure_beyond_the_frame_leaves_nothing():
    canvas = Canvas(64, 64, np.random.default_rng(1))
    canvas.put(CAST["car"].draw, Spot(5.0, 0.5, 0.5), number=NUMBER["car"])
    assert not canvas.items
    assert not canvas.colour.any()


def test_written_scenes_are_read_back(tmp_path):
    source = RailScenes(train=4, val=2, seed=5)
    steps = []
    source.prepare(Run(tmp_path, progress=lambda done, total: steps.append((done, total))))
    data = source.open(tmp_path)
    assert steps[-1] == (6, 6)
    assert data.classes == CLASSES
    assert data.contexts == PAIRS
    assert data.supervision == {IMAGE_LABELS, SALIENCY}
    assert (len(data.ids("train")), len(data.ids("val"))) == (4, 2)
    for split, offset in (("train", 0), ("val", 1)):
        for index, image_id in enumerate(data.ids(split)):
            drawn = scene(5, 2 * index + offset)
            np.testing.assert_array_equal(data.truth(image_id), drawn.truth)
            assert data.present(image_id) == drawn.present
            assert np.abs(data.saliency(image_id) - drawn.saliency).max() <= 0.5 / 255 + 1e-6
            difference = data.image(image_id).astype(int) - drawn.image
            assert np.abs(difference).mean() < 4
            for name, area in data.context(image_id).items():
                np.testing.assert_array_equal(area, drawn.context == CONTEXTS.index(name) + 1)


def files_of(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("source", [RailScenes(train=5, val=2), Icons(train=5, val=2)])
def test_an_interrupted_preparation_goes_on_and_ends_with_the_same_bytes(
    tmp_path, monkeypatch, source
):
    monkeypatch.setattr("wsss_harness.datasets.railscenes.JOURNAL", 3)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    source.prepare(Run(whole))

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        source.prepare(Run(broken, progress=stop))
    kept = broken / "JPEGImages" / "train_00000.jpg"
    written = kept.stat().st_mtime_ns
    source.prepare(Run(broken))
    assert kept.stat().st_mtime_ns == written
    assert files_of(broken) == files_of(whole)


def test_train_scenes_do_not_depend_on_their_number(tmp_path):
    few, more = tmp_path / "few", tmp_path / "more"
    RailScenes(train=2, val=1).prepare(Run(few))
    RailScenes(train=3, val=1).prepare(Run(more))
    for name in ("train_00001", "val_00000"):
        path = f"SegmentationClass/{name}.png"
        assert (few / path).read_bytes() == (more / path).read_bytes()


def test_icons_give_image_labels_only(tmp_path):
    source = Icons(train=6, val=2, width=48, height=48)
    source.prepare(Run(tmp_path))
    data = source.open(tmp_path)
    assert data.classes == ICON_CLASSES
    assert data.supervision == {IMAGE_LABELS}
    assert data.contexts == ()
    for image_id in (*data.ids("train"), *data.ids("val")):
        assert len(data.present(image_id)) == 1
        assert data.image(image_id).shape == (48, 48, 3)


def test_icons_show_the_classes_and_further_kinds():
    assert set(CLASSES) < set(ICON_CLASSES)
    assert len(ICON_CLASSES) >= len(CLASSES) + 10
    shown = {icon(0, index, 32, 32)[1] for index in range(150)}
    assert shown == set(ICON_CLASSES)
    np.testing.assert_array_equal(icon(1, 2, 40, 40)[0], icon(1, 2, 40, 40)[0])


def test_files_are_of_the_kinds_that_the_layout_names(tmp_path):
    RailScenes(train=1, val=1).prepare(Run(tmp_path))
    for folder, suffix, mode in (
        ("JPEGImages", "jpg", "RGB"),
        ("SegmentationClass", "png", "P"),
        ("saliency", "png", "L"),
        ("context", "png", "L"),
    ):
        with Image.open(tmp_path / folder / f"train_00000.{suffix}") as picture:
            assert (picture.mode, picture.size) == (mode, (128, 96))
