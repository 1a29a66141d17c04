"""Files of weights: MXNet's format byte by byte, released names, and what does not fit."""

import json
import struct

import numpy as np
import pytest
import torch
from fake_data import view
from golden_files import golden
from typer.testing import CliRunner

from wsss_affinity import AffinityNet
from wsss_cam_baselines import Cam, Seam
from wsss_eps import Eps
from wsss_harness.cli.weights_view import networks, skeleton
from wsss_harness.contract.errors import DataError
from wsss_harness.contract.hookspecs import Run
from wsss_harness.networks import backbones
from wsss_harness.networks.backbones import weights
from wsss_harness.networks.backbones.deeplab_names import deeplab_to_torchvision
from wsss_harness.networks.backbones.params_file import read_params
from wsss_harness.plugins.registry import installed
from wsss_harness.system.digests import digest_file
from wsss_leaderboard.cli.app import app

TINY = {"name": "resnet38", "width": 0.0625}
ARRAYS = {
    "arg:conv1a_weight": np.arange(24, dtype="<f4").reshape(2, 3, 2, 2),
    "aux:bn7_moving_mean": np.array([1.5, -2], "<f8"),
    "arg:count": np.array([[7]], "<i8"),
}
TYPES = {"<f4": 0, "<f8": 1, "<f2": 2, "|u1": 3, "<i4": 4, "|i1": 5, "<i8": 6}


# The format of MXNet, as its source describes it


def shape_of(values, version):
    if version == 0:
        return struct.pack(f"<{1 + values.ndim}I", values.ndim, *values.shape)
    magic = {1: 0xF993FAC8, 2: 0xF993FAC9, 3: 0xF993FACA}[version]
    storage = struct.pack("<i", 0) if version > 1 else b""
    sides = struct.pack(f"<i{values.ndim}q", values.ndim, *values.shape)
    return struct.pack("<I", magic) + storage + sides


def array(values, version=2):
    head = struct.pack("<iii", 1, 0, TYPES[values.dtype.str])
    return shape_of(values, version) + head + values.tobytes()


def params(arrays=ARRAYS, version=2, names=None, bodies=None):
    bodies = [array(values, version) for values in arrays.values()] if bodies is None else bodies
    names = list(arrays) if names is None else names
    content = struct.pack("<QQQ", 0x112, 0, len(bodies)) + b"".join(bodies)
    content += struct.pack("<Q", len(names))
    return content + b"".join(struct.pack("<Q", len(n)) + n.encode() for n in names)


def written(tmp_path, content, name="net.params"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("version", range(4))
def test_all_versions_of_the_format_are_read(tmp_path, version):
    found = read_params(written(tmp_path, params(version=version)))
    assert list(found) == ["conv1a_weight", "bn7_moving_mean", "count"]
    for values, expected in zip(found.values(), ARRAYS.values(), strict=True):
        assert values.dtype == expected.dtype
        np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_all_types_are_read(tmp_path, kind):
    values = np.array([[1, 2, 3]], kind)
    (found,) = read_params(written(tmp_path, params({"arg:a": values}))).values()
    assert found.dtype == values.dtype
    np.testing.assert_array_equal(found, values)


@pytest.mark.parametrize(("version", "size"), [(0, 0), (1, 0), (2, 0), (3, 1)])
def test_an_array_without_dimensions_is_empty_or_a_single_number(tmp_path, version, size):
    nothing = np.zeros((), "<f4")
    body = array(nothing, version) if version == 3 else shape_of(nothing, version)
    (found,) = read_params(written(tmp_path, params(names=["arg:a"], bodies=[body]))).values()
    assert found.size == size


@pytest.mark.parametrize("kept", [3, 20, 30, 60, 150, -1])
def test_a_file_that_is_cut_short_is_named(tmp_path, kept):
    path = written(tmp_path, params()[:kept])
    with pytest.raises(DataError, match=r"net\.params cannot be read .*: it ends at byte .*Get it"):
        read_params(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\3\4" + bytes(40), "does not begin with the number 0x112"),
        (params(bodies=[struct.pack("<I", 0xF993FAFF)], names=["a"]), "neither a known version"),
        (params(bodies=[struct.pack("<Ii", 0xF993FAC9, 1)], names=["a"]), "stored in the form 1"),
        (
            params(bodies=[shape_of(np.zeros(2), 2) + struct.pack("<iii", 1, 0, 9)], names=["a"]),
            "has the type 9; known are 0 to 6",
        ),
        (
            params(bodies=[struct.pack("<Iiiq", 0xF993FAC9, 0, 1, -5)], names=["a"]),
            r"has the shape \[-5\]",
        ),
        (params(names=["arg:a"]), "it has 3 arrays, but 1 names"),
        (params() + b"more", "4 bytes follow its end"),
        (struct.pack("<QQQ", 0x112, 0, 2**60), "is cut short"),
        (
            params(bodies=[struct.pack("<Iiiq", 0xF993FAC9, 0, 1, 2**40) + bytes(12)], names=["a"]),
            "is cut short",
        ),
    ],
)
def test_a_file_that_is_something_else_is_refused(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        read_params(written(tmp_path, content))


def test_an_empty_file_is_cut_short(tmp_path):
    with pytest.raises(DataError, match="it ends at byte 0"):
        read_params(written(tmp_path, b""))


def mxnet_names():
    arrays = golden("mxnet_names.npz")
    return {
        str(ours): f"{kind}:{theirs}"
        for kind, theirs, ours in zip(
            arrays["kind"], arrays["mxnet_names"], arrays["torch_names"], strict=True
        )
        if str(ours)
    }


def test_resnet38_loads_from_the_file_of_mxnet(tmp_path):
    official = backbones.build(**TINY)
    known = mxnet_names()
    arrays = {
        known[name]: value.numpy()
        for name, value in official.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    classifier = {"arg:linear1000_weight": np.zeros((4, 2), "<f4")}
    path = written(tmp_path, params(arrays | classifier, version=0))
    backbone = backbones.build(**TINY)
    assert weights.load_weights(backbone, path).left_out == ("linear1000.weight",)
    for name, value in backbone.state_dict().items():
        assert torch.equal(value, official.state_dict()[name])
    path = written(tmp_path, params(arrays | {"arg:odd_weight": np.zeros((1,), "<f4")}, version=0))
    with pytest.raises(DataError, match=r"1 tensors are unexpected \(odd_weight\)"):
        weights.load_weights(backbone, path)


# Names of others


def official(tag, file="resnet38d.npz"):
    """A state without memory, of the official names and shapes."""
    arrays = golden(file)
    pairs = zip(arrays[f"{tag}_names"], arrays[f"{tag}_shapes"].tolist(), strict=True)
    return {
        str(name): torch.empty([side for side in shape if side], device="meta")
        for name, shape in pairs
    }


@pytest.mark.golden
@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("psa_cls", "cam"),
        ("eps_cls", "cam"),
        ("eps_eps", "eps"),
        ("seam", "seam"),
        ("psa_aff", "affinity:psa"),
        ("psa_base", "resnet38"),
    ],
)
def test_released_networks_fit_with_nothing_missing_and_nothing_left_over(tag, name):
    network = next(one for one in networks(installed(), 20) if one.name == name)
    assert weights.misfit(network.fit(official(tag)), skeleton(network)).size == 0


