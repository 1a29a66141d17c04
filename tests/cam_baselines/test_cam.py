"""The CAM generator: what it announces, its released defaults, and a run from images to scores."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from fake_data import FakeDataset, view
from wsss_cam_baselines import Cam, wsss_generators
from wsss_harness.classmaps.network import Shape
from wsss_harness.hookspecs import Generator, Run

QUICK = {"iterations": 3, "batch": 2, "crop": 24, "resize": (24, 32), "scales": (1.0, 1.5)}
SLIM = {"name": "resnet38", "width": 0.0625}


def test_announcing_loads_no_torch():
    code = (
        "import sys, wsss_cam_baselines; wsss_cam_baselines.wsss_generators(); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_it_is_announced_as_a_generator_that_needs_image_labels():
    assert wsss_generators()["cam"] is Cam
    assert isinstance(Cam(), Generator)
    assert Cam.needs == {"image_labels"}


def test_defaults_are_those_of_the_released_baseline():
    cam = Cam()
    assert (cam.iterations, cam.batch, cam.crop, cam.resize) == (20_000, 8, 448, (256, 512))
    assert (cam.lr, cam.weight_decay, cam.momentum, cam.power) == (0.01, 5e-4, "released", 0.9)
    assert (cam.pooling, cam.dropout, cam.padding) == ("pool_then_head", 0.5, "mean")
    assert cam.scales == (0.5, 1.0, 1.5, 2.0)
    assert cam.channels(20) == 20


def test_the_loss_is_the_naive_sum_over_images_and_classes():
    network = Shape(SLIM, 2, "pool_then_head", 0.0).build().double().eval()
    images, present = torch.rand(3, 3, 16, 24).double(), torch.tensor([[1, 0], [0, 1], [1, 1.0]])
    loss = Cam().loss(("square", "disc"))(network, {"image": images, "present": present.double()})
    chance = 1 / (1 + np.exp(-network(images)[1].detach().numpy()))
    total = sum(
        -np.log(chance[n, c] if present[n, c] else 1 - chance[n, c]) for n, c in np.ndindex(3, 2)
    )
    assert loss["loss_cls"].item() == pytest.approx(total / 6, abs=1e-12)


def test_it_trains_and_scores_every_image_reading_image_labels_alone(tmp_path):
    cam = Cam(backbone=SLIM, **QUICK)
    data = view(tmp_path, Cam.needs, split="all")
    cam.fit(data, Run(tmp_path))
    score = cam.load(tmp_path, "cpu")
    for image_id in data:
        scores = score(data[image_id])
        assert scores.classes == FakeDataset().present(image_id)
        assert scores.size == (24, 32)
        scores.validate(image_id, "cam")
    assert [file.name for file in (tmp_path / "read").iterdir()] == ["image_labels"]


def test_loaded_twice_it_gives_the_same_scores(tmp_path):
    cam = Cam(backbone=SLIM, **QUICK)
    data = view(tmp_path, Cam.needs)
    cam.fit(data, Run(tmp_path))
    values = [cam.load(tmp_path, "cpu")(data["image_000"]).values for _ in range(2)]
    assert np.array_equal(*values)
