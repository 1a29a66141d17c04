"""The EPS generator: its released defaults, its strategies by name, and a run to scores."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from fake_data import FakeDataset, view

from wsss_eps import Eps, wsss_generators
from wsss_harness.contract.errors import ConfigError, SupervisionError
from wsss_harness.contract.hookspecs import Generator, Run
from wsss_harness.networks.classmaps.network import ClassMapsShape
from wsss_harness.stages.background_rules import build_rule, to_mask

QUICK = {"iterations": 3, "batch": 2, "crop": 24, "resize": (24, 32), "scales": (1.0, 1.5)}
SLIM = {"name": "resnet38", "width": 0.0625}
NAMES = FakeDataset.classes


def test_announcing_loads_no_torch():
    code = "import sys, wsss_eps; wsss_eps.wsss_generators(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_it_is_announced_as_a_generator_that_needs_saliency():
    assert wsss_generators() == {"eps": Eps}
    assert isinstance(Eps(), Generator)
    assert Eps.needs == {"image_labels", "saliency"}


def test_defaults_are_those_of_the_released_script():
    eps = Eps()
    assert (eps.tau, eps.lam, eps.selection, eps.background) == (0.4, 0.5, "adaptive", "ignored")
    assert (eps.iterations, eps.batch, eps.crop, eps.resize) == (20_000, 8, 448, (256, 512))
    assert (eps.pooling, eps.dropout) == ("head_then_pool", 0.0)
    assert eps.channels(20) == 21
    assert eps.inference().activation == "softmax"


def test_strategies_by_name():
    maps = torch.zeros(1, 2, 4, 4)
    maps[0, 0], maps[0, 1] = 0.9, 0.2  # only the first class has pixels
    saliency = torch.ones(1, 1, 4, 4)

    def chosen(**options):
        return Eps(**options).strategy(NAMES)(maps, saliency).tolist()

    assert chosen() == [[True, False]]
    assert chosen(tau=1.0) == [[False, False]]
    assert chosen(selection="naive") == [[True, True]]
    assert chosen(selection="class_list", background_classes=("square",)) == [[False, True]]


def test_a_background_class_that_does_not_exist_is_named():
    eps = Eps(selection="class_list", background_classes=("sofa",))
    with pytest.raises(ConfigError, match="names 'sofa'; the classes are square, disc"):
        eps.loss(NAMES)


def test_both_losses_have_weight_one_and_train_the_background():
    network = ClassMapsShape(SLIM, 3, "head_then_pool", 0.0).build().eval()
    batch = {
        "image": torch.rand(2, 3, 16, 24),
        "present": torch.tensor([[1.0, 0.0], [1.0, 1.0]]),
        "saliency": torch.rand(2, 1, 16, 24),
    }
    losses = Eps().loss(NAMES)(network, batch)
    assert set(losses) == {"loss_cls", "loss_sal"}
    cls, sal = (
        torch.autograd.grad(losses[name], network.head.weight, retain_graph=True)[0]
        for name in ("loss_cls", "loss_sal")
    )
    assert cls[-1].abs().sum() == 0  # the background channel is not classified
    assert sal[-1].abs().sum() > 0


def test_negatives_have_no_part_in_the_saliency_loss():
    network = ClassMapsShape(SLIM, 3, "head_then_pool", 0.0).build().eval()
    both = {
        "image": torch.rand(2, 3, 16, 24),
        "present": torch.tensor([[1.0, 0.0], [0.0, 0.0]]),
        "saliency": torch.rand(2, 1, 16, 24),
    }
    first, second = ({name: part[i : i + 1] for name, part in both.items()} for i in range(2))
    loss = Eps(unlabelled="negative").loss(NAMES)
    assert torch.isclose(loss(network, both)["loss_sal"], loss(network, first)["loss_sal"])
    alone = loss(network, second)
    assert alone["loss_sal"].item() == 0
    sum(alone.values()).backward()  # the classification still trains
    assert network.head.weight.grad[:2].abs().sum() > 0


class Unlabelled(FakeDataset):
    def present(self, image_id):
        return ()


def test_negatives_are_all_background(tmp_path):
    eps = Eps(backbone=SLIM, unlabelled="negative", background="explicit", **QUICK)
    data = view(tmp_path, Eps.needs, Unlabelled())
    eps.fit(data, Run(tmp_path))
    sample = data[data.ids[0]]
    scores = eps.load(tmp_path, "cpu")(sample)
    scores.validate(sample.image_id, "eps")
    assert (scores.classes, scores.values.shape) == ((), (0, 24, 32))
    assert to_mask(scores, build_rule("explicit", {}), sample).max() == 0


def trained(folder, **options):
    eps = Eps(backbone=SLIM, **(QUICK | options))
    data = view(folder, Eps.needs)
    eps.fit(data, Run(folder))
    return eps.load(folder, "cpu"), data


def test_eps_trains_and_scores_every_image(tmp_path):
    score, data = trained(tmp_path)
    for image_id in data:
        scores = score(data[image_id])
        assert scores.classes == FakeDataset().present(image_id)
        assert scores.background is None
        scores.validate(image_id, "eps")
    assert {file.name for file in (tmp_path / "read").iterdir()} == {"image_labels", "saliency"}


def test_an_explicit_background_adds_a_map_and_changes_no_score(tmp_path):
    score, data = trained(tmp_path)
    explicit = Eps(backbone=SLIM, **QUICK, background="explicit").load(tmp_path, "cpu")
    for image_id in data:
        with_map = explicit(data[image_id])
        with_map.validate(image_id, "eps")
        assert with_map.background.shape == with_map.size
        assert np.array_equal(with_map.values, score(data[image_id]).values)


def test_saliency_that_was_not_granted_is_refused(tmp_path):
    eps = Eps(backbone=SLIM, **QUICK)
    with pytest.raises(SupervisionError, match=r"read 'saliency'.*add .* to its `needs`"):
        eps.fit(view(tmp_path, ["image_labels"]), Run(tmp_path))
