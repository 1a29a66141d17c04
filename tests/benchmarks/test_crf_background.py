"""The suite of the CRF's backgrounds is one that the harness reads, with every background in it."""

import runpy
from pathlib import Path
from types import SimpleNamespace

from wsss_harness.suite.reading import read_suite

SCRIPT = Path(__file__).parents[2] / "benchmarks/crf_background.py"


def test_the_suite_has_each_background_with_and_without_a_crf(tmp_path):
    study = runpy.run_path(str(SCRIPT))
    folder, weights = tmp_path / "voc", tmp_path / "w.pth"
    options = SimpleNamespace(folder=folder, weights=weights, iterations=7, crop=32)
    path = tmp_path / "suite.toml"
    path.write_text(study["suite_text"](options))
    suite = read_suite(path)
    assert suite.dataset.options["root"] == str(folder)
    assert suite.weights["imagenet"].file == str(weights)
    assert (suite.shared["iterations"], suite.shared["crop"]) == (7, 32)
    backgrounds = [offered.options["background"] for offered in suite.refiners.values()]
    alphas = [b["alpha"] for b in backgrounds if b["kind"] == "power"]
    assert alphas == [*study["ALPHAS"]] * 2
    thresholds = [b["threshold"] for b in backgrounds if b["kind"] == "constant"]
    assert thresholds == [*study["CONSTANTS"]] * 2
    plain = [row.rule.threshold for row in suite.rows if not row.refiners]
    assert plain == [*study["CONSTANTS"]] * 2
    assert {row.refiners[0] for row in suite.rows if row.refiners} == set(suite.refiners)
