"""CAM (IRN): released defaults, what trains, and a run from images to scores."""

import numpy as np
import pytest
import torch
from fake_data import FakeDataset, view

from wsss_harness.contract.hookspecs import Generator, Run
from wsss_harness.contract.types import Sample
from wsss_harness.networks.training.optimizers import make_optimizer
from wsss_irn import CamIrn, wsss_generators

QUICK = {
    "iterations": 3,
    "batch": 2,
    "crop": 32,
    "resize": (24, 32),
    "lr": 1e-3,
    "scales": (1, 1.5),
}
SLIM = {"name": "resnet38", "width": 0.0625}


def test_it_is_announced_as_a_generator_that_needs_image_labels():
    assert wsss_generators()["cam_irn"] is CamIrn
    assert isinstance(CamIrn(), Generator)
    assert CamIrn.needs == {"image_labels"}


def test_defaults_are_the_released_ones():
    cam = CamIrn()
    assert cam.iterations == 5 * (10_582 // 16)
    assert (cam.batch, cam.crop, cam.resize, cam.flip) == (16, 512, (320, 640), 0.5)
    assert (cam.lr, cam.head_lr, cam.weight_decay, cam.power) == (0.1, 10.0, 1e-4, 0.9)
    assert (cam.momentum, cam.jitter, cam.padding) == ("released", (0, 0, 0, 0), "mean")
    assert (cam.pooling, cam.dropout, cam.normalise) == ("pool_then_head", 0.0, "max")
    assert cam.scales == (1.0, 0.5, 1.5, 2.0)


def test_the_optimizer_has_the_two_released_groups():
    """Layers 3 and 4 with their normalisations, and the head; all decay."""
    cam = CamIrn()
    with torch.device("meta"):
        network = cam.network(20)
    optimizer = make_optimizer(network, cam)
    rest, head = optimizer.param_groups
    names = {id(p): name for name, p in network.named_parameters()}
    trained = [names[id(p)] for p in rest["params"]]
    later = [n for n in names.values() if n.startswith(("backbone.layer3", "backbone.layer4"))]
    assert trained == later
    assert any(".bn2.weight" in name for name in trained)
    assert [names[id(p)] for p in head["params"]] == ["head.weight"]
    assert (rest["lr"], head["lr"]) == (0.1, 1.0)
    for group in (rest, head):
        assert (group["weight_decay"], group["momentum"]) == (1e-4, 1e-4)


@pytest.mark.parametrize("sums", ["full", "strided"])
def test_it_trains_and_scores_every_image_reading_image_labels_alone(tmp_path, sums):
    cam = CamIrn(backbone=SLIM, sums=sums, **QUICK)
    data = view(tmp_path, CamIrn.needs, split="all")
    cam.fit(data, Run(tmp_path))
    score = cam.load(tmp_path, "cpu")
    for image_id in data:
        scores = score(data[image_id])
        assert scores.classes == FakeDataset().present(image_id)
        assert scores.size == (24, 32)
        scores.validate(image_id, "cam_irn")
        squares = scores.values.reshape(-1, 6, 4, 8, 4)
        assert (squares == squares[:, :, :1, :, :1]).all() == (sums == "strided")
    assert [file.name for file in (tmp_path / "read").iterdir()] == ["image_labels"]


def test_an_image_without_classes_has_no_maps(tmp_path):
    cam = CamIrn(backbone=SLIM, **QUICK)
    cam.fit(view(tmp_path, CamIrn.needs), Run(tmp_path))
    sample = Sample("empty", {"image": np.zeros((24, 32, 3), np.uint8), "image_labels": ()}.get)
    assert cam.load(tmp_path, "cpu")(sample).values.shape == (0, 24, 32)


def test_a_checkpoint_of_the_official_code_is_read(tmp_path):
    network = CamIrn().network(2, seed=3)
    state = {}
    for name, value in network.state_dict().items():
        own = name.removeprefix("backbone.")
        if name == "head.weight":
            state["classifier.weight"] = state["newly_added.0.weight"] = value
        else:
            state[f"resnet50.{own}"] = state[f"stage1.{own}"] = state[f"backbone.0.{own}"] = value
    torch.save(state, tmp_path / "res50_cam.pth")
    cam = CamIrn(checkpoint=str(tmp_path / "res50_cam.pth"))
    cam.fit(view(tmp_path, CamIrn.needs), Run(tmp_path))
    loaded = cam.trained(tmp_path, "cpu").state_dict()
    assert all(torch.equal(value, loaded[name]) for name, value in network.state_dict().items())
