"""The benchmarks run at tiny sizes and report in the form that is promised; not how fast."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from slow import slow_but

RUN = Path(__file__).parents[2] / "benchmarks" / "run.py"
NAMES = ["threshold_curve", "confusion", "score_store", "flat_memory", "random_walk", "edge_walk"]
NAMES += ["walk_memory", "bootstrap_miou", "overhead", "data_path", "voc_sized", "plan_rows"]
NAMES += ["training_step"]
NAMES += ["crf_present", "crf_processes"] if find_spec("pydensecrf") else []


def run(*options):
    command = [sys.executable, str(RUN), "--quick", *options]
    return subprocess.run(command, capture_output=True, text=True)


QUICK = "score_store"


@pytest.mark.parametrize("names", slow_but([QUICK], cases=[[QUICK], NAMES]), ids=len)
def test_one_json_line_for_each_benchmark(names):
    done = run("--json", *(() if names == NAMES else ("--only", *names)))
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["name"] for line in lines] == names
    for line in lines:
        assert list(line) == ["name", "ours", "peer", "ratio", "unit", "note"]
        assert line["ours"] > 0
        assert line["ratio"] == pytest.approx(line["peer"] / line["ours"])
        assert line["unit"]
        assert "peer: " in line["note"]


def test_one_benchmark_is_reported_in_words():
    done = run("--only", "score_store")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("score_store: ")
    assert "kB an image" in done.stdout


def test_an_unknown_name_lists_those_that_exist():
    done = run("--only", "speed")
    assert done.returncode == 2
    for name in NAMES:
        assert name in done.stderr


STUDIES = [
    (("data_check.py", "--images", "24", "--repeats", "1"), " CPU s for 24 images"),
    (("coverage.py", "--simulations", "1"), "1449 images: mIoU "),
    (("ranks.py", "--simulations", "1"), "all alike: false difference "),
    (("keeping_state.py", "--gib", "0.001", "--seconds", "0.3", "--step", "0.01"), "now: "),
    (("sub_classes.py", "--images", "300", "--channels", "8", "--clusters", "2"), "40 sub-classes"),
    (("superpixels.py", "--images", "2", "--size", "30x40", "--repeats", "1"), "s of CPU an image"),
    (("anatomy.py", "--scenes", "1"), "causes do not add up on 0 scenes"),
]


@pytest.mark.parametrize(("study", "result"), slow_but(STUDIES[-1], cases=STUDIES))
def test_a_study_reports_its_result(study, result):
    command = [sys.executable, str(RUN.with_name(study[0])), *study[1:]]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert result in done.stdout
