"""Training in two processes is training in one: the same batches, the same losses and weights."""

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import distributed_curve
import numpy as np
import pytest
import torch
from commands import output_of, wait_for

from wsss_harness.contract.errors import ConfigError
from wsss_harness.execution.engine import Engine
from wsss_harness.execution.executors.local import Local
from wsss_harness.execution.job import Policy
from wsss_harness.execution.run import make_kind, prepare_suite
from wsss_harness.plugins.registry import installed
from wsss_harness.store.store import Store
from wsss_harness.suite.reading import check_suite

CONTENT = {
    "title": "Two processes",
    "dataset": {"name": "railscenes", "train": 8, "val": 2},
    "generators": {
        "CAM": {
            "name": "cam",
            "backbone": {"name": "openmmlab_resnet", "depth": 18, "base_channels": 4},
            "iterations": 4,
            "batch": 4,
            "crop": 32,
            "scales": [1.0],
            "dropout": 0.0,  # which is drawn anew in each process
        }
    },
    "rows": [{"method": "CAM", "generator": "CAM"}],
}


@pytest.mark.filterwarnings("ignore:`broadcast_buffers` is deprecated:FutureWarning")
def test_two_processes_have_the_loss_curve_of_one(tmp_path, monkeypatch):
    """This process is the first of the two."""
    monkeypatch.setenv("MKL_NUM_THREADS", "1")  # otherwise mmengine sets it, for good
    losses = distributed_curve.curve(tmp_path / "one")
    assert len(losses) == distributed_curve.ITERATIONS
    assert losses[-1] < losses[0] / 2
    with ThreadPoolExecutor() as pool:
        second = pool.submit(output_of, sys.executable, distributed_curve.__file__, tmp_path)
        losses_of_two = distributed_curve.curve_of_rank(0, tmp_path)
    assert json.loads(second.result().splitlines()[-1]) == losses_of_two
    np.testing.assert_allclose(losses_of_two, losses, rtol=1e-4)


def trained(folder, processes, **changes):
    """The events, failures and weights of the fit of a suite, trained by so many processes."""
    content = json.loads(json.dumps(CONTENT))
    content["generators"]["CAM"] |= changes
    suite, events = check_suite(content, "two"), []
    engine = Engine(Store(folder, events.append), Local(), Policy(processes=processes))
    _, failures = make_kind(suite, installed(), engine, "fit")
    return events, failures, list(folder.glob("fit/*/weights.pth"))


@pytest.mark.slow
def test_two_processes_train_the_weights_of_one(tmp_path):
    _, failures, paths_of_one = trained(tmp_path / "one", 1)
    assert failures == []
    events, failures, paths_of_two = trained(tmp_path / "two", 2)
    assert failures == []
    (path_of_one,), (path_of_two,) = paths_of_one, paths_of_two
    assert "progress" in {event.kind for event in events if event.stage == "fit cam"}
    first, second = (torch.load(path, weights_only=True) for path in (path_of_one, path_of_two))
    assert first.keys() == second.keys()
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, rtol=1e-4, atol=1e-5)
    assert "torch.distributed" not in (path_of_two.parent / "log.txt").read_text()


@pytest.mark.slow
def test_error_in_one_process_fails_the_stage(tmp_path):
    _, failures, weights = trained(tmp_path, 2, lr=1e30)
    assert weights == []
    (failure,) = failures
    assert re.search(r"the loss is (nan|inf) at iteration \d of 4", str(failure))
    wait_for(lambda: str(tmp_path) not in processes())


def test_indivisible_batch_is_refused_before_anything_runs(tmp_path):
    engine = Engine(Store(tmp_path), policy=Policy(processes=3))
    with pytest.raises(ConfigError, match="--processes 3: fit cam has a batch of 4, which cannot"):
        prepare_suite(check_suite(CONTENT, "two"), installed(), engine)
    assert not list(tmp_path.iterdir())


def processes():
    return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def test_indivisible_batch_is_refused_by_the_training_loop(tmp_path, monkeypatch):
    monkeypatch.setattr("wsss_harness.networks.training.loop.dist.get_world_size", lambda: 3)
    with pytest.raises(ConfigError, match="a batch of 8 cannot be divided among 3 processes"):
        distributed_curve.curve(tmp_path)
