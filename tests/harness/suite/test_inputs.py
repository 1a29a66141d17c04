"""Saliency maps of several detectors in one suite: each is read by whom it is meant for."""

import numpy as np
import pytest
import small_suite
from fake_data import FakeDataset
from PIL import Image

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.execution.engine import Engine
from wsss_harness.execution.run import prepare_suite, run_suite
from wsss_harness.suite import row_files
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.source_spec import Source
from wsss_harness.suite.sources import identity_of_maps
from wsss_harness.suite.suite_rows import rows_of
from wsss_leaderboard.records.collect import Collector
from wsss_leaderboard.tables import notes

DATA = FakeDataset()
RULE = {"name": "saliency", "threshold": 0.5}


@pytest.fixture
def maps(tmp_path):
    """Maps of a detector that finds the upper half of every image."""
    folder = tmp_path / "maps"
    folder.mkdir()
    for image_id in DATA.names:
        grey = np.zeros(DATA.truth(image_id).shape, np.uint8)
        grey[: len(grey) // 2] = 255
        Image.fromarray(grey).save(folder / f"{image_id}.png")
    return folder


def options(maps):
    return {
        "saliency": {"Upper": {"folder": str(maps), "detector": "PFAN", "trained_on": "DUTS"}},
        "generators": {"S": {"name": "salient"}, "U": {"name": "salient", "saliency": "Upper"}},
        "rows": [
            {"method": "S", "generator": "S", "rule": RULE},
            {"method": "U", "generator": "U", "rule": RULE, "saliency": "Upper"},
        ],
    }


@pytest.fixture
def run(tmp_path):
    def run(**changes):
        store, plugins = small_suite.store(tmp_path / "store"), small_suite.plugins()
        suite = small_suite.suite(**changes)
        dataset = prepare_suite(suite, plugins, Engine(store))
        outcomes = sorted(
            run_suite(suite, plugins, Engine(store), dataset), key=lambda outcome: outcome.number
        )
        collector = Collector(suite, store, dataset, Graph(suite, plugins, 0))
        return {o.row.row.method: (o, collector.record(o)) for o in outcomes}

    return run


def test_each_detector_has_its_rows_and_its_controls(run, maps):
    ran = run(**options(maps))
    assert list(ran) == [
        "S",
        "U",
        "Saliency, S's classes",
        "Saliency, true classes",
        "Saliency Upper, S's classes",
        "Saliency Upper, true classes",
        "All background",
        "Image labels everywhere",
        "Truth at stride 8",
        "Truth at stride 16",
    ]
    assert not any(outcome.failure for outcome, _ in ran.values())
    scores = {method: record.masks.score.miou for method, (_, record) in ran.items()}
    assert scores["S"] > scores["U"]
    assert scores["Saliency, true classes"] > scores["Saliency Upper, true classes"]


def test_maps_of_an_earlier_round_have_their_controls(maps):
    changes = options(maps)
    changes["generators"] |= {"D": {"name": "dimmed", "previous": "U"}, "R": {"name": "redness"}}
    changes["rows"] = [{"method": label, "generator": label} for label in ("D", "R")]
    graph = Graph(small_suite.suite(**changes), small_suite.plugins(), 0)
    methods = [row.row.method for row in rows_of(graph, DATA)]
    assert "Saliency Upper, R's classes" in methods  # D builds on maps


def test_a_record_says_which_maps_were_read_and_how_good_they_are(run, maps):
    ran = run(**options(maps))
    own, upper = (ran[method][1].saliency for method in ("S", "U"))
    assert (own.detector, own.digest) == ("", "")
    assert (upper.detector, upper.trained_on, len(upper.digest)) == ("PFAN", "DUTS", 32)
    assert own.iou > upper.iou
    sentences = notes.saliency([record for _, record in ran.values()])
    assert len(sentences) == 2
    assert sentences[1].startswith("Saliency of PFAN, trained on DUTS: IoU")


def test_other_maps_make_what_reads_them_anew_and_nothing_else(maps):
    def keys():
        graph = Graph(small_suite.suite(**options(maps)), small_suite.plugins(), 0)
        rows = [graph.row(row) for row in graph.suite.rows]
        return [(row.scores.inputs["fit"].key, row.masks.key) for row in rows]

    first = keys()
    assert first[0] != first[1]
    path = maps / f"{DATA.names[0]}.png"
    Image.fromarray(np.zeros(DATA.truth(DATA.names[0]).shape, np.uint8)).save(path)
    second = keys()
    assert second[0] == first[0]
    assert second[1][0] != first[1][0]
    assert second[1][1] != first[1][1]


def test_the_rule_of_a_perfect_seed_reads_the_maps_of_its_row(run, maps):
    changes = options(maps)
    changes["rows"] = [{**changes["rows"][1], "refiners": ["half"]}]
    ran = run(**changes, bounds=["refined"])
    outcome, record = ran["Perfect seed + half, saliency Upper"]
    assert record.failure is None
    assert outcome.row.masks.options["saliency"] == ran["U"][0].row.masks.options["saliency"]


def test_maps_that_are_not_there_are_named(maps):
    for path in maps.iterdir():
        path.unlink()
    graph = Graph(small_suite.suite(**options(maps)), small_suite.plugins(), 0)
    with pytest.raises(
        DataError, match=r"saliency 'Upper': .*maps holds no maps ID\.png; set sali"
    ):
        graph.row(graph.suite.rows[1])


def test_a_map_of_another_size_fails_its_row_alone(run, maps):
    Image.fromarray(np.zeros((2, 3), np.uint8)).save(maps / f"{DATA.names[0]}.png")
    ran = run(**options(maps))
    assert "is 3x2, but its image is 32x24" in str(ran["U"][0].failure)
    assert ran["S"][0].failure is None


def test_a_name_that_is_not_defined_is_refused(maps):
    changes = options(maps)
    changes["generators"]["U"]["saliency"] = "Lower"
    with pytest.raises(
        ConfigError, match=r"saliency of 'U': 'Lower' is not defined .*there is Upper"
    ):
        small_suite.suite(**changes)
    changes = options(maps)
    changes["rows"][1]["saliency"] = "Lower"
    with pytest.raises(ConfigError, match="saliency of 'row U': 'Lower' is not defined"):
        small_suite.suite(**changes)


def test_data_check_knows_that_maps_are_given_or_missing(tmp_path, maps):
    suite, plugins = small_suite.suite(**options(maps)), small_suite.plugins()
    messages = {
        f.check: f.message for f in row_files.missing(suite, plugins, frozenset({"image_labels"}))
    }
    assert messages["row 'U' has all files"] == ""
    assert messages["row 'S' has all files"].startswith("missing: ")
    changes = options(tmp_path / "nowhere")
    suite = small_suite.suite(**changes)
    messages = {
        f.check: f.message for f in row_files.missing(suite, plugins, frozenset({"image_labels"}))
    }
    assert "the maps of saliency.Upper.folder" in messages["row 'U' has all files"]


def test_data_check_knows_what_the_generators_of_earlier_rounds_lack():
    generators = {
        "S": {"name": "salient", "checkpoint": "nowhere.pth"},
        "D": {"name": "dimmed", "previous": "S"},
    }
    suite = small_suite.suite(
        generators=generators, rows=[{"method": "D", "generator": "D"}], held_out=0
    )
    (finding,) = row_files.missing(suite, small_suite.plugins(), frozenset({"image_labels"}))
    assert finding.message == "missing: saliency maps, the checkpoint nowhere.pth of 'salient'"


def test_maps_of_ids_with_folders_count_in_keys(tmp_path):
    spec = Source(kind="saliency", folder=str(tmp_path), made_by="D", trained_on="T")
    (tmp_path / "aachen").mkdir()
    path = tmp_path / "aachen/img0.png"
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(path)
    before = identity_of_maps("M", spec)
    Image.fromarray(np.ones((2, 2), np.uint8)).save(path)
    changed = identity_of_maps("M", spec)
    path.rename(tmp_path / "img0.png")
    digests = [before["digest"], changed["digest"], identity_of_maps("M", spec)["digest"]]
    assert len(set(digests)) == 3


def test_maps_in_linked_folders_count_in_keys_and_dangling_links_do_not(tmp_path):
    folder, elsewhere = tmp_path / "maps", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    spec = Source(kind="saliency", folder=str(folder), made_by="D", trained_on="T")
    for place in (folder, elsewhere):
        Image.fromarray(np.zeros((2, 2), np.uint8)).save(place / "a.png")
    (folder / "aachen").symlink_to(elsewhere)
    before = identity_of_maps("M", spec)
    (folder / "gone.png").symlink_to(tmp_path / "nowhere.png")
    assert identity_of_maps("M", spec) == before
    Image.fromarray(np.ones((2, 2), np.uint8)).save(elsewhere / "a.png")
    assert identity_of_maps("M", spec) != before


def test_maps_of_another_size_are_resized_on_request_and_recorded(run, maps):
    for path in maps.iterdir():
        Image.open(path).resize((16, 12), Image.Resampling.NEAREST).save(path)
    changes = options(maps)
    failure = run(**changes)["U"][0].failure
    assert "resize of the table [saliency.NAME]" in str(failure)
    changes["saliency"]["Upper"]["resize"] = "nearest"
    outcome, record = run(**changes)["U"]
    assert outcome.failure is None
    assert record.saliency.resize == "nearest"
    assert "trained on DUTS, resized (nearest): " in notes.saliency([record])[0]


def test_two_maps_of_one_image_are_refused(tmp_path):
    for name in ("a.png", "a.PNG"):
        Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / name)
    with pytest.raises(DataError, match=r"a\.png is read, but a\.PNG beside it may be meant"):
        identity_of_maps(
            "M", Source(kind="saliency", folder=str(tmp_path), made_by="D", trained_on="T")
        )
