"""The network of ICD: two official training steps and inference, and its parts by themselves."""

import numpy as np
import pytest
import torch
from golden_files import close, fill, fill_value, golden

from wsss_harness.networks.backbones.tensor_names import mxnet_to_torch
from wsss_harness.networks.backbones.weights import load_released
from wsss_icd import Icd
from wsss_icd.fitting import losses, optimizer_of
from wsss_icd.network import GhostNorm, IcdShape
from wsss_icd.released import NAMES, adapted
from wsss_icd.settings import vgg16
from wsss_icd.superpixels import memberships, smoothed

SLIM = {**vgg16(), "width": 0.0625}


def slim(**options):
    return Icd(backbone=SLIM, **options)


def by_official_name(network):
    """The trained tensors under their official names; the factor of normalisation is none."""
    own = dict(network.named_parameters())
    names = golden("icd2.npz")["model_param_names"].tolist()
    return {n: own[NAMES[mxnet_to_torch(n)]] for n in names if n != "feat_bn_gamma"}


@pytest.fixture
def official():
    """The official network with its filled weights and without dropout, and its batch."""
    file = golden("icd2.npz")
    classes = file["model_label"].shape[1]
    network = IcdShape({**vgg16(), "dropout": 0}, classes, 0, len(file["model_label"])).build()
    for name, tensor in by_official_name(network).items():
        tensor.data = fill_value(name, tensor, 1.4)
    side = int(file["model_image_size"])
    image = fill("icd2.image", 124, 130, (len(file["model_label"]), 3, side, side))
    assert close(image.flatten()[:12], file["model_image_check"], 1e-6)
    parts = {"present": file["model_label"], "regions": file["model_superpixel"]}
    batch = {name: torch.from_numpy(array) for name, array in parts.items()}
    return file, network, {**batch, "image": image - 127}


