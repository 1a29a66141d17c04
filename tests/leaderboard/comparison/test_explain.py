"""`wsss explain` names the first number that departs, and the settings that differ."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from sample_records import record
from typer.testing import CliRunner

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.plugins.registry import installed
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.reading import check_suite, read_suite
from wsss_harness.system.files import configs, write_json
from wsss_leaderboard.cli.app import app
from wsss_leaderboard.comparison.explain import Explanation, FigureComparison, conclusion, explain
from wsss_leaderboard.comparison.settings import differences, settings_of
from wsss_leaderboard.records.published import expected, published
from wsss_leaderboard.records.scores import Masks, Score, Segmentation

CLASSES = published().datasets["voc2012"].classes
RELEASED = {100: 0.242, 500: 0.161}


class Finished:
    """A store in which every stage lies in one folder."""

    def __init__(self, folder):
        self.place = folder

    def done(self, stage):
        return True

    def folder(self, stage):
        return self.place


def suite(tmp_path, generator=None, **row):
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"weights")
    (tmp_path / "maps").mkdir(exist_ok=True)
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / "maps/a.png")
    maps = {"folder": str(tmp_path / "maps"), "detector": "PFAN", "trained_on": "DUTS"}
    chosen = {"name": "eps", "weights": "w", "saliency": "PFAN", **(generator or {})}
    return check_suite(
        {
            "title": "one row",
            "dataset": {"name": "railscenes", "train": 2, "val": 1},
            "weights": {"w": {"trained_on": "ImageNet-1k", "file": str(weights)}},
            "saliency": {"PFAN": maps},
            "generators": {"EPS": chosen},
            "refiners": {
                "Affinity Net": {"name": "affinity", "weights": "w"},
                "CRF": {"name": "crf"},
            },
            "segmentors": {"DeepLab V2": {"name": "mmseg", "weights": "w", "crf": "deeplab"}},
            "rows": [
                {
                    "method": "EPS",
                    "generator": "EPS",
                    "rule": {"name": "constant", "threshold": 0.2},
                    **row,
                }
            ],
        },
        "suite.toml",
    )


def row_of(suite, method="EPS"):
    return Graph(suite, installed(), 0).row(suite.row(method))


def score(miou, classes=CLASSES):
    return Score(miou=miou, precision=0.5, recall=0.5, iou=dict.fromkeys(("background", *classes)))


def measured(miou=0.694, images=1464, val=0.709):
    masks = record().masks.model_dump() | {"images": images, "score": score(miou)}
    segmentation = Segmentation(
        segmentor="DeepLab V2", images=1449, score=score(val), mmseg={"mIoU": 100 * val}
    )
    return record(masks=Masks.model_validate(masks), segmentations=(segmentation,))


@pytest.fixture
def store(tmp_path):
    (tmp_path / "stage").mkdir()
    curve = next(losses.curves for losses in expected().losses if losses.method == "EPS")
    means = [
        {"iteration": i, "loss_cls": curve["loss_cls"][i], "loss_sal": curve["loss_sal"][i]}
        for i in curve["loss_cls"]
    ]
    write_json(tmp_path / "stage/losses.json", means)
    return Finished(tmp_path / "stage")


def explained(tmp_path, store, record=None, **options):
    row = row_of(suite(tmp_path, segmentors=["DeepLab V2"], **options))
    return explain(row, record or measured(), store, published().of(CLASSES))


def test_equal_numbers_depart_nowhere(tmp_path, store):
    result = explained(tmp_path, store)
    assert result.first is None
    stages = [comparison.stage for comparison in result.comparisons]
    assert stages == ["fit eps"] * 16 + ["masks", "segment DeepLab V2 on eps"]
    assert list(conclusion(result)) == ["Nothing departs by more than is allowed."]


def test_the_first_number_that_departs_is_named(tmp_path, store):
    path = store.place / "losses.json"
    means = json.loads(path.read_text())
    means[1]["loss_sal"] *= 1.2
    write_json(path, means)
    result = explained(tmp_path, store, measured(miou=0.6))
    assert (result.first.stage, result.first.what) == ("fit eps", "loss_sal at 500")
    assert "The first to depart: fit eps, loss_sal at 500" in next(conclusion(result))
    assert sum(comparison.departs for comparison in result.comparisons) == 2


@pytest.mark.parametrize(("miou", "departs"), [(0.6945, False), (0.688, True), (0.70, True)])
def test_masks_depart_by_more_than_half_a_point(tmp_path, store, miou, departs):
    result = explained(tmp_path, store, measured(miou=miou))
    (masks,) = (comparison for comparison in result.comparisons if comparison.stage == "masks")
    assert masks.expected == 69.4
    assert masks.departs is departs


def test_other_images_are_no_departure(tmp_path, store):
    result = explained(tmp_path, store, measured(miou=0.1, images=716))
    masks = next(comparison for comparison in result.comparisons if comparison.stage == "masks")
    assert not masks.departs
    assert masks.images == "716 images here, 1,464 there"
    assert (
        "Numbers on other data are never called a departure: 716 images here, 1,464 there."
        in conclusion(result)
    )


def test_a_stage_that_was_not_run_is_not_compared(tmp_path, store):
    (store.place / "losses.json").unlink()
    empty = record(masks=None, segmentations=())
    result = explained(tmp_path, store, empty)
    assert all(comparison.measured is None for comparison in result.comparisons)
    assert list(conclusion(result)) == ["Nothing of this row has been run yet."]


def test_settings_that_matter_are_named_where_they_differ(tmp_path, store):
    result = explained(tmp_path, store)
    assert [(change.stage, change.option, change.published) for change in result.differences] == [
        ("segment DeepLab V2 on eps", "weights.trained_on", "MS-COCO")
    ]
    changed = {"tau": 0.5, "momentum": 0.9, "backbone": {"name": "resnet50"}, "amp": "bf16"}
    rule = {"name": "constant", "threshold": 0.3}
    result = explained(tmp_path, store, generator=changed, rule=rule)
    named = {change.option: (change.here, change.published) for change in result.differences}
    assert named == {
        "tau": (0.5, 0.4),
        "momentum": (0.9, "released"),
        "backbone.name": ("resnet50", "resnet38"),
        "amp": ("bf16", "off"),
        "threshold": (0.3, 0.2),
        "weights.trained_on": ("ImageNet-1k", "MS-COCO"),
    }


def test_an_unset_option_is_named(tmp_path, store):
    result = explained(tmp_path, store, generator={"saliency": None})
    assert ("saliency.detector", "PFAN", None) in [
        (change.option, change.published, change.here) for change in result.differences
    ]


def test_a_setting_that_nobody_published_is_named(tmp_path, store):
    crf = {"method": "EPS + CRF", "refiners": ["CRF"], "rule": {"name": "explicit"}}
    row = row_of(suite(tmp_path, **crf), "EPS + CRF")
    result = explain(row, measured(), store, published().of(CLASSES))
    named = {setting.option: setting.here for setting in result.assumptions}
    assert named == {"background.kind": "power", "background.threshold": 0.2}
    assert not any("background" in setting.option for setting in result.differences)
    sentences = [line for line in conclusion(result) if line.startswith("Not published: ")]
    assert sentences[0].startswith("Not published: background.kind of fit eps+crf, here power; ")


def test_a_refined_row_starts_with_the_curve_of_its_generator(tmp_path, store):
    refined = {"method": "EPS + Affinity Net", "refiners": ["Affinity Net"]}
    refined |= {"rule": {"name": "explicit"}, "segmentors": ["DeepLab V2"]}
    row = row_of(suite(tmp_path, **refined), "EPS + Affinity Net")
    result = explain(row, measured(), store, published().of(CLASSES))
    stages = [comparison.stage for comparison in result.comparisons]
    assert stages == ["fit eps"] * 16 + ["segment DeepLab V2 on eps+affinity"]
    assert result.comparisons[-1].expected == 71.38  # reported, where nothing was published
    assert {change.option for change in result.differences} == {"weights.trained_on"}


def test_another_dataset_has_other_expectations(tmp_path, store):
    coco = published().datasets["coco14"]
    row = row_of(suite(tmp_path))
    record = measured(miou=0.3715, images=82081)
    masks = record.masks.model_copy(update={"score": score(0.3715, coco.classes)})
    record = record.model_copy(update={"masks": masks})
    result = explain(row, record, store, published().of(coco.classes))
    assert [(comparison.what, comparison.expected) for comparison in result.comparisons] == [
        ("loss_cls at 76,950", 0.062),
        ("loss_sal at 76,950", 0.043),
        ("mIoU of train", 37.15),
    ]
    assert not any(comparison.images for comparison in result.comparisons)
    assert {d.option for d in result.differences} == {"lam", "iterations", "batch", "crop"}


PAPERS = {
    "voc12_masks": "voc2012",
    "voc12_affinity": "voc2012",
    "voc12_report": "voc2012",
    "coco14_eps": "coco14",
}


def rows_of(tmp_path, name, *changes):
    """The rows of a suite of the project, with files of the test in place of those it names."""
    scenes = suite(tmp_path).dataset
    path = configs() / f"suites/{name}.toml"
    own = read_suite(path)
    overrides = [f"weights.{label}.file={tmp_path}/weights.pth" for label in own.weights]
    overrides += [f"saliency.{label}.folder={tmp_path}/maps" for label in own.saliency]
    paper_suite = read_suite(path, [*overrides, *changes])
    graph = Graph(paper_suite.model_copy(update={"dataset": scenes}), installed(), 0)
    return {row.method: graph.row(row) for row in paper_suite.rows}


def test_the_suites_of_the_papers_have_all_settings_that_matter(tmp_path):
    seen = set()
    for name, data in PAPERS.items():
        for method, row in rows_of(tmp_path, name).items():
            for setting, _, here in settings_of(row, expected().of(data)):
                assert here == setting.value, (name, method, setting)
                if method in setting.methods:
                    seen.add((place_of(setting), method))
            assert list(differences(row, expected().of(data))) == []
    assert seen == {(place_of(s), method) for s in expected().settings for method in s.methods}


def place_of(setting):
    return setting.dataset, setting.kind, setting.segmentor, setting.before, setting.option


def test_every_row_of_the_report_has_numbers_to_compare_with(tmp_path, store):
    rounds = {"SC-CAM 1", "SC-CAM 2"}
    for method, row in rows_of(tmp_path, "voc12_report").items():
        if method not in rounds:
            compared = explain(row, record(masks=None), store, published().of(CLASSES))
            assert compared.comparisons, method


def test_a_setting_of_an_earlier_round_is_named(tmp_path):
    change = 'generators."SC-CAM 1".iterations=100'
    row = rows_of(tmp_path, "voc12_report", change)["SC-CAM"]
    (difference,) = differences(row, expected().of("voc2012"))
    assert (difference.option, difference.here) == ("iterations", 100)
    assert difference.published == 20_491


def test_other_superpixels_than_the_published_ones_are_named(tmp_path):
    row = rows_of(tmp_path, "voc12_report", "regions.superpixels.superpixels.scale=20")["ICD + CRF"]
    (difference,) = differences(row, expected().of("voc2012"))
    assert difference.stage == "regions superpixels"
    assert (difference.option, difference.here) == ("scale", 20)


def test_masks_that_were_scored_on_other_images_are_shown_and_never_depart(tmp_path, store):
    row = rows_of(tmp_path, "voc12_report")["ICD + CRF"]
    masks = explain(row, measured(miou=0.1), store, published().of(CLASSES)).comparisons[0]
    assert (masks.what, masks.expected, masks.departs) == ("mIoU of train_aug", 62.2, False)
    assert masks.images == "1,464 images here, 10,582 there"


def test_a_method_without_published_figures_is_refused(tmp_path, store):
    ours = suite(tmp_path, method="Ours")
    with pytest.raises(ConfigError, match=r"no figures of 'Ours' are known, but those of .*EPS"):
        explain(row_of(ours, "Ours"), measured(), store, published().of(CLASSES))


def test_numbers_that_are_not_comparable_never_come_first():
    other = FigureComparison("masks", "mIoU", 69.4, 0.5, 20.0, "", images="other classes")
    late = FigureComparison("segment", "mIoU", 70.9, 0.5, 60.0, "")
    assert Explanation((other, late), ()).first is late


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[allowances", "cannot be read as TOML"),
        ("[allowances]\nloss = 0\nmasks = 1\nsegmentation = 1", "allowances.loss"),
        (
            "[allowances]\nloss = 1\nmasks = 1\nsegmentation = 1\n[[losses]]\nmethod = 'a'\n"
            "dataset = 'd'\nsource = 's'\niterations = [1, 2]\nloss_cls = [0.5]\n",
            "curves of .a. differ in length",
        ),
    ],
)
def test_an_invalid_file_is_named(tmp_path, text, message):
    path = tmp_path / "expected.toml"
    body = (
        text if "settings" in text else text.replace("[allowances]", "settings = []\n[allowances]")
    )
    path.write_text(body if "losses" in text else f"losses = []\n{body}")
    with pytest.raises(DataError, match=rf"expected\.toml.*{message}"):
        expected(path)


def test_the_command_asks_for_a_run_first(tmp_path):
    words = ["explain", str(configs() / "suites/railscenes.toml"), "EPS", "--store", str(tmp_path)]
    result = CliRunner().invoke(app, words)
    assert "has not been run" in str(result.exception)


def test_the_command_prints_and_gives_json(tmp_path, store, monkeypatch):
    explanation = explained(tmp_path, store, measured(miou=0.6))
    monkeypatch.setattr("wsss_leaderboard.comparison.explain.explain", lambda *parts: explanation)
    monkeypatch.setattr(
        "wsss_leaderboard.comparison.explain.Collector",
        lambda *parts: SimpleNamespace(record=lambda outcome: None),
    )
    monkeypatch.setattr("wsss_leaderboard.comparison.explain.Store", lambda *parts: store)
    monkeypatch.setattr(Graph, "opened", lambda self, folder: SimpleNamespace(classes=CLASSES))
    words = ["explain", str(configs() / "suites/railscenes.toml"), "EPS"]
    result = CliRunner().invoke(app, words, env={"COLUMNS": "120"})
    assert result.exit_code == 0, result.output
    assert "The first to depart: masks, mIoU of train" in result.output
    assert "departs" in result.output
    assert "MS-COCO" in result.output
    content = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert content["first"]["stage"] == "masks"
    assert content["differences"][0]["option"] == "weights.trained_on"
