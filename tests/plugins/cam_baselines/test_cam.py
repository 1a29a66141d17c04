"""The CAM generator: what it announces, its released defaults, and a run from images to scores."""

import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from fake_data import FakeDataset, view

from wsss_cam_baselines import Cam, wsss_generators
from wsss_cam_baselines.gradients import reader
from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.hookspecs import Generator, Run
from wsss_harness.contract.types import Sample
from wsss_harness.networks.classmaps.network import ClassMapsShape

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
    network = ClassMapsShape(SLIM, 2, "pool_then_head", 0.0).build().double().eval()
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


# Maps from gradients


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cam")
    Cam(backbone=SLIM, **QUICK).fit(view(folder, Cam.needs), Run(folder))
    return folder


def maps_by(fitted, **options):
    data = view(fitted, Cam.needs)
    sample = data[data.ids[0]]
    scores = Cam(backbone=SLIM, **QUICK, **options).load(fitted, "cpu")(sample)
    scores.validate(sample.image_id, "cam")
    assert scores.classes == sample.present
    return scores.values


@pytest.mark.parametrize("method", ["grad_cam", "xgrad_cam"])
def test_at_the_features_of_a_linear_head_two_methods_are_cam(fitted, method):
    assert np.abs(maps_by(fitted, method=method) - maps_by(fitted)).max() < 1e-5


def test_layer_cam_gives_other_maps(fitted):
    values = maps_by(fitted, method="layer_cam")
    assert values.max() > 0
    assert np.abs(values - maps_by(fitted)).max() > 1e-3


def test_layer_cam_agrees_with_a_loop():
    torch.manual_seed(0)
    network = ClassMapsShape(SLIM, 2, "pool_then_head", 0.0).build().eval().requires_grad_(False)
    images = torch.rand(2, 3, 24, 32)
    actual = reader("layer_cam", ("features",))(network, images, [1])
    features, weight = network.backbone(images)["out"], network.head.weight[1, :, 0, 0]
    expected = np.zeros((2, *actual.shape[2:]))
    for b, y, x in np.ndindex(expected.shape):
        pairs = zip(weight.tolist(), features[b, :, y, x].tolist(), strict=True)
        total = sum(max(0.0, w) * f for w, f in pairs)
        expected[b, y, x] = max(0.0, total)
    assert np.abs(actual[:, 1].numpy() - expected).max() < 1e-4 * max(expected.max(), 1)
    assert actual[:, 0].abs().max() == 0


def test_earlier_layers_give_finer_maps():
    network = ClassMapsShape({"name": "resnet18"}, 2, "pool_then_head", 0.0).build().eval()
    images = torch.rand(2, 3, 64, 64)
    maps = reader("layer_cam", ("backbone.layer1", "features"))(network, images, [0, 1])
    assert maps.shape == (2, 2, 16, 16)


def test_of_several_layers_the_largest_share_of_each_maximum_counts():
    torch.manual_seed(0)
    network = ClassMapsShape({"name": "resnet18"}, 2, "pool_then_head", 0.0).build().eval()
    images, layers = torch.rand(1, 3, 64, 64), ("backbone.layer3", "features")
    alone = [reader("layer_cam", (layer,))(network, images, [0])[:, :1] for layer in layers]
    assert all(cam.max() > 2 for cam in alone)  # where tanh of twice as much is 1
    shares = [torch.tanh(2 * cam / cam.max()) for cam in alone]
    sized = [F.interpolate(cam, shares[0].shape[2:], mode="bilinear") for cam in shares]
    expected = torch.maximum(*sized)
    actual = reader("layer_cam", layers)(network, images, [0])[:, :1]
    assert (actual - expected).abs().max() < 1e-6


def test_a_layer_that_does_not_exist_is_named(fitted):
    with pytest.raises(ConfigError, match=r"layers names \['backbone.b9'\]; name features or .*b6"):
        maps_by(fitted, method="grad_cam", layers=("backbone.b9",))


def test_an_image_without_classes_has_no_maps(fitted):
    sample = Sample("empty", {"image": np.zeros((24, 32, 3), np.uint8), "image_labels": ()}.get)
    scores = Cam(backbone=SLIM, **QUICK, method="layer_cam").load(fitted, "cpu")(sample)
    assert scores.values.shape == (0, 24, 32)
