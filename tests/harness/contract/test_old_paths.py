"""Plugins that import from old module paths are found, conform and run."""

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import old_paths_plugin
import pytest

import wsss_harness
from wsss_harness.contract.old_paths import MOVED, new_path

SUITE = """
title = "Old paths"
dataset = { name = "old_squares" }
held_out = 1
generators.R = { name = "old_redness" }
refiners.square = { name = "old_square" }
[[rows]]
method = "R"
generator = "R"
refiners = ["square"]
rule = { name = "constant", threshold = 0.5 }
"""


@pytest.mark.parametrize("name", [*MOVED, "classmaps.generator", "classmaps.inference"])
def test_an_old_path_gives_the_moved_module_and_no_copy(name):
    old = f"wsss_harness.{name}"
    assert import_module(old) is import_module(new_path(old))


def test_classes_of_old_paths_are_the_public_ones():
    assert old_paths_plugin.ClassScores is wsss_harness.ClassScores
    assert old_paths_plugin.ClassMapGenerator is wsss_harness.ClassMapGenerator


@pytest.mark.slow
def test_a_plugin_written_for_old_paths_conforms_and_runs(tmp_path):
    def wsss(*words):
        plugin = str(Path(old_paths_plugin.__file__))
        process = subprocess.run(
            [sys.executable, "-m", "wsss_harness", *words],
            cwd=tmp_path,
            env={**os.environ, "WSSS_PLUGIN_PATH": plugin},
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == 0, process.stdout + process.stderr
        return json.loads(process.stdout)

    findings = wsss("plugin", "check", "old_paths_plugin", "--json")
    assert {finding["kind"] for finding in findings} >= {"dataset", "generator", "refiner"}
    assert [finding for finding in findings if finding["outcome"] != "ok"] == []
    (tmp_path / "old.toml").write_text(SUITE)
    tables = wsss("run", "old.toml", "--json")
    assert "masks" in tables
    records = [json.loads(path.read_text()) for path in tmp_path.glob("runs/results/old/records/*")]
    assert {record["failure"] for record in records} == {None}
    (own,) = [record for record in records if record["method"] == "R"]
    assert "old_equal" in json.dumps(own)
