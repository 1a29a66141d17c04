"""Released checkpoints instead of training: their names, their digest, and which are refused."""

import pytest
import torch
from fake_data import view

from wsss_affinity import AffinityNet
from wsss_cam_baselines import Cam, Seam
from wsss_eps import Eps
from wsss_harness.contract.errors import DataError
from wsss_harness.contract.hookspecs import Run
from wsss_harness.networks.backbones import weights

TINY = {"name": "resnet38", "width": 0.0625}


def theirs(network, method):
    """The tensors of a network under the names of a released checkpoint."""
    back = {ours: name for name, ours in method.released.items()}
    return {
        back.get(name, name.removeprefix("backbone.")): value.clone()
        for name, value in network.state_dict().items()
    }


@pytest.mark.parametrize("made", [Cam, Eps, Seam])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_checkpoint_takes_the_place_of_training(tmp_path, made, prefix):
    options = {"backbone": TINY, "scales": (1.0,)}
    options |= {"widths": (4, 8)} if made is Seam else {}
    network = made(**options).network(2, seed=5)
    state = theirs(network, made)
    if made is Seam:
        head = state["fc8.weight"]
        state["fc8.weight"] = torch.cat([torch.zeros_like(head[:1]), head])
    path = tmp_path / "released.pth"
    torch.save({prefix + name: value for name, value in state.items()}, path)
    generator = made(**options, checkpoint=str(path))
    data = view(tmp_path / "fit", generator.needs)
    generator.fit(data, Run(tmp_path / "fit"))
    written = torch.load(tmp_path / "fit/weights.pth", weights_only=True)
    assert all(torch.equal(value, written[name]) for name, value in network.state_dict().items())
    assert not (tmp_path / "fit/losses.json").exists()
    scores = generator.load(tmp_path / "fit", "cpu")(data[data.ids[0]])
    assert scores.classes == data[data.ids[0]].present
    assert generator.stated == tuple(sorted(generator.needs))
    assert made(**options).stated == ()


def test_a_checkpoint_of_affinitynet_takes_the_place_of_training(tmp_path):
    options = {"backbone": TINY, "widths": (4, 8, 16), "form": "psa"}
    network = AffinityNet(**options).network(2, seed=5)
    path = tmp_path / "released.pth"
    torch.save(theirs(network, AffinityNet), path)
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
    torch.save(theirs(Cam(backbone=TINY).network(2), Cam), path)
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
    torch.save(theirs(seam.network(3), Seam), path)
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
        weights.read_weights(path)
    assert "weights_only" not in str(refused.value)  # torch's advice is to let it run
    assert not trap.exists()
