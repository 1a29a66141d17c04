"""The SEAM generator: its released defaults, its network, and a run from images to scores."""

import numpy as np
import pytest
import torch
from fake_data import FakeDataset, view
from golden_files import close, fill, fill_value, golden

from wsss_cam_baselines import Seam, wsss_generators
from wsss_cam_baselines.seam_network import SeamShape
from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.hookspecs import Generator, Run
from wsss_harness.networks.classmaps import network

SLIM = {"name": "resnet38", "width": 0.0625}
QUICK = {
    "iterations": 3,
    "batch": 2,
    "crop": 24,
    "resize": (24, 32),
    "scales": (1.0, 1.5),
    "view": 0.5,
    "widths": (4, 8),
}


def slim(**options):
    return Seam(backbone=SLIM, **(QUICK | options))


def test_it_is_announced_as_a_generator_that_needs_image_labels():
    assert wsss_generators()["seam"] is Seam
    assert isinstance(Seam(), Generator)
    assert Seam.needs == {"image_labels"}


def test_defaults_are_those_of_the_released_script():
    seam = Seam()
    assert (seam.iterations, seam.batch, seam.crop, seam.resize) == (10_576, 8, 448, (448, 768))
    assert (seam.lr, seam.head_lr, seam.weight_decay, seam.momentum) == (0.01, 10, 5e-4, "released")
    assert (seam.pooling, seam.dropout, seam.normalise) == ("head_then_pool", 0.5, "min_max")
    assert (seam.view, seam.widths, seam.min_pooling) == (0.3, (64, 128), "released")
    assert seam.scales == (0.5, 1.0, 1.5, 2.0)


@pytest.mark.golden
def test_golden_network():
    """ResNet38 with SEAM's head, every tensor filled by its official name."""
    file = golden("resnet38d.npz")
    network = SeamShape({"name": "resnet38"}, 20, "head_then_pool", 0.5).build().eval()

    def filled(name, tensor):
        official = name.removeprefix("backbone.").removeprefix("correlation.")
        if official == "head.weight":  # without the channel of the background
            return fill_value("fc8.weight", torch.empty(21, *tensor.shape[1:]), 1)[1:]
        return fill_value(official, tensor, 1)

    network.load_state_dict({n: filled(n, t) for n, t in network.state_dict().items()})
    with torch.no_grad():
        cam, refined = network(fill("image", -2, 2, (1, 3, *file["image_size"].tolist())))
    assert close(cam[..., ::4, ::4], file["seam_cam_sub4"][:, 1:], 1e-4)
    assert close(refined[..., ::4, ::4], file["seam_cam_rv_sub4"], 1e-4)
    assert close(refined.mean((2, 3)), file["seam_cam_rv_mean"], 1e-4)


def trained_parts(name):
    """The parts of a network that one loss has a gradient for."""
    seam = slim(min_pooling="released")
    network = seam.shape(2).build().train()
    batch = {"image": torch.randn(2, 3, 32, 32), "present": torch.tensor([[1.0, 0], [1, 1]])}
    seam.loss(FakeDataset.classes)(network, batch)[name].backward()
    return {
        parameter.partition(".")[0]
        for parameter, value in network.named_parameters()
        if value.grad is not None and value.grad.abs().sum() > 0
    }


@pytest.mark.parametrize("name", ["loss_cls", "loss_er"])
def test_two_losses_train_backbone_and_head(name):
    assert trained_parts(name) == {"backbone", "head"}


@pytest.mark.parametrize("name", ["loss_ecr", "loss_min"])
def test_other_losses_train_the_correlation_alone(name):
    assert trained_parts(name) == {"correlation"}


def test_min_pooling_loss_can_be_left_out():
    network, batch = (
        slim().shape(2).build(),
        {"image": torch.rand(1, 3, 32, 32), "present": torch.ones(1, 2)},
    )
    names = {
        choice: set(slim(min_pooling=choice).loss(("a", "b"))(network, batch))
        for choice in ("released", "none")
    }
    assert names["released"] - names["none"] == {"loss_min"}


class HalfUnlabelled(FakeDataset):
    def present(self, image_id):
        return () if self.names.index(image_id) % 2 else (1,)


def test_negatives_are_trained_on_and_are_all_background(tmp_path):
    seam, data = slim(unlabelled="negative"), view(tmp_path, Seam.needs, HalfUnlabelled())
    seam.fit(data, Run(tmp_path))
    sample = data[data.ids[1]]
    scores = seam.load(tmp_path, "cpu")(sample)
    assert scores.values.shape == (0, *sample.image.shape[:2])


def test_it_trains_and_scores_every_image_reading_image_labels_alone(tmp_path):
    seam, data = slim(), view(tmp_path, Seam.needs, split="all")
    seam.fit(data, Run(tmp_path))
    score = seam.load(tmp_path, "cpu")
    for image_id in data:
        scores = score(data[image_id])
        assert scores.classes == FakeDataset().present(image_id)
        scores.validate(image_id, "seam")
        assert scores.values.max() > 0
    assert {file.name for file in (tmp_path / "read").iterdir()} == {"image_labels"}


def test_saved_network_gives_the_same_scores(tmp_path):
    seam, data = slim(), view(tmp_path, Seam.needs)
    seam.fit(data, Run(tmp_path))
    image_id = data.ids[0]
    first, again = (seam.load(tmp_path, "cpu")(data[image_id]).values for _ in range(2))
    assert np.array_equal(first, again)
    assert isinstance(SeamShape.load(tmp_path, "cpu"), network.ClassMaps)


@pytest.mark.parametrize(
    "backbone",
    [
        {"name": "mobilenet_v2", "output_stride": 16},
        {"name": "openmmlab_resnet", "depth": 18, "base_channels": 8},
    ],
)
def test_any_backbone_with_taps_works(backbone):
    network = SeamShape(backbone, 2, "head_then_pool", 0.0, (), (4, 8)).build().eval()
    with torch.no_grad():
        cam, refined = network(torch.rand(1, 3, 48, 64))
    assert cam.shape == (1, 2, 48, 64)
    assert refined.shape == (1, 3, 48, 64)
    assert bool(((refined >= 0) & (refined <= 1)).all())


def test_taps_that_do_not_exist_are_named():
    with pytest.raises(ConfigError, match=r"needs two taps .* but got conv9; there are .*conv5"):
        slim(taps=("conv9",)).shape(2).build()


@pytest.mark.parametrize("options", [{"view": 1.0}, {"pooling": "pool_then_head"}])
def test_invalid_options_are_refused(options):
    with pytest.raises(ConfigError, match="of Seam is"):
        slim(**options)
