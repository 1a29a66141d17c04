"""The suites that come with the project name what exists, and their options are known."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from wsss_harness.plugins.registry import installed
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.reading import read_suite
from wsss_harness.system.files import configs

SUITES = sorted((configs() / "suites").glob("*.toml"))


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_every_suite_names_what_exists(path, tmp_path):
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"any")
    own = ["dataset.train=10"]
    labels = re.findall(r"^\[weights\.(\w+)\]\n(?:.*\n)?file", path.read_text(), re.MULTILINE)
    overrides = [f"weights.{label}.file={weights}" for label in labels]
    named = re.findall(r"^\[saliency\.(\w+)\]", path.read_text(), re.MULTILINE)
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / "image.png")
    overrides += [f"saliency.{label}.folder={tmp_path}" for label in named]
    suite = read_suite(path, overrides)
    if suite.dataset.name in ("voc_folder", "coco14"):
        built_in = read_suite(configs() / "suites/railscenes.toml", own).dataset
        suite = suite.model_copy(update={"dataset": built_in})
    graph = Graph(suite, installed(), seed=0)
    rows = [graph.row(row) for row in suite.rows]
    assert len({row.masks.key for row in rows}) == len(rows)


def test_methods_share_their_initial_weights():
    suite = read_suite(Path(configs() / "suites/railscenes.toml"))
    graph = Graph(suite, installed(), seed=0)
    rows = [graph.row(row) for row in suite.rows]
    fits = [row.scores.inputs["fit"] for row in rows]
    fits += [segmentation.fit for row in rows for segmentation in row.segmentations]
    assert len({fit.inputs["weights"].key for fit in fits}) == 1
    assert len({fit.key for fit in fits}) == len(fits)
