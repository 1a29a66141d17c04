"""A normalisation that sees one value of each channel uses its running statistics."""

import logging

import pytest
import torch
from torch import nn

from wsss_harness.networks.training.single_values import running_statistics_of_single_values


def norm(mean=2.0, var=4.0):
    layer = nn.BatchNorm2d(1, eps=1e-12)
    layer.running_mean.fill_(mean)
    layer.running_var.fill_(var)
    return layer


def test_single_value_is_normalised_by_running_statistics_which_it_does_not_move():
    layer = norm()
    value = torch.full((1, 1, 1, 1), 8.0)
    with pytest.raises(ValueError, match="more than 1 value"):
        layer(value)
    with running_statistics_of_single_values(layer):
        assert layer(value).item() == pytest.approx((8 - 2) / 2)
        assert layer.training
    assert (layer.running_mean.item(), layer.running_var.item()) == (2, 4)
    assert {**layer._forward_hooks, **layer._forward_pre_hooks} == {}


def test_several_values_are_normalised_as_ever():
    layer, values = norm(), torch.tensor([1.0, 3.0]).reshape(1, 1, 1, 2)
    with running_statistics_of_single_values(layer):
        assert layer(values).flatten().tolist() == pytest.approx([-1, 1])
    assert layer.running_mean.item() == pytest.approx(0.9 * 2 + 0.1 * 2)
    assert layer.running_var.item() == pytest.approx(0.9 * 4 + 0.1 * 2)


def test_affine_parameters_learn_from_a_single_value():
    layer = norm()
    with running_statistics_of_single_values(layer):
        layer(torch.full((1, 1, 1, 1), 8.0)).sum().backward()
    assert (layer.weight.grad.item(), layer.bias.grad.item()) == pytest.approx((3, 1))


def test_it_is_said_once(caplog):
    network = nn.Sequential(norm(), norm())
    with caplog.at_level(logging.WARNING), running_statistics_of_single_values(network):
        network(torch.zeros(1, 1, 1, 1))
        network(torch.zeros(1, 1, 1, 1))
    assert len(caplog.records) == 1
    assert "'batch'" in caplog.text
