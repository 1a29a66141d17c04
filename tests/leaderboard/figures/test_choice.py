"""What panels show: rows by name, images by name or by a rule, masks of finished stages alone."""

from pathlib import Path

import numpy as np
import pytest
import small_suite
from fake_data import FakeDataset

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.execution.engine import Engine
from wsss_harness.execution.run import prepare_suite, run_suite
from wsss_harness.suite.graph import Graph
from wsss_harness.system.palettes import palette
from wsss_harness.system.pictures import read_indices, write_mask
from wsss_leaderboard.figures.choice import Choice, colours_of, panels, spread

PLUGINS = small_suite.plugins()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store in which the small suite was run."""
    store = small_suite.store(tmp_path_factory.mktemp("store"))
    run(small_suite.suite(), store)
    return store


def run(suite, store):
    engine = Engine(store)
    dataset = prepare_suite(suite, PLUGINS, engine)
    return list(run_suite(suite, PLUGINS, engine, dataset))


def shown(store, suite=None, **choice):
    return panels(suite or small_suite.suite(), PLUGINS, store, Choice(**{"count": 2, **choice}))


def test_methods_of_the_suite_stand_beside_image_and_truth(store):
    figure = shown(store)
    assert figure.titles == ("image", "truth", "R", "S")
    assert figure.classes == ("background", "square", "disc")
    dataset = FakeDataset()
    folder = store.folder(
        Graph(small_suite.suite(), PLUGINS, 0).row(small_suite.suite().row("R")).masks
    )
    for line in figure.lines:
        truth, mask, _ = line.masks
        assert (line.image == dataset.image(line.image_id)).all()
        assert (truth == dataset.truth(line.image_id)).all()
        assert (mask == read_indices(folder / f"{line.image_id}.png")).all()


def test_rows_come_in_the_order_asked_for_controls_too(store):
    rows = ("S", "Truth at stride 8", "R")
    assert shown(store, methods=rows).titles == ("image", "truth", *rows)


def test_images_come_in_the_order_asked_for(store):
    ids = ("image_004", "image_000")
    assert tuple(line.image_id for line in shown(store, ids=ids).lines) == ids


def test_predictions_of_a_segmentor_are_those_on_val(store):
    figure = shown(store, methods=("R",), segmentor="one")
    assert {line.image_id for line in figure.lines} <= set(FakeDataset().ids("val"))
    assert all(len(np.unique(line.masks[1])) == 1 for line in figure.lines)


@pytest.mark.parametrize(
    ("choice", "named"),
    [
        ({"methods": ("R2",)}, "no row has this name; did you mean 'R'"),
        ({"methods": ("Truth at stride 9",)}, "did you mean 'Truth at stride 8'"),
        ({"ids": ("image_01",)}, "did you mean 'image_00"),
        ({"ids": ("image_011",)}, "train has no such image"),  # of val
        ({"seed": 7}, r"\[0\]"),
        ({"count": 40}, "6 images"),
        ({"segmentor": "two"}, "row 'R' has no such segmentor; there is one"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(store, choice, named):
    with pytest.raises(ConfigError, match=named):
        shown(store, **choice)


def test_rows_whose_masks_are_not_made_are_all_named(store):
    rows = small_suite.content()["rows"]
    more = [{**rows[0], "method": name, "refiners": ["half"]} for name in ("R half", "R again")]
    with pytest.raises(DataError, match=r"R half, R again \(seed 0\)"):
        shown(store, small_suite.suite(rows=[*rows, *more]))


def test_a_suite_that_was_never_run_is_told_to_be_run(tmp_path):
    with pytest.raises(DataError, match="run the suite first"):
        shown(small_suite.store(tmp_path))


def test_truth_is_left_out_where_an_image_has_none(tmp_path):
    store = small_suite.store(tmp_path)
    rows = [{"method": "R", "generator": "R", "rule": {"name": "constant", "threshold": 0.5}}]
    data = {"name": "incomplete", "no_truth": list(range(8))}
    part = small_suite.suite(dataset=data, rows=rows, held_out=0)
    run(part, store)
    figure = shown(store, part)
    assert figure.titles == ("image", "R")
    assert all(len(line.masks) == 1 for line in figure.lines)


class Labelled(FakeDataset):
    """Images by the classes that they have."""

    def __init__(self, labels, classes=4):
        self.labels, self.classes = labels, tuple(f"class {n + 1}" for n in range(classes))

    def present(self, image_id):
        return self.labels[image_id]


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, ["b"]),
        (2, ["b", "f"]),  # the first and the last class, alone and then with others
        (4, ["b", "a", "e", "f"]),
        (6, ["b", "a", "e", "f", "c", "d"]),  # again from the first class
    ],
)
def test_classes_take_turns_alone_and_with_others(count, expected):
    labels = {"a": (1, 2), "b": (1,), "c": (1,), "d": (2, 3), "e": (3,), "f": (3, 4)}
    assert spread(Labelled(labels), labels, count) == expected


def test_images_are_spread_whatever_classes_lack():
    labels = {"a": (), "b": (2,), "c": ()}
    assert spread(Labelled(labels), labels, 3) == ["b", "a", "c"]


def test_images_that_chose_a_threshold_are_not_shown(store):
    apart = {"image_000", "image_004"}  # two of eight, evenly spaced
    assert not apart & {line.image_id for line in shown(store, count=6).lines}


def test_colours_are_those_of_the_files_of_the_dataset(tmp_path):
    class Filed(FakeDataset):
        def truth_path(self, image_id):
            return Path(tmp_path / f"{image_id}.png")

    from PIL import Image

    dataset = Filed()
    picture = Image.fromarray(dataset.truth("image_000"), "P")
    picture.putpalette([1, 2, 3, 250, 10, 20, 30, 40, 250])
    picture.save(dataset.truth_path("image_000"))
    assert colours_of(dataset, "image_000")[:3].tolist() == [
        [1, 2, 3],
        [250, 10, 20],
        [30, 40, 250],
    ]
    write_mask(dataset.truth_path("image_001"), dataset.truth("image_001"))
    assert colours_of(dataset, "image_001").tobytes() == palette()
    assert colours_of(FakeDataset(), "image_000").tobytes() == palette()
