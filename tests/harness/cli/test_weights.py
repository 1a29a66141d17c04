"""`wsss weights`: which network a file of weights fits, and conversion to our names."""

import json

import pytest
import torch
from golden_files import golden
from typer.testing import CliRunner

from wsss_harness.cli import weights_match
from wsss_harness.cli.weights_match import networks, skeleton
from wsss_harness.networks import backbones
from wsss_harness.networks.backbones import weights
from wsss_harness.plugins.registry import installed
from wsss_harness.system import extras
from wsss_harness.system.digests import digest_file
from wsss_leaderboard.cli.app import app


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
    network = next(known for known in networks(installed(), 20) if known.name == name)
    assert weights.misfit(network.fit(official(tag)), skeleton(network)).size == 0


@pytest.mark.golden
def test_the_resnet_of_deeplab_fits_with_its_head_left_out():
    network = next(known for known in networks(installed(), 20) if known.name == "resnet101")
    state = official("deeplabv2", "deeplab.npz")
    named = network.fit(state)
    assert len(state) - len(named) == 8  # the four branches of the ASPP
    own = skeleton(network)
    assert set(named) <= set(own)
    assert {name for name in own if name.startswith("layer1.0.")} <= set(named)


@pytest.mark.parametrize("name", ["vit_small", "clip_vit_base"])
def test_vision_transformers_fit_under_published_names(name):
    network = next(known for known in networks(installed(), 20) if known.name == name)
    state = skeleton(network)
    state["head.weight"] = torch.empty(1000, len(state["norm.bias"]), device="meta")
    assert weights.misfit(network.fit(state), skeleton(network)).size == 0


def test_without_timm_no_vision_transformer_is_compared(monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda module: None)
    names = {network.name for network in networks(installed(), 20)}
    assert "resnet50" in names
    assert not names & set(backbones.VITS)


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


def test_inspect_says_what_differs_from_the_nearest(saved, tmp_path, monkeypatch):
    state, path = torch.load(saved, weights_only=True), tmp_path / "odd.pth"
    del state["layer1.0.conv1.weight"]
    torch.save(state | {"extra": torch.zeros(2)}, path)
    inspection = weights_match.inspect(path, installed())  # compares all networks, for seconds
    monkeypatch.setattr(weights_match, "inspect", lambda *_: inspection)
    content = json.loads(run("inspect", path, "--json").stdout)
    assert content["fits"] == []
    assert content["nearest"] == "resnet18"
    assert content["misfit"] == {
        "missing": ["layer1.0.conv1.weight"],
        "unexpected": ["extra"],
        "differing": [],
    }
    assert "nearest is resnet18: 1 tensors are missing" in run("inspect", path).output


def test_convert_writes_what_loads_here(saved, tmp_path):
    out = tmp_path / "ours.pth"
    result = run("convert", saved, out, "--to", "resnet18")
    assert result.exit_code == 0, result.output
    assert weights.load_weights(backbones.build("resnet18"), out) == ()
    refused = run("convert", saved, out, "--to", "resnet50")
    assert "does not fit the network" in str(refused.exception)
    unknown = run("convert", saved, out, "--to", "vgg")
    assert "no network is named 'vgg'; did you mean 'vgg16'" in str(unknown.exception)
