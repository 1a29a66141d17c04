"""What `wsss plugin new` writes installs, conforms, passes its tests and runs in a suite."""

import importlib
import os
import subprocess
import sys
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest
from slow import slow_but

from wsss_cam_baselines import Cam
from wsss_harness import Run, View
from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.supervision import Ledger
from wsss_harness.plugins import scaffold
from wsss_harness.suite.reading import read_suite
from wsss_harness.system.files import configs
from wsss_harness.testing.probe import SCENES, draw_scenes

ROOT = Path(__file__).parents[3]
SMALL = [
    "dataset.train=8",
    "dataset.val=2",
    "held_out=2",
    "weights.icons.dataset.train=8",
    "weights.icons.dataset.val=2",
    "weights.icons.pretraining.iterations=2",
    "weights.icons.pretraining.recalibration=1",
    "shared.iterations=2",
    "shared.batch=2",
    "shared.scales=[1.0]",
]


def run(*command, folder, installed):
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("kind", slow_but("dataset", cases=scaffold.KINDS))
def test_a_new_distribution_works_at_once(kind, tmp_path):
    """Installed as pip would, checked, tested by its own tests, run in its own suite."""
    folder = scaffold.create("my-thing", kind, tmp_path / "wsss-my-thing")
    site = tmp_path / "site"
    install = ("install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation")
    run("pip", *install, "--target", str(site), str(folder), folder=tmp_path, installed="")
    cli = "wsss_harness"
    # The own tests of the other kinds check the plugin as well, and take longer.
    words = ("plugin", "check", "my_thing") if kind == "dataset" else ("plugins",)
    said = run(cli, *words, folder=tmp_path, installed=site).replace("\n", "")
    assert "wsss-my-thing" in said
    assert kind != "dataset" or ", 0 failures" in said
    assert "2 passed" in run("pytest", folder=folder, installed=site)
    overrides = [word for override in SMALL for word in ("--set", override)]
    table = run(cli, "run", "my_thing.toml", *overrides, folder=folder, installed=site)
    refined = dict.fromkeys(("refiner", "mask_refiner"), "CAM + MyThing")
    expected = {"generator": "MyThing", **refined, "metric": ", further"}
    assert expected.get(kind, "mIoU in percent") in table


@pytest.mark.parametrize("kind", scaffold.KINDS)
def test_its_suite_shares_the_stages_of_the_demo(kind, tmp_path):
    folder = scaffold.create("mine", kind, tmp_path / "mine")
    ours = tomllib.loads((configs() / "suites" / "railscenes.toml").read_text())
    theirs = tomllib.loads((folder / "mine.toml").read_text())
    shared = ["weights", "shared"] + ([] if kind == "dataset" else ["dataset", "held_out"])
    assert {key: theirs[key] for key in shared} == {key: ours[key] for key in shared}
    assert theirs["generators"]["CAM"] == ours["generators"]["CAM"]
    assert read_suite(folder / "mine.toml").rows[0].method == "CAM"


def test_the_generator_without_softness_is_cam(tmp_path, monkeypatch):
    """In the default of every option that both have, and in the bytes of scores."""
    scaffold.create("mine", "generator", tmp_path / "mine")
    monkeypatch.syspath_prepend(tmp_path / "mine")
    Mine = importlib.import_module("wsss_mine").Mine
    ours, theirs = asdict(Mine(softness=0.0)), asdict(Cam())
    assert ours.pop("softness") == 0.0
    assert {name: theirs[name] for name in ours} == ours
    assert {name for name in theirs if name not in ours} == {"method", "layers"}
    assert Mine.quick == Cam.quick
    draw_scenes(tmp_path / "world")
    scores = [scored(tmp_path, method) for method in (Mine(softness=0, **QUICK), Cam(**QUICK))]
    assert scores[0] == scores[1]


QUICK = {**Cam.quick, "scales": (1.0,), "resize": (32, 48)}


def scored(folder, method):
    """The bytes of the scores of a method that is trained on a few scenes."""
    data, name = SCENES.open(folder / "world"), type(method).__name__
    view = View(data, "train", method.needs, Ledger(folder / "ledger"), name)
    method.fit(view, Run(folder / name))
    score = method.load(folder / name, "cpu")
    return [score(view[image_id]).values.tobytes() for image_id in view]


@pytest.mark.parametrize("kind", scaffold.KINDS)
def test_what_is_written_is_tidy(kind, tmp_path):
    folder = scaffold.create("mine", kind, tmp_path / "mine")
    options = ("--config", str(ROOT / "pyproject.toml"), "--no-cache")
    run("ruff", "check", *options, "--ignore", "ANN201,I001", ".", folder=folder, installed="")
    run("ruff", "format", "--check", *options, ".", folder=folder, installed="")
    assert not [path for path in folder.rglob("*") if path.is_file() and "$" in text_of(path)]


def text_of(path):
    text = path.read_text()
    return text.replace("$WSSS_BENCH", "") if path.suffix == ".yml" else text


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("My-CAM", "cannot be a name; use small letters"),
        ("../cam", "cannot be a name"),
        ("none", "cannot be a name"),
        ("my-cam-", "cannot be a name"),
        ("my--cam", "cannot be a name"),
        ("c-a-m", "cannot be a name"),
        ("eps", "named 'eps' is installed already"),
    ],
)
def test_a_name_that_will_not_do_is_refused(name, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        scaffold.create(name, "generator", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty; name another folder with --folder"):
        scaffold.create("mine", "generator", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