@pytest.mark.golden
def test_the_resnet_of_deeplab_fits_with_its_head_left_out():
    network = next(one for one in networks(installed(), 20) if one.name == "resnet101")
    state = official("deeplabv2", "deeplab.npz")
    named = network.fit(state)
    assert len(state) - len(named) == 8  # the four branches of the ASPP
    own = skeleton(network)
    assert set(named) <= set(own)
    assert {name for name in own if name.startswith("layer1.0.")} <= set(named)


def test_an_older_name_of_a_projection_is_known():
    assert deeplab_to_torchvision("layer2.block1.proj.bn.weight") == "layer1.0.downsample.1.weight"
    assert deeplab_to_torchvision("layer6.block1.proj.bn.weight") is None
    assert deeplab_to_torchvision("aspp.c0.weight") is None


# Checkpoints instead of training


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
    found = [Eps(checkpoint=str(path)).identity() for path in (first, second, other)]
    assert found[0] == found[1] != found[2]
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


# The commands


def run(*words):
    return CliRunner().invoke(app, ["weights", *map(str, words)])


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    torch.save(backbones.build("resnet18").state_dict(), path)
    return path


def test_inspect_names_the_network(saved):
    result = run("inspect", saved)
    assert result.exit_code == 0, result.output
    assert "fits resnet18" in result.output
    assert digest_file(saved) in result.output


def test_inspect_says_what_differs_from_the_nearest(saved, tmp_path):
    state = torch.load(saved, weights_only=True)
    del state["layer1.0.conv1.weight"]
    torch.save(state | {"extra": torch.zeros(2)}, tmp_path / "odd.pth")
    content = json.loads(run("inspect", tmp_path / "odd.pth", "--json").stdout)
    assert content["fits"] == []
    assert content["nearest"] == "resnet18"
    assert content["misfit"] == {
        "missing": ["layer1.0.conv1.weight"],
        "unexpected": ["extra"],
        "differing": [],
    }
    assert (
        "nearest is resnet18: 1 tensors are missing" in run("inspect", tmp_path / "odd.pth").output
    )


def test_convert_writes_what_loads_here(saved, tmp_path):
    out = tmp_path / "ours.pth"
    result = run("convert", saved, out, "--to", "resnet18")
    assert result.exit_code == 0, result.output
    assert weights.load_weights(backbones.build("resnet18"), out).left_out == ()
    refused = run("convert", saved, out, "--to", "resnet50")
    assert "does not fit the network" in str(refused.exception)
    unknown = run("convert", saved, out, "--to", "vgg")
    assert "no network is called 'vgg'; there are" in str(unknown.exception)
