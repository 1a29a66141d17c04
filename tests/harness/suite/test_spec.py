"""Suite files are checked before anything runs, and every mistake is named."""

import json

import pytest

from wsss_harness.contract.errors import ConfigError
from wsss_harness.suite.reading import apply_override, check_suite, read_suite


def content(**changes):
    return {
        "title": "Two methods",
        "dataset": {"name": "railscenes", "train": 10},
        "generators": {"CAM": {"name": "cam", "iterations": 3}},
        "rows": [{"method": "CAM", "generator": "CAM"}],
        **changes,
    }


def test_a_suite_is_read(tmp_path):
    path = tmp_path / "suite.toml"
    path.write_text(
        'title = "One"\n'
        'dataset = {name = "railscenes", train = 10}\n'
        'generators.CAM = {name = "cam"}\n'
        'rows = [{method = "CAM", generator = "CAM"}]\n'
    )
    suite = read_suite(path, ["dataset.train=20", "generators.CAM.backbone.name=resnet38"])
    assert suite.dataset.options == {"train": 20}
    assert suite.generators["CAM"].options == {"backbone": {"name": "resnet38"}}
    assert suite.rows[0].rule.threshold == 0.2


def test_a_suite_is_read_as_data_too(tmp_path):
    """As records hold it, so that anybody can run it."""
    suite = check_suite(content(seeds=[0, 1]), "here")
    path = tmp_path / "suite.json"
    path.write_text(json.dumps(suite.model_dump(mode="json", exclude_defaults=True)))
    assert read_suite(path) == suite
    assert read_suite(path, ["dataset.train=20"]).dataset.options == {"train": 20}


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", r"bad\.json is not valid JSON"), ("[]", r"bad\.json holds list; expected the table")],
)
def test_data_that_is_no_suite_is_named(tmp_path, text, message):
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_suite(tmp_path / "bad.json")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tittle": 1}, "unknown key 'tittle'; did you mean 'title'"),
        (
            {"rows": [{"method": "CAM", "generator": "CAM", "refiner": []}]},
            "unknown key 'rows.0.refiner'; did you mean 'refiners'",
        ),
        ({"weights": {"w": {"trained_on": "x", "fil": "y"}}}, "unknown key 'weights.w.fil'"),
        ({"held_out": -1}, "'held_out' is -1; expected at least 0"),
        ({"rows": [{"generator": "CAM"}]}, r"'rows.0.method' is missing"),
        ({"rows": [{"method": "x", "generator": "EPS"}]}, "'EPS' is not defined.*there is CAM"),
        (
            {"rows": [{"method": "x", "generator": "CAM", "segmentors": ["V1"]}]},
            "segmentor: 'V1' is not defined in this suite; there are none",
        ),
        (
            {"rows": [{"method": "x", "generator": "CAM", "refiners": ["crf"]}]},
            "refiner: 'crf' is not defined",
        ),
        (
            {"generators": {"CAM": {"name": "cam", "weights": "icons"}}},
            "weights of 'CAM': 'icons' is not defined",
        ),
        *(
            (
                {"rows": [{"method": "x", "generator": "CAM", "rule": {"threshold": threshold}}]},
                "expected a number from 0 to 1, 'held_out' or 'oracle'",
            )
            for threshold in ("heldout", "0.3", True, 1.5, -1, [0.2])
        ),
        (
            {"rows": [{"method": "x", "generator": "CAM", "rule": {"threshold": "held_out"}}]},
            "chooses its threshold on held-out images; set held_out",
        ),
        ({"rows": [{"method": "x", "generator": "CAM"}] * 2}, "two rows are named 'x'"),
        ({"seeds": [1, 1]}, "two seeds are '1'"),
        ({"seeds": []}, "'seeds'"),
        ({"rows": []}, "has no row; list rows, or give a product"),
        ({"product": {"generators": []}}, "'product.generators'"),
        ({"product": {"generators": ["EPS"]}}, "'EPS' is not defined"),
        ({"product": {"generators": ["CAM"], "x": 1}}, "unknown key 'product.x'; there are gen"),
        ({"product": {"generators": ["CAM"]}}, "two rows are named 'CAM'"),
        (
            {
                "held_out": 2,
                "rows": [
                    {
                        "method": "x",
                        "generator": "CAM",
                        "rule": {"name": "saliency", "threshold": "held_out"},
                    }
                ],
            },
            "only the rule 'constant' can have its threshold chosen",
        ),
        (
            {"refiners": {"r": {"name": "crf", "weights": "w"}}},
            "weights of .r.: .w. is not defined",
        ),
    ],
)
def test_mistakes_are_named(changes, message):
    with pytest.raises(ConfigError, match=message):
        check_suite(content(**changes), "suite.toml")


def test_a_missing_or_damaged_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="there is no suite file"):
        read_suite(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("title = ")
    with pytest.raises(ConfigError, match=r"bad\.toml is not valid TOML"):
        read_suite(tmp_path / "bad.toml")


def test_a_byte_order_mark_is_no_part_of_a_suite(tmp_path):
    path = tmp_path / "suite.json"
    path.write_text(json.dumps(content()), encoding="utf-8-sig")
    assert read_suite(path).title == "Two methods"


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("seeds=[1, 2]", {"seeds": [1, 2]}),
        ("dataset.root=some/folder", {"dataset": {"root": "some/folder"}}),
        ("on=false", {"on": False}),
    ],
)
def test_overrides(override, expected):
    table = {}
    apply_override(table, override)
    assert table == expected


@pytest.mark.parametrize("override", ["dataset.train", "=3", "title.deeper=1"])
def test_bad_overrides_are_refused(override):
    with pytest.raises(ConfigError, match="override"):
        apply_override({"title": "x"}, override)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(value):
    with pytest.raises(
        ConfigError, match=rf"suite\.toml: shared\.lr is {value}; expected a finite"
    ):
        check_suite(content(shared={"lr": value}), "suite.toml")


def test_an_override_may_be_quoted_as_in_toml():
    settings = {}
    apply_override(settings, 'segmentors."DeepLab V1".iterations=4')
    apply_override(settings, "segmentors.DeepLab V2.iterations=5")
    assert settings == {
        "segmentors": {"DeepLab V1": {"iterations": 4}, "DeepLab V2": {"iterations": 5}}
    }


def test_a_product_makes_a_row_of_each_combination():
    offers = {"CAM": {"name": "cam"}, "EPS": {"name": "eps"}}
    content = {
        "title": "All",
        "dataset": {"name": "railscenes"},
        "generators": offers,
        "refiners": {"CRF": {"name": "crf"}, "Net": {"name": "affinity"}},
        "segmentors": {"V1": {"name": "mmseg"}},
        "product": {
            "generators": ["CAM", "EPS"],
            "refiners": [[], ["Net", "CRF"]],
            "rule": {"threshold": 0.3},
            "segmentors": ["V1"],
        },
        "rows": [{"method": "more", "generator": "CAM"}],
    }
    suite = check_suite(content, "all")
    assert [row.method for row in suite.rows] == [
        "CAM",
        "CAM + Net + CRF",
        "EPS",
        "EPS + Net + CRF",
        "more",
    ]
    assert suite.rows[3].refiners == ("Net", "CRF")
    assert {row.rule.threshold for row in suite.rows[:4]} == {0.3}
    assert {row.segmentors for row in suite.rows[:4]} == {("V1",)}
