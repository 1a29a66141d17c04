"""What methods that train a network share, in a method of an outside author."""

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from fake_data import view
from torch import nn

from wsss_harness import (
    ClassScores,
    Cropping,
    DataError,
    Draws,
    Headed,
    LabelSettings,
    NetworkMethod,
    NetworkShape,
    Run,
    fit_network,
    labelled_ids,
    normalise,
    one_hot,
)

NEEDS = frozenset({"image_labels"})
SLIM = {"name": "resnet38", "width": 0.0625}


class Pooled(Headed):
    """A backbone whose pooled features are classified."""

    heads = ("head",)

    def __init__(self, backbone, classes):
        super().__init__()
        self.backbone, self.head = backbone, nn.Linear(backbone.out_channels, classes)

    def forward(self, images):
        return self.head(self.backbone(images)["out"].mean((2, 3)))


@dataclass(frozen=True)
class PooledShape(NetworkShape):
    classes: int

    def assemble(self, backbone):
        return Pooled(backbone, self.classes)


def loss(network, batch):
    logits = network(batch["image"])
    return {"loss": nn.functional.multilabel_soft_margin_loss(logits, batch["present"])}


@dataclass(frozen=True, kw_only=True)
class Whole(LabelSettings, NetworkMethod):
    """Scores of an image that are the same at all of its pixels."""

    needs: ClassVar[frozenset[str]] = NEEDS
    released: ClassVar[dict[str, str]] = {"fc.weight": "head.weight", "fc.bias": "head.bias"}

    def adapt(self, state):
        return {**state, "head.bias": state["head.bias"] * 2}

    def shape(self, classes):
        return PooledShape(self.backbone, classes)

    def fit(self, data, run):
        self.train_network(data, run, lambda network: self.learn(network, data, run))

    def learn(self, network, data, run):
        cropping = Cropping.of(self, network.backbone)

        def make(image_id, rng):
            sample = data[image_id]
            image = normalise(sample.image[: self.crop, : self.crop], cropping.mean, cropping.std)
            return {"image": image, "present": one_hot(sample.present, len(data.classes))}

        draws = Draws(labelled_ids(data, self.unlabelled), make, run.seed)
        fit_network(network, loss, draws, run, self)

    def load(self, folder, device):
        network = self.trained(folder, device)

        def score(sample):
            image = torch.from_numpy(normalise(sample.image, (0.5,) * 3, (0.5,) * 3))[None]
            logits = network(image.to(network.device))[0, [k - 1 for k in sample.present]]
            values = logits.sigmoid()[:, None, None].expand(-1, *sample.image.shape[:2])
            return ClassScores(sample.present, values.detach().cpu().numpy())

        return score


def whole(**options):
    defaults = {"backbone": SLIM, "iterations": 2, "batch": 2, "crop": 24, "lr": 1e-4}
    return Whole(**{**defaults, **options})


@pytest.fixture
def fitted(tmp_path):
    def fit(name, method, **run):
        (tmp_path / name).mkdir()
        method.fit(view(tmp_path, NEEDS), Run(tmp_path / name, **run))
        return tmp_path / name

    return fit


def test_a_fit_leaves_what_loading_needs(fitted, tmp_path):
    folder = fitted("fit", whole())
    assert {"weights.pth", "network.json"} <= {path.name for path in folder.iterdir()}
    data = view(tmp_path, NEEDS)
    scores = whole().load(folder, "cpu")(data["image_000"])
    scores.validate("image_000", "whole")
    assert not whole().trained(folder, "cpu").training


def test_the_seed_decides_the_weights(fitted):
    first, again, other = (
        (fitted(name, whole(), seed=seed) / "weights.pth").read_bytes()
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first == again != other


def test_training_starts_from_the_weights_of_the_suite(fitted, tmp_path):
    backbone = whole().network(2, seed=7).backbone
    torch.save(backbone.state_dict(), tmp_path / "backbone.pth")
    folder = fitted("fit", whole(lr=1e-12), weights=tmp_path / "backbone.pth")
    state = whole().trained(folder, "cpu").backbone.state_dict()
    for name, value in backbone.state_dict().items():
        torch.testing.assert_close(state[name], value)


def test_a_released_checkpoint_replaces_training(fitted, tmp_path):
    network = whole().network(2, seed=7)
    state = network.backbone.state_dict()
    state |= {f"fc.{name}": value for name, value in network.head.state_dict().items()}
    torch.save(state, tmp_path / "released.pth")
    folder = fitted("fit", whole(checkpoint=str(tmp_path / "released.pth")))
    head = whole().trained(folder, "cpu").head
    assert torch.equal(head.weight, network.head.weight)
    assert torch.equal(head.bias, 2 * network.head.bias)


def test_a_checkpoint_of_another_network_is_refused(fitted, tmp_path):
    torch.save({"backbone.x": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(DataError, match=r"other\.pth does not fit"):
        fitted("fit", whole(checkpoint=str(tmp_path / "other.pth")))


def test_a_network_has_the_weights_of_its_seed():
    states = [whole().network(2, seed).state_dict() for seed in (1, 1, 2)]
    same = [np.array_equal(states[0]["head.weight"], s["head.weight"]) for s in states[1:]]
    assert same == [True, False]
    assert dataclasses.asdict(whole().shape(2)) == {"backbone": SLIM, "classes": 2}
