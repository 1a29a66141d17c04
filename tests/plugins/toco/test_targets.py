"""What the networks of ToCo and SeCo are taught in an iteration."""

import pytest
import torch

from wsss_toco import SeCo, ToCo
from wsss_toco.losses import tags_of

SIDE = 48


def batch(present, box=(0, SIDE, 0, SIDE)):
    images = torch.Generator().manual_seed(0)
    count = len(present)
    looks = {n: torch.randn(count, 3, SIDE, SIDE, generator=images) for n in LOOKS}
    boxes = torch.tensor([box] * count)
    return {**looks, "present": torch.tensor(present, dtype=torch.float32), "box": boxes}


LOOKS = ("image", "second", "parts")


def method(cls, **options):
    return cls(**{**cls.quick, "crop": SIDE, **options})


def step(cls, items, iterations=5, **options):
    torch.manual_seed(0)
    settings = method(cls, **options)
    network = settings.network(items["present"].shape[1]).train()
    network.iterations += iterations
    return settings.loss()(network, items), network


@pytest.mark.parametrize("cls", [ToCo, SeCo])
def test_losses_come_in_turn(cls):
    items = batch([[1, 0], [1, 1]])
    first, _ = step(cls, items, 0)
    late, network = step(cls, items)
    assert {"loss_cls", "loss_cls_middle", "loss_patches"} <= set(first)
    assert not {"loss_seg", "loss_energy", "loss_keys"} & set(first)
    assert {"loss_seg", "loss_energy"} <= set(late)
    assert network.iterations == 6


@pytest.mark.parametrize("cls", [ToCo, SeCo])
def test_every_trained_parameter_gets_a_gradient(cls):
    items = batch([[1, 0], [0, 1]])
    losses, network = step(cls, items, low=0.0, high=0.01)
    sum(losses.values()).backward()
    without = {n for n, p in network.named_parameters() if p.requires_grad and p.grad is None}
    assert not {name for name in without if not name.startswith("backbone.")}


@pytest.mark.parametrize("cls", [ToCo, SeCo])
@pytest.mark.parametrize("present", [[[0, 0], [0, 0]], [[1, 1], [1, 1]]])
def test_losses_stay_finite_without_objects_and_without_background(cls, present):
    for bounds in ({"low": 0.0, "high": 0.0}, {"low": 0.98, "high": 0.99}):
        losses, _ = step(cls, batch(present), **bounds)
        assert all(value.isfinite() for value in losses.values())


def test_box_shrinks_to_whole_patches_unless_released():
    items = batch([[1, 0]], box=(4, 44, 0, 48))
    sound, released = (method(ToCo, boxes=name).teaching() for name in ("image", "released"))
    assert sound.boxes(items, (6, 6)).tolist() == [[1, 5, 0, 6]]
    assert released.boxes(items, (6, 6)).tolist() == [[4, 44, 0, 48]]


def test_only_images_of_one_class_move_a_prototype():
    present = torch.tensor([[1.0, 0], [1, 1], [0, 1], [0, 0]])
    assert tags_of(present).tolist() == [1, -1, 2, -1]


def test_seco_moves_prototypes_from_an_iteration_on():
    items = batch([[1, 0], [0, 1]])
    settings = method(SeCo, prototypes_from=3)
    network = settings.network(2).train()
    before = network.prototypes.clone()
    settings.loss()(network, items)
    assert torch.equal(network.prototypes, before)
    network.iterations += 3
    settings.loss()(network, items)
    assert not torch.equal(network.prototypes, before)
