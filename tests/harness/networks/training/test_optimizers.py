"""Learning rates, parameter groups and the momentum of released code."""

import re

import numpy as np
import pytest
import torch
from golden_files import close, golden
from torch import nn

from wsss_harness.contract.errors import ConfigError
from wsss_harness.networks.training.optimizers import (
    Headed,
    RateKeepingSGD,
    ReleasedPolyLR,
    make_optimizer,
    parameter_groups,
    poly_lr,
    sgd,
    trained_groups,
)
from wsss_harness.networks.training.settings import TrainingSettings

DEEPLAB = "deeplab.npz"


def poly_of_file():
    arrays = golden(DEEPLAB)
    lr, weight_decay, max_step = (float(n) for n in arrays["poly_lr0_wd_maxstep"])
    return arrays, lr, weight_decay, int(max_step)


@pytest.mark.golden
def test_poly_rates_are_official():
    arrays, lr, _, max_step = poly_of_file()
    for step, rates in enumerate(arrays["poly_lr"]):
        actual = [poly_lr(lr * factor, step, max_step) for factor in (1, 2, 10, 20)]
        np.testing.assert_allclose(actual, rates, rtol=1e-12)


@pytest.mark.golden
def test_rates_of_deeplab_change_every_few_steps_as_released():
    [(name, expected)] = [(n, a) for n, a in golden(DEEPLAB).items() if n.startswith("dlp_lr")]
    every, max_step, power = re.fullmatch(r"dlp_lr_step(\d+)_max(\d+)_power(\w+)", name).groups()
    options = {"power": float(power.replace("p", ".")), "every": int(every)}
    actual = [poly_lr(expected[0], t, int(max_step), **options) for t in range(len(expected))]
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


@pytest.mark.golden
def test_steps_of_the_released_optimizer_are_official():
    arrays, lr, weight_decay, max_step = poly_of_file()
    groups = [[nn.Parameter(torch.tensor(row))] for row in arrays["poly_p0"]]
    optimizer = sgd(groups, lr, weight_decay, momentum="released")
    own = optimizer.param_groups
    assert [group["momentum"] for group in own] == arrays["poly_group_sgd_momentum"].tolist()
    decay = arrays["poly_group_sgd_weight_decay"].tolist()
    assert [group["weight_decay"] for group in own] == decay
    schedule = ReleasedPolyLR(optimizer, max_step=max_step, by_epoch=False)
    for gradients, rates, expected in zip(
        arrays["poly_grads"], arrays["poly_lr"], arrays["poly_params"], strict=True
    ):
        np.testing.assert_allclose([group["lr"] for group in own], rates, rtol=1e-12)
        for (parameter,), gradient in zip(groups, gradients, strict=True):
            parameter.grad = torch.tensor(gradient)
        optimizer.step()
        schedule.step()
        assert close(torch.stack([parameter.detach() for (parameter,) in groups]), expected, 1e-6)


def test_momentum_is_a_number_or_released():
    groups = ([nn.Parameter(torch.zeros(1))], [], [], [])
    assert sgd(groups, 0.1, 1e-4, momentum=0.9).param_groups[0]["momentum"] == 0.9
    with pytest.raises(
        ConfigError, match="momentum 'fast' is unknown; give a number or 'released'"
    ):
        sgd(groups, 0.1, 1e-4, momentum="fast")


def test_groups_separate_weights_biases_and_heads():
    network = nn.ModuleDict(
        {
            "body": nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.Linear(2, 2)),
            "head": nn.Sequential(nn.Conv2d(2, 3, 1), nn.Conv2d(3, 3, 1, bias=False)),
            "header": nn.Conv2d(1, 1, 1),
        }
    )
    network["body"][2].weight.requires_grad = False
    names = {id(p): name for name, p in network.named_parameters()}
    assert [[names[id(p)] for p in group] for group in parameter_groups(network, ("head",))] == [
        ["body.0.weight", "header.weight"],
        ["body.0.bias", "body.2.bias", "header.bias"],
        ["head.0.weight", "head.1.weight"],
        ["head.0.bias"],
    ]


def test_trained_groups_hold_all_that_is_not_frozen_by_name():
    network = Headed()
    network.heads = ("head", "gamma")
    network.gamma = nn.Parameter(torch.zeros(1))
    network.body = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    network.head = nn.Conv2d(2, 3, 1)
    network.body[0].weight.requires_grad = False
    names = {id(p): name for name, p in network.named_parameters()}
    groups = trained_groups(network)
    assert [[names[id(p)] for p in group] for group in groups] == [
        ["body.1.weight"],
        ["body.0.bias", "body.1.bias"],
        ["gamma", "head.weight"],
        ["head.bias"],
    ]
    options = {"bias_decay": 0.2, "kind": RateKeepingSGD, "nesterov": True}
    optimizer = sgd(groups, 0.1, 0.4, 0.9, (1, 2, 3, 4), **options)
    assert isinstance(optimizer, RateKeepingSGD)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.4, 0.2, 0.4, 0.2]
    assert {(group["nesterov"], group["momentum"]) for group in optimizer.param_groups} == {
        (True, 0.9)
    }


@pytest.mark.parametrize("optimizer", ["sgd_all", "adamw"])
def test_all_that_is_not_frozen_trains_and_decays(optimizer):
    network = Headed()
    network.heads = ("head",)
    network.body = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    network.header = nn.Linear(2, 2, bias=False)  # not of the head
    network.head = nn.Sequential(nn.Conv2d(2, 4, 1), nn.GroupNorm(2, 4))
    network.body[0].weight.requires_grad = False
    settings = TrainingSettings(optimizer=optimizer, lr=0.1, weight_decay=1e-3)
    rest, head = (built := make_optimizer(network, settings)).param_groups
    names = {id(p): name for name, p in network.named_parameters()}
    assert [names[id(p)] for p in rest["params"]] == [
        *("body.0.bias", "body.1.weight", "body.1.bias"),
        "header.weight",
    ]
    assert len(head["params"]) == 4
    assert [(group["lr"], group["weight_decay"]) for group in (rest, head)] == [
        (0.1, 1e-3),
        (1.0, 1e-3),
    ]
    if optimizer == "sgd_all":
        assert {group["momentum"] for group in built.param_groups} == {1e-3}


def test_momentum_can_keep_the_rate_of_the_step_that_it_comes_from():
    weight = nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
    optimizer = RateKeepingSGD([weight], lr=1.0, momentum=0.9, weight_decay=0.01)
    expected, momentum = np.array([1.0, -2.0]), np.zeros(2)
    for step, rate in enumerate([0.5, 0.5, 0.1, 0.1, 0.02]):
        optimizer.param_groups[0]["lr"] = rate
        weight.grad = torch.tensor([step + 1.0, 3.0], dtype=torch.float64)
        optimizer.step()
        momentum = 0.9 * momentum + rate * (np.array([step + 1.0, 3.0]) + 0.01 * expected)
        expected = expected - momentum
        np.testing.assert_allclose(weight.detach(), expected, atol=1e-12)
