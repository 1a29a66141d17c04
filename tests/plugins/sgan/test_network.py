"""The network of SGAN, its rates and its losses, against the official ones."""

import numpy as np
import pytest
import torch
from golden_files import close, fill, golden
from sgan_golden import official_features, official_network, official_salient
from torch import nn

from wsss_harness.networks.training.optimizers import poly_lr
from wsss_sgan.fitting import optimizer_of
from wsss_sgan.loss import SganLoss, losses, seed_loss
from wsss_sgan.network import SganShape
from wsss_sgan.released import own_name
from wsss_sgan.settings import SganSettings, vgg16

SLIM = {**vgg16(), "width": 0.0625}


@pytest.mark.golden
def test_golden_names_shapes_and_start():
    network = SganSettings().network(20)
    for path, prefix in (("sgan.npz", ""), ("sgan2.npz", "net_")):
        file = golden(path)
        names, shapes = file[f"{prefix}names"].tolist(), file[f"{prefix}shapes"].tolist()
        own = dict(network.named_parameters())
        assert {own_name(n): [s for s in v if s] for n, v in zip(names, shapes, strict=True)} == {
            n: list(p.shape) for n, p in own.items()
        }
    assert np.array_equal(network.gamma.detach(), golden("sgan2.npz")["gamma_initial"])


@pytest.mark.golden
def test_golden_backbone_layers():
    """Convolutions and poolings as printed officially, in their order but for conv5_2."""
    described = [
        line.split(": ", 1) for line in golden("sgan2.npz")["net_backbone_modules"].tolist()
    ]
    official = [layer for _, layer in sorted(described, key=lambda line: order(line[0]))]
    features = SganSettings().network(20).backbone.features
    ours = [str(layer) for layer in features if isinstance(layer, nn.Conv2d | nn.MaxPool2d)]
    assert ours == official


def order(name):
    kind, number = name[:4], name[4:].split("_")
    return int(number[0]), kind == "pool", number


@pytest.mark.golden
@torch.no_grad()
def test_golden_attention_and_heads_on_given_features():
    file, network = golden("sgan.npz"), official_network()
    network.gamma.fill_(float(file["gamma"]))
    fused = network.fused(official_features(), official_salient())
    outputs = network.outputs(fused)
    assert file["cls_label"].shape == outputs.pooled.shape
    assert close(fused[:, ::8], file["fuse_every8"], 1e-4)
    assert close(outputs.maps, file["cam"], 1e-4)
    assert close(outputs.seeds, file["seg"], 1e-4)
    assert close(outputs.pooled, file["score"], 1e-4)


@pytest.mark.golden
@torch.no_grad()
def test_golden_outputs_for_images():
    file, network = golden("sgan2.npz"), official_network()
    height, width = file["net_image_size"].tolist()
    salient = torch.from_numpy(file["net_salient"]).float()
    images = fill("sgan2.image", -2, 2, (len(salient), 3, height, width))
    check = file["net_image_check"]
    assert close(images.flatten()[: len(check)], check, 1e-6)
    features = network.backbone(images)["out"]
    assert close(features[:, ::16], file["net_feat_every16"], 1e-4)
    assert close(features.mean((0, 2, 3)), file["net_feat_chmean"], 1e-4)
    for case, gamma in (("gamma0", 0.0), ("gamma", float(file["net_gamma"]))):
        network.gamma.fill_(gamma)
        outputs = network(images, salient)
        assert close(outputs.pooled, file[f"net_{case}_score"], 1e-4)
        assert close(outputs.seeds, file[f"net_{case}_seg"], 1e-4)
        assert close(outputs.maps, file[f"net_{case}_cam"], 1e-4)


@pytest.mark.golden
def test_golden_groups_and_rates():
    file = golden("sgan2.npz")
    lr, power, iterations = file["train_lr0_power_maxiter"].tolist()
    decays, momenta = file["train_group_weight_decay"], file["train_group_momentum"]
    decay, momentum = float(decays.max()), float(momenta[0])
    settings = SganSettings(lr=lr, power=power, weight_decay=decay, momentum=momentum)
    network = settings.network(20)
    own = dict(network.named_parameters())
    groups = optimizer_of(network, settings).param_groups
    members = [{id(parameter) for parameter in group["params"]} for group in groups]
    for name, number in zip(file["group_names"].tolist(), file["group"].tolist(), strict=True):
        assert id(own[own_name(name)]) in members[number]
    assert sum(map(len, members)) == len(own)
    assert [group["weight_decay"] for group in groups] == decays.tolist()
    assert [group["momentum"] for group in groups] == momenta.tolist()
    assert [group["nesterov"] for group in groups] == file["train_group_nesterov"].tolist()
    assert file["train_iterations"] == iterations
    for step, rates in enumerate(file["train_lr"].tolist()):
        ours = [poly_lr(group["lr"], step, int(iterations), power) for group in groups]
        assert ours == pytest.approx(rates, rel=1e-12)


