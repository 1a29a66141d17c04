"""Backbones load files of weights, methods released checkpoints; errors name what does not fit."""

import numpy as np
import pytest
import torch
from fake_data import view

from wsss_affinity import AffinityNet
from wsss_cam_baselines import Cam, Seam
from wsss_eps import Eps
from wsss_harness.contract.errors import DataError
from wsss_harness.contract.hookspecs import Run
from wsss_harness.networks import backbones
from wsss_harness.networks.backbones.weights import load_weights, read_weights

TINY = {"name": "resnet38", "width": 0.0625}


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
    assert load_weights(backbone, path) == ("fc.weight",)
    assert all(torch.equal(state[name], value) for name, value in backbone.state_dict().items())


def test_torchvision_weights_load_under_their_names(tmp_path):
    import torchvision

    official = torchvision.models.mobilenet_v2(weights=None)
    torch.save(official.state_dict(), tmp_path / "weights.pth")
    backbone = backbones.build("mobilenet_v2", output_stride=32).eval()
    left_out = load_weights(backbone, tmp_path / "weights.pth")
    assert left_out == ("classifier.1.weight", "classifier.1.bias")
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


def released(network, method):
    """The tensors of a network under the names of a released checkpoint."""
    back = {ours: name for name, ours in method.released.items()}
    return {
        back.get(name, name.removeprefix("backbone.")): value.clone()
        for name, value in network.state_dict().items()
    }


@pytest.mark.parametrize("method", [Cam, Eps, Seam])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_checkpoint_takes_the_place_of_training(tmp_path, method, prefix):
    options = {"backbone": TINY, "scales": (1.0,)}
    options |= {"widths": (4, 8)} if method is Seam else {}
    network = method(**options).network(2, seed=5)
    state = released(network, method)
    if method is Seam:
        head = state["fc8.weight"]
        state["fc8.weight"] = torch.cat([torch.zeros_like(head[:1]), head])
    path = tmp_path / "released.pth"
    torch.save({prefix + name: value for name, value in state.items()}, path)
    generator = method(**options, checkpoint=str(path))
    data = view(tmp_path / "fit", generator.needs)
    generator.fit(data, Run(tmp_path / "fit"))
    written = torch.load(tmp_path / "fit/weights.pth", weights_only=True)
    assert all(torch.equal(value, written[name]) for name, value in network.state_dict().items())
    assert not (tmp_path / "fit/losses.json").exists()
    scores = generator.load(tmp_path / "fit", "cpu")(data[data.ids[0]])
    assert scores.classes == data[data.ids[0]].present
    assert generator.stated == tuple(sorted(generator.needs))
    assert method(**options).stated == ()


def test_a_checkpoint_of_affinitynet_takes_the_place_of_training(tmp_path):
    options = {"backbone": TINY, "widths": (4, 8, 16), "form": "psa"}
    network = AffinityNet(**options).network(2, seed=5)
    path = tmp_path / "released.pth"
    torch.save(released(network, AffinityNet), path)
    refiner = AffinityNet(**options, checkpoint=str(path))
    refiner.fit(view(tmp_path / "fit", ()), lambda image_id: None, Run(tmp_path / "fit"))
    written = torch.load(tmp_path / "fit/weights.pth", weights_only=True)
    assert all(torch.equal(value, written[name]) for name, value in network.state_dict().items())


def test_the_digest_of_a_checkpoint_counts_and_its_place_does_not(tmp_path):
    first, second, other = (tmp_path / name for name in ("a.pth", "b.pth", "c.pth"))
    first.write_bytes(b"weights")
    second.write_bytes(b"weights")
    other.write_bytes(b"others")
    actual = [Eps(checkpoint=str(path)).identity() for path in (first, second, other)]
    assert actual[0] == actual[1] != actual[2]
    assert Eps().identity() == {}
    with pytest.raises(DataError, match=r"Eps: there is no checkpoint .*nowhere\.pth"):
        Eps(checkpoint=str(tmp_path / "nowhere.pth")).identity()


def test_a_checkpoint_of_another_architecture_says_which_tensors_differ(tmp_path):
    path = tmp_path / "released.pth"
    torch.save(released(Cam(backbone=TINY).network(2), Cam), path)
    generator = Eps(backbone=TINY, checkpoint=str(path))
    message = (
        r"released\.pth does not fit the network: 1 tensors are of another shape \(head\.weight\); "
        "give .*wsss weights inspect"
    )
    with pytest.raises(DataError, match=message):
        generator.fit(view(tmp_path / "fit", generator.needs), Run(tmp_path / "fit"))


def test_a_checkpoint_of_another_method_says_what_is_left_over(tmp_path):
    path = tmp_path / "released.pth"
    seam = Seam(backbone=TINY, widths=(4, 8))
    torch.save(released(seam.network(3), Seam), path)
    generator = Eps(backbone=TINY, checkpoint=str(path))
    message = r"3 tensors are unexpected \(f8_3\.weight, f8_4\.weight, f9\.weight\); give"
    with pytest.raises(DataError, match=message):
        generator.fit(view(tmp_path / "fit", generator.needs), Run(tmp_path / "fit"))


class Touch:
    """Would write a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path):
    trap, path = tmp_path / "trap", tmp_path / "released.pth"
    torch.save({"conv1a.weight": Touch(trap)}, path)
    message = r"released\.pth cannot be read as weights: it holds io\.open, which could run code"
    with pytest.raises(DataError, match=message) as refused:
        read_weights(path)
    assert "weights_only" not in str(refused.value)  # torch's advice is to let it run
    assert not trap.exists()
