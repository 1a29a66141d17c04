"""What refiners show of how they decide: chosen images, files, and the pictures made of them."""

from types import SimpleNamespace

import numpy as np
import pytest
import small_suite
from fake_data import FakeDataset
from PIL import Image as PillowImage

from wsss_harness.contract.errors import DataError
from wsss_harness.execution.engine import Engine
from wsss_harness.execution.run import prepare_suite, run_suite
from wsss_harness.stages import explanations
from wsss_harness.stages.explanations import EXPLAINED, Explained, choose
from wsss_leaderboard.figures.examples import draw, explained_names

ROW = {"generator": "R", "rule": {"name": "constant", "threshold": 0.5}}


def content(**refiner):
    rows = [{"method": "R", **ROW}, {"method": "R + shown", **ROW, "refiners": ["r"]}]
    return {"refiners": {"r": {"name": "shown", **refiner}}, "rows": rows}


def ran(folder, **refiner):
    """Outcomes by method of a suite with a refiner that shows how it decides, and its store."""
    plugins, suite = small_suite.plugins(), small_suite.suite(**content(**refiner))
    store = small_suite.store(folder)
    dataset = prepare_suite(suite, plugins, Engine(store))
    outcomes = list(run_suite(suite, plugins, Engine(store), dataset))
    draw(folder / "results", suite, store, dataset, outcomes)
    return {o.row.row.method: o for o in outcomes}, store, dataset


def test_a_row_explains_a_few_images_once(tmp_path):
    outcomes, store, dataset = ran(tmp_path)
    (stage,) = outcomes["R + shown"].row.explained
    files = sorted(path.name for path in store.folder(stage).glob("*.npz"))
    assert files == sorted(f"{image_id}.npz" for image_id in choose(dataset)[:EXPLAINED])
    (explanation,) = explanations.read(store.folder(stage) / files[0])
    assert (explanation.name, explanation.place) == ("whole", (0, 0))
    red = dataset.image(files[0].removesuffix(".npz"))[..., 0] / 255
    assert np.abs(explanation.map - red).max() <= 0.0051  # as scores are stored
    assert not outcomes["R"].row.explained


def test_its_picture_shows_before_and_after(tmp_path):
    ran(tmp_path)
    results = tmp_path / "results"
    assert {path.name for path in results.glob("*.png")} == {
        "comparison.png",
        "curves.png",
        "refined-r-shown.png",
    }
    picture = np.asarray(PillowImage.open(results / "refined-r-shown.png").convert("L"))
    assert picture.std() > 20
    before = (results / "refined-r-shown.png").stat().st_mtime_ns
    ran(tmp_path)
    assert (results / "refined-r-shown.png").stat().st_mtime_ns == before


def test_a_map_outside_of_its_range_fails_the_row_by_name(tmp_path):
    outcomes, _, _ = ran(tmp_path, value=3.0)
    assert outcomes["R"].failure is None
    failure = str(outcomes["R + shown"].failure)
    assert "refiner 'shown', image image_00" in failure
    assert "expected (24, 32) within [0, 1]" in failure


def test_files_give_back_what_was_written(tmp_path):
    shown = [
        Explained("one", np.full((2, 3), 0.25, np.float32), (1, 2)),
        Explained("two", np.zeros((2, 3), np.float32), None),
    ]
    explanations.write(tmp_path / "a.npz", shown)
    for before, after in zip(shown, explanations.read(tmp_path / "a.npz"), strict=True):
        assert (after.name, after.place) == (before.name, before.place)
        assert np.array_equal(after.map, before.map)


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"no")
    with pytest.raises(DataError, match=r"a\.npz cannot be read"):
        explanations.read(tmp_path / "a.npz")


def test_images_are_chosen_by_their_labels():
    dataset = FakeDataset()
    first, second = choose(dataset)[:2]
    assert dataset.present(first) == (1,)
    assert dataset.present(second) == (2,)


def test_methods_that_differ_in_signs_alone_have_pictures_of_their_own():
    methods = {"A + CRF": "0123456789", "A (CRF)": "ab23456789", "B": "cd23456789"}
    rows = [
        SimpleNamespace(row=SimpleNamespace(method=method), masks=SimpleNamespace(key=key))
        for method, key in methods.items()
    ]
    names = explained_names(rows)
    assert names[2] == "refined-b.png"
    assert len(set(names)) == 3
