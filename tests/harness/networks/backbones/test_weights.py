"""Backbones load files of weights, and errors name what does not fit."""

import numpy as np
import pytest
import torch

from wsss_harness.contract.errors import DataError
from wsss_harness.networks import backbones
from wsss_harness.networks.backbones.weights import load_weights


@pytest.fixture
def saved(tmp_path):
    state = backbones.build("openmmlab_resnet", base_channels=8).state_dict()
    return state, tmp_path / "weights.pth"


@pytest.mark.parametrize("prefix", ["", "module.", "backbone.", "network.backbone."])
def test_weights_load_under_the_names_of_their_wrappers(saved, prefix):
    state, path = saved
    wrapped = {prefix + name: value for name, value in state.items()}
    torch.save(wrapped | {"fc.weight": torch.zeros(2)}, path)
    backbone = backbones.build("openmmlab_resnet", base_channels=8)
    report = load_weights(backbone, path)
    assert report.tensors == len(state)
    assert report.left_out == ("fc.weight",)
    assert all(torch.equal(state[name], value) for name, value in backbone.state_dict().items())


def test_torchvision_weights_load_under_their_names(tmp_path):
    import torchvision

    official = torchvision.models.mobilenet_v2(weights=None)
    torch.save(official.state_dict(), tmp_path / "weights.pth")
    backbone = backbones.build("mobilenet_v2", output_stride=32).eval()
    report = load_weights(backbone, tmp_path / "weights.pth")
    assert report.left_out == ("classifier.1.weight", "classifier.1.bias")
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(backbone(image)["out"], official.eval().features(image))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("stem.0.weight"), "1 tensors are missing \\(stem.0.weight\\)"),
        (lambda s: s.update(other=torch.zeros(1)), "1 tensors are unexpected \\(other\\)"),
        (lambda s: s.update({"stem.0.weight": torch.zeros(1)}), "of another shape \\(stem.0"),
    ],
)
def test_weights_that_do_not_fit_are_named(saved, change, message):
    state, path = saved
    change(state)
    torch.save(state, path)
    with pytest.raises(DataError, match=f"weights.pth does not fit the network: .*{message}"):
        load_weights(backbones.build("openmmlab_resnet", base_channels=8), path)


def test_pickled_objects_are_not_loaded(tmp_path):
    torch.save({"weights": np.random.default_rng}, tmp_path / "weights.pth")
    with pytest.raises(DataError, match=r"weights\.pth cannot be read as weights"):
        load_weights(backbones.build("mobilenet_v2"), tmp_path / "weights.pth")
