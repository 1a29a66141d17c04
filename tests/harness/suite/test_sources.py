"""Named sources: maps of saliency or regions in one table, and what went into them."""

import numpy as np
import pytest
import small_suite
from PIL import Image
from suite_runs import run_rows

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.suite.graph import Graph
from wsss_harness.system import pictures

RULE = {"name": "constant", "threshold": 0.25}
DATA = small_suite.FakeDataset(12)


@pytest.fixture
def folders(tmp_path):
    """Maps of saliency and of regions, of all images."""
    for name in ("salient", "parts"):
        (tmp_path / name).mkdir()
    for image_id in DATA.names:
        grey = np.full((24, 32), 255, np.uint8)
        grey[:12] = 0
        Image.fromarray(grey).save(tmp_path / "salient" / f"{image_id}.png")
        pictures.write_regions(tmp_path / "parts" / f"{image_id}.png", grey.astype(np.int32))
    return tmp_path


def tables(folders, **changes):
    return {
        "D": {
            "kind": "saliency",
            "folder": str(folders / "salient"),
            "made_by": "PFAN",
            "trained_on": "DUTS",
        },
        "P": {
            "kind": "regions",
            "folder": str(folders / "parts"),
            "made_by": "SAM",
            "trained_on": "SA-1B",
            "licence": "Apache-2.0",
            **changes,
        },
    }


def suite(**named):
    return {
        "generators": {
            "S": {"name": "salient", "saliency": "D"},
            "P": {"name": "parted", "regions": "P"},
        },
        "rows": [{"method": m, "generator": m, "rule": RULE} for m in "SP"],
        **named,
    }


def test_sources_of_one_table_are_read_by_whom_they_are_meant_for(folders):
    named = tables(folders, also=["language", "boxes"])
    rows, _ = run_rows(folders / "runs", **suite(sources=named))
    assert {m: rows[m][1].failure for m in "SP"} == {"S": None, "P": None}
    assert {m: rows[m][1].sup for m in "SP"} == {"S": "I.+S.", "P": "I.+L.+M.+B."}
    assert rows["S"][1].saliency.detector == "PFAN"
    assert rows["P"][1].definition["sources"]["P"]["licence"] == "Apache-2.0"


def keys(**named):
    graph = Graph(small_suite.suite(**suite(**named)), small_suite.plugins(), 0)
    return [graph.generated(label).key for label in "SP"]


def test_the_older_tables_are_the_same_sources(folders):
    """A suite may be rewritten, or say what its licence is, and nothing runs again."""
    named = tables(folders)
    detector = {"detector": "PFAN", "trained_on": "DUTS", "folder": str(folders / "salient")}
    region = {k: v for k, v in named["P"].items() if k not in ("kind", "licence")}
    assert keys(sources=named) == keys(saliency={"D": detector}, regions={"P": region})


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"kind": None}, r"sources\.P\.kind"),
        ({"trained_on": ""}, r"sources\.P.*made_by and trained_on"),
        ({"superpixels": {}}, r"sources\.P.*either a folder or superpixels"),
        ({"resize": "bilinear"}, "only saliency maps are resized"),
        ({"kind": "saliency", "folder": None, "superpixels": {}}, "superpixels are regions"),
        ({"detector": "SAM"}, "detector and made_by mean the same"),
        ({"also": ["guesses"]}, r"sources\.P\.also"),
    ],
)
def test_a_source_says_what_it_is(folders, changes, problem):
    with pytest.raises(ConfigError, match=problem):
        small_suite.suite(**suite(sources=tables(folders, **changes)))


def test_a_label_stands_for_one_source(folders):
    named = tables(folders)
    with pytest.raises(ConfigError, match="'P' is in sources and in regions"):
        small_suite.suite(**suite(sources=named, regions={"P": named["P"]}))


def test_a_table_of_one_kind_holds_no_other(folders):
    with pytest.raises(ConfigError, match=r"'P' has the kind 'regions'; expected saliency"):
        small_suite.suite(**suite(saliency=tables(folders)))


def test_a_source_of_the_wrong_kind_is_not_found(folders):
    content = suite(sources=tables(folders))
    content["generators"]["S"]["saliency"] = "P"
    with pytest.raises(ConfigError, match=r"saliency of 'S': 'P' is not defined.*there is D"):
        small_suite.suite(**content)


def test_an_empty_folder_is_named_as_the_suite_names_it(folders):
    (folders / "none").mkdir()
    with pytest.raises(DataError, match=r"holds no maps ID\.png; set sources\.P\.folder"):
        keys(sources=tables(folders, folder=str(folders / "none")))
