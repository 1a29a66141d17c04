"""The generator ICD: released defaults, fits that resume, scores, and what goes wrong."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
import torchvision
from fake_data import FakeDataset, view
from torch.utils.data import default_collate

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.contract.hookspecs import Generator, Run
from wsss_harness.networks.checkpoints import read_state
from wsss_harness.networks.classmaps.augment import Cropping
from wsss_harness.networks.training.optimizers import ReleasedPolyLR
from wsss_harness.plugins.options import construct
from wsss_harness.stages.background_rules import Explicit, to_mask
from wsss_harness.testing.surroundings import WithBlocks
from wsss_icd import Icd, fitting, wsss_generators
from wsss_icd.items import item_maker
from wsss_icd.regions import Merger, regions_of
from wsss_icd.settings import vgg16

SLIM = {**vgg16(), "width": 0.0625}
QUICK = {
    "backbone": SLIM,
    "iterations": 3,
    "batch": 2,
    "crop": 24,
    "canvas": 33,
    "merge_to": 3,
    "lr_every": 1,
    "checkpoint_every": 1,
}


def icd(**options):
    return construct("generator 'icd'", Icd, QUICK | options)


def data_in(folder, dataset=None):
    return view(folder, Icd.needs, WithBlocks(dataset or FakeDataset()))


def fitted(folder, dataset=None, run=None, **options):
    folder.mkdir(exist_ok=True)
    icd(**options).fit(data_in(folder, dataset), Run(folder, **(run or {})))
    return (folder / "weights.pth").read_bytes()


def test_announcing_loads_no_torch():
    code = "import sys, wsss_icd; wsss_icd.wsss_generators(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_it_is_announced_as_a_generator_that_reads_regions():
    assert wsss_generators() == {"icd": Icd}
    assert isinstance(Icd(), Generator)
    assert Icd.needs == {"image_labels", "regions"}


def test_defaults_are_the_released_ones():
    icd = Icd()
    epoch = 10_582 // 32
    assert (icd.iterations, icd.lr_every, icd.batch, icd.ghost) == (20 * epoch, epoch, 32, 16)
    assert icd.top_down_warmup == 2 * 10_582 // 32
    assert (icd.lr, icd.momentum, icd.weight_decay, icd.head_lr, icd.power) == (
        *(1e-3, 0.9, 5e-4, 10, 0.9),
    )
    assert (icd.crop, icd.rescale, icd.flip) == (321, (0.5, 0.75, 1, 1.25, 1.5), 0.5)
    assert (icd.jitter, icd.dropout, icd.backbone["drop"]) == ((0, 0, 0, 0), 0.5, "elements")
    assert (icd.merge_to, icd.merge_input, icd.canvas) == (64, "released", 513)


def test_the_rate_changes_once_an_epoch():
    network = icd(iterations=40, lr_every=10).network(2)
    settings = icd(iterations=40, lr_every=10)
    optimizer = fitting.optimizer_of(network, settings)
    options = {**fitting.schedule_of(settings), "every": settings.lr_every}
    schedule = ReleasedPolyLR(optimizer, by_epoch=False, **options)
    rates = []
    for _ in range(40):
        rates.append(optimizer.param_groups[0]["lr"] / optimizer.param_groups[0]["initial_lr"])
        optimizer.step()
        schedule.step()
    assert rates == pytest.approx([(1 - step // 10 / 4) ** 0.9 for step in range(40)])


@pytest.mark.parametrize("merge_to", [3, 0])
def test_fitting_leaves_the_network_and_nothing_else(tmp_path, merge_to):
    fitted(tmp_path / "fit", merge_to=merge_to)
    files = {path.name for path in (tmp_path / "fit").iterdir()} - {"read"}
    assert files == {"weights.pth", "network.json", "losses.json"}


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    first, again, other = (
        fitted(tmp_path / name, run={"seed": seed}) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first == again != other


@pytest.mark.parametrize(("total", "done"), [(8, 5), (3, 2)], ids=["merging", "training"])
def test_a_killed_fit_goes_on_to_the_same_bytes(tmp_path, total, done, monkeypatch):
    whole = fitted(tmp_path / "whole")

    def killed(at, of):
        if (at, of) == (done, total):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted(tmp_path / "killed", run={"progress": killed})
    merged = len(list((tmp_path / "killed/regions").iterdir()))
    assert merged == (done if total == 8 else 8)
    seen = []
    of = Merger.__call__
    monkeypatch.setattr(Merger, "__call__", lambda self, s: seen.append(s.image_id) or of(self, s))
    assert fitted(tmp_path / "killed") == whole
    assert len(seen) == 8 - merged


def test_training_learns_the_labels_and_keeps_its_state(tmp_path):
    generator = icd(iterations=40, batch=8, lr=0.01, merge_to=0, top_down_warmup=0, dropout=0)
    data, networks = data_in(tmp_path), [generator.network(2), generator.network(2)]
    generator.fit(data, Run(tmp_path))
    networks[1].load_state_dict(read_state(tmp_path / "weights.pth"))
    assert networks[1].iterations == 40
    assert networks[1].evidence.any()
    assert not torch.equal(networks[1].direction, networks[0].direction)
    cropping = Cropping.of(generator, networks[0].backbone)
    make = item_maker(data, regions_of, (1.0,), cropping)
    batch = default_collate([make(i, np.random.default_rng(0)) for i in data])
    first, last = (fitting.losses(n.train(), batch, 0)["loss_cls"].item() for n in networks)
    assert last < 0.9 * first


# Scores


@pytest.fixture
def folder(tmp_path):
    fitted(tmp_path / "fit")
    return tmp_path / "fit"


def test_scores_are_sigmoids_of_logits_and_the_background_is_the_rest(folder):
    data, score = data_in(folder), icd().load(folder, "cpu")
    for image_id in data.ids[:3]:
        scores = score(data[image_id])
        scores.validate(image_id, "icd")
        assert scores.classes == FakeDataset().present(image_id)
        _, logits = score.raw_maps(data[image_id])
        np.testing.assert_allclose(scores.values, 1 / (1 + np.exp(-logits)), atol=1e-6)
        np.testing.assert_allclose(scores.background, 1 - scores.values.max(0), atol=1e-6)
        painted = to_mask(scores, Explicit(), None) > 0
        assert np.array_equal(painted, logits.max(0) > 0)


def test_seeds_are_sure_of_one_class_the_background_or_nothing(folder):
    data, score = data_in(folder), icd(seeds="released").load(folder, "cpu")
    network = score.network
    scores = score(data["image_000"])
    _, logits = score.raw_maps(data["image_000"])
    assert scores.size == (24, 32)
    assert np.array_equal(scores.background == 1, (logits < 0).all(0))
    mask = to_mask(scores, Explicit(undefined=0.1), None)
    assert np.array_equal(mask == 0, (logits < 0).all(0))
    network.top_down.head.weight.data.zero_()
    assert (to_mask(score(data["image_000"]), Explicit(undefined=0.1), None) == 255).all()


@pytest.mark.parametrize("seeds", ["none", "released"])
def test_an_image_without_classes_is_background(folder, seeds):
    class Unlabelled(FakeDataset):
        def present(self, image_id):
            return ()

    score = icd(seeds=seeds).load(folder, "cpu")
    scores = score(data_in(folder, Unlabelled())["image_000"])
    assert scores.classes == ()
    assert (scores.background == 1).all()


def test_an_image_larger_than_the_canvas_is_scored_as_a_whole(folder):
    class Large(FakeDataset):
        def image(self, image_id):
            return np.tile(super().image(image_id), (2, 2, 1))

    scores = icd().load(folder, "cpu")(data_in(folder, Large())["image_000"])
    assert scores.size == (48, 64)


def test_seeds_do_not_change_the_fit(tmp_path):
    assert Icd.at_inference == {"seeds"}
    assert fitted(tmp_path / "a") == fitted(tmp_path / "b", seeds="released")


# Initial weights


def test_weights_of_torchvision_leave_fc_to_chance_and_the_branch_copies_it(tmp_path):
    official = torchvision.models.vgg16(weights=None, init_weights=False).features.state_dict()
    wide = icd(backbone=vgg16())
    state = {f"features.{name}": value.float() for name, value in official.items()}
    torch.save(state, tmp_path / "vgg16.pth")
    networks = [wide.network(2) for _ in range(2)]
    for network in networks:
        fitting.start(network, Run(tmp_path, weights=tmp_path / "vgg16.pth"))
    first, second = networks
    assert torch.equal(first.backbone.features[0].weight, state["features.0.weight"])
    assert torch.equal(first.backbone.fc6.weight, second.backbone.fc6.weight)
    assert first.backbone.fc6.weight.std().item() == pytest.approx(0.01, rel=0.01)
    assert torch.equal(first.top_down.fc7.weight, first.backbone.fc7.weight)


def test_weights_with_fc_are_used_by_both_branches(tmp_path):
    donor = icd().network(2, seed=5).backbone
    torch.save(donor.state_dict(), tmp_path / "vgg16_20M.pth")
    network = icd().network(2)
    fitting.start(network, Run(tmp_path, weights=tmp_path / "vgg16_20M.pth"))
    for fc in (network.backbone.fc6, network.top_down.fc6):
        assert torch.equal(fc.weight, donor.fc6.weight)


def test_a_released_checkpoint_is_not_trained(tmp_path):
    torch.save(icd().network(2, seed=3).state_dict(), tmp_path / "icd.pth")
    fitted(tmp_path / "fit", checkpoint=str(tmp_path / "icd.pth"))
    state = read_state(tmp_path / "fit/weights.pth")
    assert torch.equal(state["direction"], icd().network(2, seed=3).direction)


# Other backbones and optimizers

WITHOUT_FC = {"name": "resnet38", "width": 0.0625}


def test_a_backbone_without_fc_gives_the_branch_layers_of_its_own():
    network = icd(backbone=WITHOUT_FC).network(2)
    width = network.backbone.out_channels
    layers = (network.top_down.fc6, network.top_down.fc7)
    assert [layer.weight.shape for layer in layers] == [(width, width, 3, 3), (width, width, 1, 1)]
    assert {"top_down"} <= set(network.heads)
    assert network.direction.shape == (2, width)


@pytest.mark.parametrize("optimizer", ["sgd", "sgd_all", "adamw"])
def test_other_backbones_learn_with_every_optimizer(tmp_path, optimizer):
    options = {name: value for name, value in QUICK.items() if name != "lr_every"}
    weights = tmp_path / "backbone.pth"
    torch.save(icd(backbone=WITHOUT_FC).network(2, 7).backbone.state_dict(), weights)
    generator = construct(
        "generator 'icd'", Icd, {**options, "backbone": WITHOUT_FC, "optimizer": optimizer}
    )
    generator.fit(data_in(tmp_path), Run(tmp_path, weights=weights))
    before, after = torch.load(weights), torch.load(tmp_path / "weights.pth")
    assert all(value.isfinite().all() for value in after.values())
    changed = {name for name, v in before.items() if not torch.equal(v, after[f"backbone.{name}"])}
    assert any(name.endswith("weight") for name in changed)
    score = generator.load(tmp_path, "cpu")
    score(data_in(tmp_path)["image_000"]).validate("image_000", "icd")


def test_rates_of_other_optimizers_change_at_every_iteration():
    options = {name: value for name, value in QUICK.items() if name != "lr_every"}
    usual = construct("generator 'icd'", Icd, {**options, "optimizer": "adamw", "warmup": 2})
    assert fitting.icd_schedule(usual)["every"] == 1
    assert fitting.icd_schedule(usual)["warmup"] == 2
    assert fitting.icd_schedule(icd(lr_every=7))["every"] == 7


# Regions


def test_regions_are_merged_by_features_of_the_initial_weights(tmp_path):
    data, backbone = data_in(tmp_path), icd().network(2).backbone.eval()
    sample = data["image_000"]
    assert regions_of(sample).max() + 1 == 12
    for keep, expected in ((3, 3), (12, 12), (64, 12), (1, 1)):
        regions = Merger(backbone, keep, 33, subtract=False)(sample)
        assert np.unique(regions).tolist() == list(range(expected))
    raw, normalised = (Merger(backbone, 3, 33, s).dense(sample.image) for s in (False, True))
    assert raw.shape == (32, 5, 5)
    assert not torch.equal(raw, normalised)


class Regions(WithBlocks):
    def __init__(self, make):
        super().__init__(FakeDataset())
        object.__setattr__(self, "make", make)

    def regions(self, image_id):
        return self.make(super().regions(image_id))


def test_regions_may_have_gaps_in_their_numbers_or_be_a_single_one(tmp_path):
    plain, gaps, single = (
        view(tmp_path, Icd.needs, Regions(make))["image_000"]
        for make in (lambda r: r, lambda r: 5 * r + 3, np.zeros_like)
    )
    assert np.array_equal(regions_of(plain), regions_of(gaps))
    assert not regions_of(single).any()
    (tmp_path / "fit").mkdir()
    data = view(tmp_path, Icd.needs, Regions(np.zeros_like))
    icd().fit(data, Run(tmp_path / "fit"))
    assert (tmp_path / "fit/weights.pth").is_file()


@pytest.mark.parametrize("merge_to", [3, 0])
def test_regions_of_another_size_name_the_image(tmp_path, merge_to):
    data = view(tmp_path, Icd.needs, Regions(lambda regions: regions[:-1]))
    with pytest.raises(DataError, match=r"regions of image image_00\d is \(23, 32\)"):
        icd(merge_to=merge_to).fit(data, Run(tmp_path))


def test_an_image_without_classes_is_refused_or_a_negative(tmp_path):
    class Unlabelled(FakeDataset):
        def present(self, image_id):
            return () if image_id == "image_002" else super().present(image_id)

    with pytest.raises(DataError, match="image_002 has no classes"):
        fitted(tmp_path / "a", Unlabelled())
    fitted(tmp_path / "b", Unlabelled(), unlabelled="negative", batch=8)


# Options


@pytest.mark.parametrize(
    "wrong",
    [
        {"lr_every": 5, "optimizer": "adamw"},
        {"rescale": ()},
        {"rescale": (0.0, 1.0)},
        {"lr_every": 0},
        {"ghost": 0},
        {"ghost": 2, "batch": 3},
        {"canvas": 0},
        {"top_down_warmup": -1},
        {"merge_to": -1},
        {"dropout": 1.0},
    ],
)
def test_an_option_out_of_range_is_named(wrong):
    with pytest.raises(ConfigError, match=f"option '{next(iter(wrong))}'"):
        icd(**wrong)


def test_ghost_batches_reach_the_network():
    assert icd(ghost=2, batch=4).network(2).norm.ghost == 2
    assert replace(icd(), ghost=8).network(2).norm.ghost == 8