@pytest.mark.golden
def test_golden_losses_and_gradients():
    """In the last case no pixel has a seed: the official loss is NaN, ours 0."""
    file = golden("sgan2.npz")
    assert len(file["train_label"][0]) == file["train_batch"]
    assert file["train_drop_last"]  # here draws have no end, so no batch is incomplete
    for case in range(len(file["train_label"])):
        pooled, seeds = (
            torch.from_numpy(file[name][case]).requires_grad_()
            for name in ("train_logits", "train_seed_logits")
        )
        targets = np.where(file["train_seed"][case] == 20, 255, file["train_seed"][case])
        present = torch.from_numpy(file["train_label"][case])
        batch = {"present": present, "seeds": torch.from_numpy(targets)}
        parts = losses(pooled, seeds, batch, 0.15)
        sum(parts.values()).backward()
        values = {name: float(loss.detach()) for name, loss in parts.items()}
        expected = np.nan_to_num(file["train_seed_loss_nan"][case])
        whole = file["train_total_nan"][case]
        whole = file["train_cls_loss"][case] if np.isnan(whole) else whole
        assert values["loss_cls"] == pytest.approx(file["train_cls_loss"][case], rel=1e-5)
        assert values["loss_seed"] == pytest.approx(0.15 * expected, rel=1e-5)
        assert sum(values.values()) == pytest.approx(whole, rel=1e-5)
        assert close(pooled.grad, file["train_grad_logits"][case], 1e-4)
        assert close(seeds.grad, file["train_grad_seed_logits"][case], 1e-4)


def test_gamma_of_zero_leaves_a_plain_classifier():
    network = SganShape(SLIM, 2, 0.5).build().eval()
    images, salient = torch.randn(1, 3, 24, 32), torch.ones(1, 3, 4)
    features = network.backbone(images)["out"]
    plain, attending = network.outputs(features), network(images, salient)
    assert torch.equal(plain.maps, attending.maps)
    assert torch.equal(plain.maps.mean((2, 3)), attending.pooled)


def test_gamma_learns_from_the_first_step_on():
    network = SganShape(SLIM, 2, 0.5).build()
    network(torch.randn(1, 3, 24, 32), torch.ones(1, 3, 4)).pooled.sum().backward()
    assert network.gamma.grad.abs() > 0
    assert (network.query.weight.grad == 0).all()


def test_the_seed_loss_is_a_mean_over_seeds_of_the_batch():
    logits = torch.tensor([[[[0.0, 1.0]], [[0.0, 0.0]]], [[[2.0, 0.0]], [[0.0, 0.0]]]])
    targets = torch.tensor([[[0, 1]], [[1, 255]]])
    expected = np.mean([np.log(2), np.log(np.e + 1), np.log(np.e**2 + 1)])
    assert float(seed_loss(logits, targets)) == pytest.approx(expected)


def test_a_batch_without_seeds_is_told_once(caplog):
    network, loss = SganShape(SLIM, 2, 0.5).build(), SganLoss(0.15)
    batch = {
        "image": torch.randn(1, 3, 24, 32),
        "salient": torch.ones(1, 3, 4),
        "present": torch.ones(1, 2),
        "seeds": torch.full((1, 3, 4), 255),
    }
    for _ in range(2):
        parts = loss(network, batch)
        sum(parts.values()).backward()
        assert parts["loss_seed"].item() == 0
    assert (network.seed_head.weight.grad == 0).all()
    assert caplog.text.count("has no seed") == 1


@pytest.mark.parametrize("optimizer", ["adamw", "sgd_all"])
def test_other_optimizers_have_a_rate_for_what_is_not_pretrained(optimizer):
    settings = SganSettings(backbone=SLIM, optimizer=optimizer, lr=0.1, head_lr=3.0)
    network = settings.network(2)
    rest, added = optimizer_of(network, settings).param_groups
    assert (rest["lr"], added["lr"]) == pytest.approx((0.1, 0.3))
    assert {id(p) for p in rest["params"]} == {id(p) for p in network.backbone.parameters()}
    assert any(parameter is network.gamma for parameter in added["params"])


def test_attention_and_hidden_channels_are_options_on_any_backbone():
    backbone = {"name": "resnet38", "width": 0.0625}
    network = SganSettings(backbone=backbone, keys=8, hidden=16).network(2)
    assert network.query.out_channels == network.key.out_channels == 8
    assert (network.hidden.out_channels, network.head.in_channels) == (16, 16)
    outputs = network(torch.zeros(1, 3, 32, 32), torch.ones(1, 4, 4))
    assert outputs.maps.shape == outputs.seeds.shape == (1, 2, 4, 4)
