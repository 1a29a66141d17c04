"""The generator MCIS: defaults, training, scoring with references, and what goes wrong."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from fake_data import FakeDataset, view

from wsss_harness.cli.weights_match import networks, skeleton
from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.contract.hookspecs import Generator, Run
from wsss_harness.contract.types import Sample
from wsss_harness.networks.backbones.weights import load_released, misfit
from wsss_harness.plugins.options import construct
from wsss_mcis import Mcis, wsss_generators
from wsss_mcis.released import NAMES, adapted

QUICK = {**Mcis.quick, "iterations": 3, "jitter": (0.3, 0.3, 0.3, 0.1)}


def mcis(**options):
    return construct("generator 'mcis'", Mcis, QUICK | options)


def fitted(folder, generator, dataset=None, **run):
    folder.mkdir(exist_ok=True)
    generator.fit(view(folder, Mcis.needs, dataset), Run(folder, **run))
    return (folder / "weights.pth").read_bytes()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mcis")
    fitted(folder, mcis())
    return folder, view(folder, Mcis.needs)


def test_announcing_loads_no_torch():
    code = "import sys, wsss_mcis; wsss_mcis.wsss_generators(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_it_is_announced_as_a_generator_that_looks_at_train():
    assert wsss_generators() == {"mcis": Mcis}
    assert isinstance(Mcis(), Generator)
    assert Mcis.needs == {"image_labels"}
    assert Mcis.needs_train


def test_defaults_are_the_released_ones():
    generator, epoch = Mcis(), -(-10_582 // 5)
    assert (generator.iterations, generator.batch) == (11 * epoch, 5)
    assert generator.lr_drops == (5 * epoch, 10 * epoch)
    assert generator.rest_from == 2 * epoch
    assert (generator.crop, generator.copies()) == (256, (192, 512))
    assert (generator.lr, generator.head_lr, generator.weight_decay) == (1e-3, 10, 5e-4)
    assert (generator.momentum, generator.jitter) == (0.9, (0.3, 0.3, 0.3, 0.1))
    assert (generator.partners, generator.references, generator.at_least) == (1.0, 3, 0.1)


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    one, again, other = (
        fitted(tmp_path / name, mcis(), seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert one == again != other


def test_an_interrupted_fit_goes_on_to_the_same_bytes(tmp_path):
    """The kill comes before the losses of what is not shared and the drop of the rate."""
    options = {"iterations": 4, "rest_from": 2, "lr_drops": (3,), "lr": 1e-3}
    whole = fitted(tmp_path / "whole", mcis(**options))

    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted(tmp_path / "cut", mcis(**options), progress=stop)
    assert fitted(tmp_path / "cut", mcis(**options)) == whole


def test_the_rate_drops_and_partners_count(tmp_path):
    base = fitted(tmp_path / "base", mcis(lr_drops=()))
    assert base != fitted(tmp_path / "drop", mcis(lr_drops=(1,)))
    assert base != fitted(tmp_path / "rest", mcis(lr_drops=(), rest_from=0))
    assert base != fitted(tmp_path / "any", mcis(lr_drops=(), partners=0.0))


def test_every_image_gets_scores_of_its_classes(trained):
    folder, data = trained
    score = mcis().load(folder, "cpu", data)
    for image_id in data:
        scores = score(data[image_id])
        scores.validate(image_id, "mcis")
        assert scores.classes == FakeDataset().present(image_id)
        assert scores.size == data[image_id].image.shape[:2]
        for values in scores.values:
            assert values.max() in (0, 1)
            assert values.min() == 0


def test_scores_depend_on_seed_and_image_not_on_order(trained):
    folder, data = trained
    first, second = (mcis().load(folder, "cpu", data) for _ in range(2))
    one = [first(data[image_id]).values for image_id in data]
    two = [second(data[image_id]).values for image_id in reversed(data.ids)][::-1]
    assert all(map(np.array_equal, one, two))


def test_references_are_as_many_as_asked_for_and_hold_the_class(trained, monkeypatch):
    folder, data = trained
    score, seen = mcis(references=4).load(folder, "cpu", data), []
    kept = type(score).seen
    monkeypatch.setattr(
        type(score), "seen", lambda self, name, own: seen.append(name) or kept(self, name, own)
    )
    score(data[data.ids[0]])
    assert len(seen) == 8
    for number, group in ((1, seen[:4]), (2, seen[4:])):
        assert all(number in FakeDataset().present(name) for name in group)


def test_each_class_takes_its_map_from_its_own_references(trained):
    folder, data = trained
    score = mcis(references=2).load(folder, "cpu", data)
    sample = data[data.ids[0]]
    with torch.inference_mode():
        image = score.features(score.squash.whole(sample.image))
        groups = score.partners.references(sample.image_id, (1, 2), 2, score.seed)
        expected = [
            sum(score.network.common(image, score.seen(n, sample)).first[0, c] for n in group) / 2
            for c, group in enumerate(groups)
        ]
    torch.testing.assert_close(score.maps(sample)[4], torch.stack(expected))


def sample_of(image, present=(1,), image_id="elsewhere"):
    parts = {"image": image, "image_labels": present}
    return Sample(image_id, parts.__getitem__)


@pytest.mark.parametrize("size", [(24, 1), (1, 1), (41, 70)])
def test_an_image_of_any_size_keeps_it(trained, size):
    folder, data = trained
    scores = mcis().load(folder, "cpu", data)(sample_of(np.zeros((*size, 3), np.uint8)))
    assert scores.size == size
    scores.validate("odd", "the test")


def test_an_image_without_classes_has_no_scores(trained):
    folder, data = trained
    scores = mcis().load(folder, "cpu", data)(sample_of(np.zeros((5, 6, 3), np.uint8), ()))
    assert (scores.classes, scores.values.shape) == ((), (0, 5, 6))


class Alone(FakeDataset):
    """Class 2 is in the first image only, and the third image shows nothing."""

    def present(self, image_id):
        return {0: (1, 2), 2: ()}.get(self.names.index(image_id), (1,))


def test_a_class_with_a_single_image_is_learnt_and_scored(tmp_path):
    fitted(tmp_path, mcis(unlabelled="skip"), Alone())
    data = view(tmp_path, Mcis.needs, Alone())
    scores = mcis().load(tmp_path, "cpu", data)(data[data.ids[0]])
    assert scores.classes == (1, 2)


def test_images_without_classes_are_refused_skipped_or_negative(tmp_path):
    with pytest.raises(DataError, match=r"image_002.*unlabelled = 'negative'"):
        fitted(tmp_path / "a", mcis(), Alone())
    skipped = fitted(tmp_path / "b", mcis(unlabelled="skip"), Alone())
    assert fitted(tmp_path / "c", mcis(unlabelled="negative"), Alone()) != skipped


def test_a_checkpoint_with_official_names_is_used(tmp_path):
    network = mcis().network(2, seed=7)
    ours = network.state_dict()
    official = {name: ours[own] for name, own in NAMES.items()}
    torch.save({f"module.{n}": v for n, v in official.items()}, tmp_path / "released.pth")
    fitted(tmp_path / "run", mcis(checkpoint=str(tmp_path / "released.pth")))
    loaded = torch.load(tmp_path / "run/weights.pth", weights_only=True)
    assert all(torch.equal(value, loaded[name]) for name, value in ours.items())
    del official["extra_gate.weight"]
    torch.save(official, tmp_path / "short.pth")
    with pytest.raises(DataError, match=r"common_head\.weight"):
        load_released(network, tmp_path / "short.pth", NAMES, adapted)


def test_inspection_knows_checkpoints_of_the_official_code():
    offers = {"generator": {"mcis": SimpleNamespace(announced=Mcis)}, "refiner": {}}
    known = next(networks(SimpleNamespace(offers=offers), 20))
    own = skeleton(known)
    official = {name: own[ours] for name, ours in NAMES.items()}
    assert misfit(known.fit(official), own).size == 0


def test_initial_weights_fill_the_backbone(tmp_path):
    backbone = mcis().network(2, seed=9).backbone
    torch.save(backbone.state_dict(), tmp_path / "vgg.pth")
    fitted(tmp_path / "run", mcis(iterations=1, lr=1e-12), weights=tmp_path / "vgg.pth")
    loaded = torch.load(tmp_path / "run/weights.pth", weights_only=True)
    for name, value in backbone.state_dict().items():
        torch.testing.assert_close(loaded[f"backbone.{name}"], value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sides", (0.0, 2.0)),
        ("partners", 1.5),
        ("at_least", -0.1),
        ("rest_from", -1),
        ("references", 0),
        ("lr_drops", (5, 3)),
        ("lr_drops", (0,)),
        ("flip", 0.5),
        ("power", 1.0),
        ("padding", "black"),
        ("warmup", 5),
        ("schedule", 10),
    ],
)
def test_an_option_out_of_range_is_named(name, value):
    with pytest.raises(ConfigError, match=f"option '{name}'"):
        mcis(**{name: value})


def test_drops_of_the_rate_are_refused_where_no_optimizer_has_them():
    with pytest.raises(ConfigError, match=r"'lr_drops'.*only the optimizer 'sgd'"):
        mcis(lr_drops=(5,), optimizer="adamw")


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_other_backbones_and_optimizers_learn(tmp_path, optimizer):
    usual = {} if optimizer == "sgd" else {"warmup": 2, "schedule": 5}
    slim = {"backbone": {"name": "resnet38", "width": 0.0625}, "lr": 1e-6}  # random weights
    options = {**slim, "optimizer": optimizer, **usual}
    fitted(tmp_path / "long", mcis(**options))
    data = view(tmp_path, Mcis.needs)
    score = mcis(**options).load(tmp_path / "long", "cpu", data)
    score(data[data.ids[0]]).validate(data.ids[0], "mcis")


def test_other_optimizers_follow_the_usual_schedule(tmp_path):
    plain = fitted(tmp_path / "plain", mcis(optimizer="adamw"))
    assert plain != fitted(tmp_path / "warm", mcis(optimizer="adamw", warmup=3))
