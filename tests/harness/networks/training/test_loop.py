"""Training through mmengine's Runner: the same bytes after a kill, and clear ends."""

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from torch import nn

from wsss_harness.contract.errors import DataError, StageError
from wsss_harness.contract.hookspecs import Run
from wsss_harness.networks.checkpoints import LossLog, read_state
from wsss_harness.networks.training.loop import (
    PLAIN,
    WORK,
    Draws,
    finish,
    loading,
    precision,
    schedule_of,
    train,
)
from wsss_harness.networks.training.optimizers import parameter_groups, poly_lr, sgd
from wsss_harness.networks.training.settings import Arithmetic, TrainingSettings
from wsss_harness.system.files import read_json

IDS = ("a", "b", "c")
ITERATIONS = 7


class Killed(BaseException):
    """Stands for a signal: nothing of ours catches it."""


def make(image_id, rng):
    image = rng.normal(size=(2, 4, 4)).astype(np.float32)
    return {"image": image, "target": np.float32(IDS.index(image_id))}


def loss(network, batch):
    error = network(batch["image"]).mean((1, 2, 3)) - batch["target"]
    return {"loss_square": (error**2).mean(), "error": error.detach().mean()}


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.Dropout(0.5), nn.BatchNorm2d(3), nn.Conv2d(3, 1, 1))


def fit(folder, progress=lambda done, total: None, loss=loss, lr=0.05, arithmetic=PLAIN, workers=0):
    run = Run(folder, seed=3, progress=progress)
    net = network()
    optimizer = sgd(parameter_groups(net, ("3",)), lr, 1e-4, momentum=0.9)
    draws = Draws(IDS, make, run.seed)
    options = {
        "iterations": ITERATIONS,
        "batch": 2,
        "checkpoint_every": 2,
        "arithmetic": arithmetic,
    }
    train(net, loss, draws, run, optimizer=optimizer, **options)
    finish(net, folder / "weights.pth", run)
    return (folder / "weights.pth").read_bytes()


def test_a_draw_depends_on_seed_and_number_alone():
    first, second = Draws(IDS, make, 5), Draws(IDS, make, 5)
    backwards = [second[i]["image"] for i in range(8, -1, -1)]
    for i in range(9):
        np.testing.assert_array_equal(first[i]["image"], backwards[8 - i])
    assert not np.array_equal(first[0]["image"], Draws(IDS, make, 6)[0]["image"])
    assert not np.array_equal(first[0]["image"], first[1]["image"])


def test_every_round_draws_every_image_once_in_another_order():
    draws = Draws(tuple("abcdefgh"), lambda image_id, rng: image_id, 0)
    rounds = [[draws[8 * turn + i] for i in range(8)] for turn in range(3)]
    assert all(sorted(names) == list("abcdefgh") for names in rounds)
    assert rounds[0] != rounds[1] != rounds[2]


def test_no_images_is_an_error():
    with pytest.raises(DataError, match="no image to train on"):
        Draws((), make, 0)


def test_training_moves_the_weights_and_reports_progress(tmp_path):
    seen = []
    fit(tmp_path, lambda done, total: seen.append((done, total)))
    assert seen == [(i, ITERATIONS) for i in range(ITERATIONS + 1)]
    trained, start = read_state(tmp_path / "weights.pth"), network().state_dict()
    assert list(trained) == list(start)
    assert not torch.equal(trained["0.weight"], start["0.weight"])
    assert not (tmp_path / WORK).exists()


@pytest.mark.parametrize("killed_at", [1, 4, 5])
def test_killed_training_ends_with_the_same_bytes(tmp_path, killed_at):
    def kill(done, total):
        if done == killed_at:
            raise Killed

    whole = fit(tmp_path / "whole")
    with pytest.raises(Killed):
        fit(tmp_path / "killed", kill)
    torch.manual_seed(99)
    seen = []
    assert fit(tmp_path / "killed", lambda done, total: seen.append(done)) == whole
    assert seen[0] == (killed_at - 1) // 2 * 2


def test_loss_that_is_not_finite_stops_before_it_is_kept(tmp_path):
    def broken(network, batch):
        losses = loss(network, batch)
        broken.calls += 1
        return {"loss": losses["loss_square"] * (float("nan") if broken.calls > 4 else 1)}

    broken.calls = 0
    with pytest.raises(StageError, match=r"loss is nan at iteration 5 of 7; lower the learning"):
        fit(tmp_path, loss=broken)
    state = read_state(tmp_path / WORK / "state.pth")
    assert state["iteration"] == 4
    assert all(value.isfinite().all() for value in state["weights"].values())


@pytest.mark.parametrize(("first", "later"), [(1, 1e9), (1e18, 1), (1, -1e9)])
def test_loss_that_explodes_fails_the_training(tmp_path, first, later):
    def exploding(network, batch):
        exploding.calls += 1
        value = first if exploding.calls == 1 else later
        return {"loss": loss(network, batch)["loss_square"] * 0 + value}

    exploding.calls = 0
    with pytest.raises(StageError, match=r"loss is -?1e\+\d+ at iteration [12] of 7"):
        fit(tmp_path, loss=exploding)
    assert not (tmp_path / "weights.pth").exists()


def test_loss_that_sums_over_many_pixels_is_not_taken_for_an_explosion(tmp_path):
    def summed(network, batch):
        return {"loss": loss(network, batch)["loss_square"] * 0 + 1e6}

    assert fit(tmp_path, loss=summed)


