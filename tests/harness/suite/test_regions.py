"""Regions as a named source: superpixels that the harness finds, or maps of another program."""

import pickle

import numpy as np
import pytest
import small_suite
from suite_runs import run_rows

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.stages.products import score_reader
from wsss_harness.stages.stage_data import WithRegions, WithSaliency
from wsss_harness.suite.graph import Graph
from wsss_harness.system import pictures

RULE = {"name": "constant", "threshold": 0.25}
ROWS = [{"method": "P", "generator": "P", "rule": RULE}]
FINE = {"superpixels": {"scale": 20, "min_size": 10}}


def generators(**options):
    return {"P": {"name": "parted", "regions": "fine", **options}, "R": {"name": "redness"}}


def suite(regions, **changes):
    return small_suite.suite(
        **{"generators": generators(), "rows": ROWS, "regions": regions, **changes}
    )


@pytest.fixture
def run(tmp_path):
    """Run a suite; gives the row and record of P, and the store."""

    def run(regions):
        offered = {"generators": generators(), "rows": ROWS, "regions": regions}
        rows, store = run_rows(tmp_path, **offered)
        return *rows["P"], store

    return run


def maps_of_columns(folder):
    """Maps whose regions are single columns, numbered as columns are."""
    data = small_suite.FakeDataset(12)
    for image_id in data.ids("train"):
        height, width = data.image(image_id).shape[:2]
        regions = np.tile(np.arange(width, dtype=np.int32), (height, 1))
        pictures.write_regions(folder / f"{image_id}.png", regions)


def test_superpixels_are_found_once_and_handed_to_the_method_that_declares_regions(run):
    row, record, store = run({"fine": FINE})
    assert record.failure is None
    assert record.sup == "I.+M."
    regions = row.scores.inputs["regions"]
    assert row.scores.inputs["fit"].inputs["regions"].key == regions.key
    first = store.folder(regions) / f"{small_suite.FakeDataset(12).ids('train')[0]}.png"
    assert np.unique(pictures.read_regions(first, (24, 32))).size > 1


def test_maps_of_another_program_replace_superpixels(run, tmp_path):
    folder = tmp_path / "columns"
    maps_of_columns(folder)
    row, record, store = run({"fine": maps_in(folder)})
    assert record.sup == "I.+M."
    values = score_reader(store.folder(row.scores))(small_suite.FakeDataset(12).ids("train")[0])
    assert np.ptp(values.values, axis=1).max() <= 0.006  # constant along columns, in bins of scores


def test_maps_of_some_train_images_are_refused_before_any_work(run, tmp_path):
    folder = tmp_path / "columns"
    maps_of_columns(folder)
    missing = small_suite.FakeDataset(12).ids("train")[3]
    (folder / f"{missing}.png").unlink()
    with pytest.raises(DataError, match=rf"'P' reads regions, but 1 of 8 \({missing}\)"):
        run({"fine": maps_in(folder)})


def maps_in(folder):
    return {"folder": str(folder), "made_by": "columns", "trained_on": "nothing"}


def key_of(regions):
    graph = Graph(suite({"fine": regions}), small_suite.plugins(), 0)
    return graph.generated("P").inputs["fit"].key


def test_another_scale_or_a_changed_map_trains_again(tmp_path):
    assert key_of(FINE) != key_of({"superpixels": {"scale": 30, "min_size": 10}})
    maps_of_columns(tmp_path)
    before = key_of(maps_in(tmp_path))
    first = min(tmp_path.glob("*.png"))
    pictures.write_regions(first, np.zeros((24, 32), np.int32))
    assert key_of(maps_in(tmp_path)) != before


def test_a_method_without_regions_is_told_where_to_name_them():
    graph = Graph(suite({}, generators=generators(regions=None)), small_suite.plugins(), 0)
    with pytest.raises(ConfigError, match=r"'parted' needs regions.*\[sources\.NAME\].*none"):
        graph.generated("P")


def test_unknown_regions_are_refused_when_the_suite_is_read():
    with pytest.raises(ConfigError, match=r"regions of 'P': 'fine' is not defined.*coarse"):
        suite({"coarse": FINE})


@pytest.mark.parametrize(
    "regions",
    [{}, {"folder": "x", "superpixels": {}}, {"folder": "x", "made_by": "SAM"}],
    ids=["neither", "both", "origin unknown"],
)
def test_regions_come_from_one_source_that_is_named(regions):
    with pytest.raises(ConfigError, match=r"'regions\.fine'"):
        suite({"fine": regions})


def test_an_empty_folder_is_refused_with_its_option(tmp_path):
    with pytest.raises(DataError, match=r"holds no maps ID\.png; set regions\.fine\.folder"):
        key_of(maps_in(tmp_path))


def test_a_row_whose_regions_have_another_size_fails_and_names_the_map(run, tmp_path):
    folder = tmp_path / "columns"
    maps_of_columns(folder)
    first = min(folder.glob("*.png"))
    pictures.write_regions(first, np.zeros((3, 4), np.int32))
    _, record, _ = run({"fine": maps_in(folder)})
    assert record.failure.kind == "DataError"
    assert f"{first.name} is 4x3, but its image is" in record.failure.message


def test_an_image_of_one_region_has_the_mean_of_its_scores_everywhere(run, tmp_path):
    folder = tmp_path / "whole"
    data = small_suite.FakeDataset(12)
    for image_id in data.ids("train"):
        one_region = np.zeros(data.image(image_id).shape[:2], np.int32)
        pictures.write_regions(folder / f"{image_id}.png", one_region)
    row, record, store = run({"fine": maps_in(folder)})
    assert record.failure is None
    scores = score_reader(store.folder(row.scores))(data.ids("train")[0])
    assert np.ptp(scores.values, axis=(1, 2)).max() <= 0.006  # constant, in bins of scores


def test_regions_of_another_size_than_the_image_are_refused(tmp_path):
    maps_of_columns(tmp_path)
    first = min(tmp_path.glob("*.png"))
    pictures.write_regions(first, np.zeros((3, 4), np.int32))
    with pytest.raises(DataError, match=rf"{first.name} is 4x3, but its image is 32x24"):
        pictures.read_regions(first, (24, 32))


def test_a_dataset_with_maps_can_be_sent_to_another_process(tmp_path):
    for with_maps in (WithRegions, WithSaliency):
        sent = pickle.loads(pickle.dumps(with_maps(small_suite.FakeDataset(12), tmp_path)))
        assert sent.classes == small_suite.FakeDataset.classes
        assert sent.folder == tmp_path