def thinned(tensor):
    """The part of a large tensor that the file holds."""
    if tensor.numel() < 700:
        return tensor
    rows = tensor.reshape(len(tensor), -1)
    return rows[:, :: max(1, rows.shape[1] // 16)]


def settings(file):
    momentum, decay, lr = file["model_momentum_wd_lr"].tolist()
    return Icd(momentum=momentum, weight_decay=decay, lr=lr)


@pytest.mark.golden
def test_golden_names_shapes_rates_and_decays(official):
    file, network, _ = official
    parameters = by_official_name(network)
    icd = settings(file)
    groups = {
        id(p): group for group in optimizer_of(network, icd).param_groups for p in group["params"]
    }
    assert len(groups) == len(parameters)
    for name, shape, rate, decays in zip(
        *(file[f"model_{what}"].tolist() for what in ("param_names", "param_shapes", "lr_mult")),
        file["model_wd_mult"].tolist(),
        strict=True,
    ):
        if name == "feat_bn_gamma":
            continue  # always 1
        group = groups[id(parameters[name])]
        assert [side for side in shape if side] == list(parameters[name].shape)
        assert group["lr"] == pytest.approx(icd.lr * rate)
        assert group["weight_decay"] == pytest.approx(icd.weight_decay * decays)
        assert group["momentum"] == icd.momentum
    buffers = dict(network.named_buffers())
    states = {NAMES[name] for name in file["model_aux_names"].tolist()}
    assert states == buffers.keys() - {"iterations"}
    copies = file["model_copied_before_training"].tolist()
    assert {NAMES[name].rpartition(".")[0] for name in copies} == {"top_down.fc6", "top_down.fc7"}


@pytest.mark.golden
def test_golden_training_and_inference(official):
    file, network, batch = official
    optimizer, warmup = optimizer_of(network, settings(file)), int(file["model_warmup"])
    assert 1 / len(batch["image"]) == file["model_rescale_grad"]
    pairs = batch["present"].nonzero(as_tuple=True)
    check_outputs(file, network, batch, pairs)
    steps = sum(name.endswith("_grad_fc8_weight") for name in file)
    assert steps >= 2
    for step in range(steps):
        optimizer.zero_grad()
        sum(losses(network, batch, warmup).values()).backward()
        check_gradients(file, network, step, len(batch["image"]))
        optimizer.step()
        check_state(file, network, step)
    network.eval()
    with torch.no_grad():
        outputs = network(batch["image"])
        turned = network.signed(outputs, batch["present"])
    shares = memberships(batch["regions"], tuple(turned.shape[2:]))
    values = smoothed(turned, shares, batch["present"])
    for name, maps in {
        "cam": outputs.maps,
        "bu": turned,
        "bu_sp": values,
        "td": outputs.logits,
    }.items():
        assert close(maps[pairs], file[f"infer_{name}"], 1e-4)
    assert close(outputs.pooled, file["infer_cam_mean"], 1e-4)


def check_outputs(file, network, batch, pairs):
    """What the network gives in the first step, without leaving a trace in its state."""
    state = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.no_grad():
        outputs = network(batch["image"])
        turned = network.signed(outputs, batch["present"])
    assert close(outputs.pooled.sigmoid(), file["model_out_cls"], 1e-4)
    assert close(turned[pairs], file["model_out_bu"], 1e-4)
    assert close(outputs.logits.sigmoid()[pairs], file["model_out_td"], 1e-4)
    network.load_state_dict(state)


def check_gradients(file, network, step, images):
    parameters = by_official_name(network)
    for name in file["model_watch"].tolist():
        expected = file[f"model_step{step}_grad_{name}"]
        if name == "feat_bn_gamma":
            assert not expected.any()
        else:
            assert close(images * thinned(parameters[name].grad), expected, 1e-4)


def check_state(file, network, step):
    parameters = by_official_name(network)
    for name in file["model_watch"].tolist():
        expected = file[f"model_step{step}_param_{name}"]
        if name == "feat_bn_gamma":
            assert close(np.ones_like(expected), expected, 1e-6)  # it decays, then acts as 1
        else:
            assert close(thinned(parameters[name].detach()), expected, 1e-6)
    state = network.state_dict()
    for name in file["model_aux_names"].tolist():
        assert close(state[NAMES[name]], file[f"model_step{step}_aux_{name}"], 1e-4)


@pytest.mark.golden
def test_a_released_checkpoint_fits(tmp_path):
    """Its tensors have the official names, with the separators that reading files gives them."""
    names = golden("icd2.npz")["model_param_names"].tolist()
    names += golden("icd2.npz")["model_aux_names"].tolist()
    network = slim().shape(20).build()
    own = network.state_dict()
    state = {
        mxnet_to_torch(n): torch.ones(7)
        if n == "feat_bn_gamma"
        else torch.full_like(own[NAMES[mxnet_to_torch(n)]], 0.5)
        for n in names
    }
    torch.save(state, tmp_path / "model.pth")
    load_released(network, tmp_path / "model.pth", NAMES, adapted)
    loaded = network.state_dict()
    assert all((value == 0.5).all() for name, value in loaded.items() if name != "iterations")


def loop_norm(features, bias):
    result = np.zeros_like(features)
    for c in range(features.shape[1]):
        values = features[:, c].ravel()
        mean = sum(values) / len(values)
        variance = sum((v - mean) ** 2 for v in values) / len(values)
        result[:, c] = (features[:, c] - mean) / np.sqrt(variance + 1e-5) + bias[c]
    return result


def test_each_ghost_batch_is_normalised_by_itself():
    rng = np.random.default_rng(0)
    features, bias = rng.normal(1, 2, (5, 3, 2, 4)), rng.normal(0, 1, 3)
    norm = GhostNorm(3, 2).double()
    norm.bias.data = torch.from_numpy(bias)
    actual = norm(torch.from_numpy(features)).detach().numpy()
    parts = [features[:2], features[2:4], features[4:]]
    expected = np.concatenate([loop_norm(part, bias) for part in parts])
    np.testing.assert_allclose(actual, expected, atol=1e-12)
    means = np.mean([part.mean((0, 2, 3)) for part in parts], 0)
    variances = np.mean([part.var((0, 2, 3)) for part in parts], 0)
    np.testing.assert_allclose(norm.running_mean, 0.1 * means, atol=1e-12)
    np.testing.assert_allclose(norm.running_var, 0.9 + 0.1 * variances, atol=1e-12)
    norm.eval()
    still = norm(torch.from_numpy(features)).detach().numpy()
    alone = norm(torch.from_numpy(features[:1])).detach().numpy()
    np.testing.assert_allclose(still[:1], alone, atol=1e-12)


def test_a_single_value_of_each_channel_is_normalised_to_the_bias():
    norm = GhostNorm(3, 16)
    assert (norm(torch.rand(1, 3, 1, 1)) == norm.bias[None, :, None, None]).all()


def test_half_precision_is_normalised_in_single_precision():
    norm = GhostNorm(1, 16)
    values = torch.tensor([0.0, 6e4]).half().reshape(2, 1, 1, 1)
    assert norm(values).flatten().tolist() == [-1, 1]
    assert norm.running_var.item() == pytest.approx(0.9 + 0.1 * 3e4**2, rel=1e-3)


def batch_of(images=2, side=33):
    rng = torch.Generator().manual_seed(0)
    return {
        "image": 20 * torch.randn(images, 3, side, side, generator=rng),
        "present": torch.tensor([[1.0, 0.0], [0.0, 1.0]]).repeat(images // 2, 1),
        "regions": torch.arange(side).expand(images, side, side) // 8,
    }


def test_directions_learn_by_their_own_rule_and_the_backbone_from_both_others():
    network = slim().shape(2).build().eval()

    def gradients(name):
        network.zero_grad(set_to_none=True)
        losses(network, batch_of(), 0)[name].backward()
        return {n for n, p in network.named_parameters() if p.grad is not None and p.grad.any()}

    assert gradients("loss_direction") == {"direction"}
    of_labels = gradients("loss_cls")
    assert {"backbone.features.0.weight", "head.bias"} <= of_labels
    assert not {n for n in of_labels if n.startswith(("top_down", "norm", "direction"))}
    network.evidence[:, 1] = 0
    top_down = gradients("loss_top_down")
    assert {"backbone.features.0.weight", "norm.bias", "top_down.head.weight"} <= top_down
    assert not {n for n in top_down if n.startswith(("head", "direction", "backbone.fc"))}


def test_state_changes_in_training_alone():
    network = slim().shape(2).build()
    before = {name: value.clone() for name, value in network.named_buffers()}
    losses(network.eval(), batch_of(), 3)
    assert all(torch.equal(before[name], value) for name, value in network.named_buffers())
    losses(network.train(), batch_of(), 3)
    assert all(not torch.equal(before[name], value) for name, value in network.named_buffers())


def test_the_top_down_loss_grows_with_the_iterations_of_training():
    network = slim(dropout=0).shape(2).build().eval()
    values = []
    for iteration in (0, 2, 4):
        network.iterations.fill_(iteration)
        values.append(losses(network, batch_of(), 4)["loss_top_down"].item())
    assert values[0] < values[1] < values[2]
    assert values[0] == pytest.approx(values[2] * np.exp(-10), rel=1e-4)