def test_weights_that_are_not_finite_are_not_kept(tmp_path):
    def broken(network, batch):
        for parameter in network.parameters():
            parameter.register_hook(lambda gradient: gradient * float("inf"))
        return {"loss": sum(p.sum() for p in network.parameters()).clamp(-1, 1)}

    with pytest.raises(StageError, match=r"not? .*finite|nan"):
        fit(tmp_path, loss=broken)
    assert not (tmp_path / WORK / "state.pth").exists()


def test_nothing_stays_in_the_globals_of_mmengine(tmp_path):
    from mmengine.logging import MMLogger
    from mmengine.registry import DefaultScope
    from mmengine.visualization import Visualizer

    kinds = (MMLogger, DefaultScope, Visualizer)
    before = [list(kind._instance_dict) for kind in kinds]
    fit(tmp_path / "one")
    fit(tmp_path / "two")
    assert [list(kind._instance_dict) for kind in kinds] == before


def test_a_full_disk_keeps_the_last_state(tmp_path, monkeypatch):
    real, calls = torch.save, []

    def save(state, stream):
        calls.append(stream)
        if len(calls) == 2:
            stream.write(b"half")
            raise OSError(28, "No space left on device")
        real(state, stream)

    monkeypatch.setattr(torch, "save", save)
    with pytest.raises(StageError, match=r"state\.pth could not be written .*free disk space"):
        fit(tmp_path)
    assert read_state(tmp_path / WORK / "state.pth")["iteration"] == 2
    assert not list((tmp_path / WORK).glob("*.part"))
    monkeypatch.undo()
    assert fit(tmp_path) == fit(tmp_path / "whole")


def test_mean_losses_cover_all_iterations_after_a_kill(tmp_path, monkeypatch):
    monkeypatch.setattr(LossLog, "EVERY", 3)
    seen = []

    def noted(network, batch):
        actual = loss(network, batch)
        seen.append(actual["loss_square"].item())
        return actual

    def kill(done, total):
        if done == 5:
            raise Killed

    fit(tmp_path / "whole", loss=noted)
    whole = read_json(tmp_path / "whole/losses.json")
    assert [means["iteration"] for means in whole] == [3, 6, 7]
    expected = [np.mean(seen[:3]), np.mean(seen[3:6]), seen[6]]
    assert [means["loss_square"] for means in whole] == pytest.approx(expected, rel=1e-6)
    assert all({"loss", "error"} < set(means) for means in whole)
    with pytest.raises(Killed):
        fit(tmp_path / "killed", progress=kill)
    fit(tmp_path / "killed")
    assert read_json(tmp_path / "killed/losses.json") == whole


@pytest.mark.parametrize(("schedule", "max_step"), [(0, 2), (8, 8)])
def test_rates_follow_a_schedule_that_may_be_longer_than_the_training(tmp_path, schedule, max_step):
    rates = []

    class Rates(Hook):
        def before_train_iter(self, runner, batch_idx, data_batch=None):
            rates.append(runner.optim_wrapper.param_groups[0]["lr"])

    optimizer = sgd(parameter_groups(network(), ("3",)), 0.05, 1e-4, momentum=0.9)
    settings = TrainingSettings(iterations=2, schedule=schedule)
    train(
        network(),
        loss,
        Draws(IDS, make, 3),
        Run(tmp_path),
        iterations=2,
        batch=1,
        optimizer=optimizer,
        schedule=schedule_of(settings),
        hooks=[Rates()],
    )
    assert rates == pytest.approx([poly_lr(0.05, step, max_step) for step in (0, 1)])


def test_channels_last_changes_the_layout_and_not_the_result(tmp_path, monkeypatch):
    monkeypatch.setattr(nn.Dropout, "forward", lambda self, x: x)  # it draws in order of memory
    seen = []

    def noted(network, batch):
        seen.append(batch["image"].is_contiguous(memory_format=torch.channels_last))
        return loss(network, batch)

    plain = fit(tmp_path / "plain")
    moved = fit(tmp_path / "moved", loss=noted, arithmetic=Arithmetic(channels_last=True))
    assert all(seen)
    first, second = (read_state(tmp_path / run / "weights.pth") for run in ("plain", "moved"))
    assert all(torch.allclose(first[name], second[name], atol=1e-5) for name in first)
    assert all(value.is_contiguous() for value in second.values())
    assert len(plain) == len(moved)


def test_a_compiled_network_is_trained(tmp_path, monkeypatch):
    compiled = []
    monkeypatch.setattr(nn.Module, "compile", lambda self: compiled.append(type(self)))
    fit(tmp_path, arithmetic=Arithmetic(compiled=True))
    assert compiled == [nn.Sequential]


@pytest.mark.parametrize(
    ("amp", "device", "expected"),
    [
        ("off", "cuda", {"type": "OptimWrapper"}),
        ("bf16", "cpu", {"type": "OptimWrapper"}),
        ("bf16", "cuda", {"type": "AmpOptimWrapper", "dtype": "bfloat16"}),
        ("fp16", "cuda:1", {"type": "AmpOptimWrapper", "dtype": "float16"}),
    ],
)
def test_mixed_precision_is_for_accelerators(amp, device, expected):
    assert precision(amp, device) == expected


def test_worker_processes_prefetch_images(tmp_path):
    assert loading(0, "cpu") == {"num_workers": 0, "pin_memory": False}
    ahead = {"num_workers": 2, "persistent_workers": True, "prefetch_factor": 4}
    assert loading(2, "cuda") == {**ahead, "pin_memory": True}


def test_worker_processes_do_not_change_the_weights(tmp_path):
    assert fit(tmp_path / "none") == fit(tmp_path / "two", workers=2)
