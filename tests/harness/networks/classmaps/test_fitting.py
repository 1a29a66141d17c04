"""Training of class maps: items, optimizers, files, resuming, pretraining, and what goes wrong."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from fake_data import FakeDataset, view
from torch import nn

from wsss_harness.contract.errors import ConfigError, DataError, StageError, SupervisionError
from wsss_harness.contract.hookspecs import Run
from wsss_harness.networks.classmaps import fitting, network
from wsss_harness.networks.classmaps.augment import Augmentation
from wsss_harness.networks.classmaps.generator import ClassMapGenerator
from wsss_harness.networks.classmaps.network import ClassMapsShape
from wsss_harness.networks.classmaps.pretraining import Pretraining
from wsss_harness.networks.training.loop import train
from wsss_harness.networks.training.optimizers import make_optimizer
from wsss_harness.stages.background_rules import build_rule, to_mask

LABELS = frozenset({"image_labels"})
TINY = {"name": "resnet38", "width": 0.0625}
QUICK = {"backbone": TINY, "iterations": 3, "batch": 2, "crop": 24, "resize": (24, 32), "lr": 1e-3}


@dataclass(frozen=True, kw_only=True)
class Plain(ClassMapGenerator):
    """The smallest generator."""

    needs: ClassVar[frozenset[str]] = LABELS

    def loss(self, classes):
        return fitting.multilabel_loss


def plain(**options):
    return Plain(**(QUICK | options))


def fit(generator, folder, dataset=None, **run):
    generator.fit(view(folder, generator.needs, dataset), Run(folder, **run))
    return (folder / network.WEIGHTS).read_bytes()


def test_fitting_leaves_weights_and_shape_and_nothing_else(tmp_path):
    fit(plain(), tmp_path)
    names = {"weights.pth", "network.json", "losses.json", "read"}
    assert {path.name for path in tmp_path.iterdir()} == names
    loaded = ClassMapsShape.load(tmp_path, "cpu")
    assert not loaded.training
    assert loaded.channels == 2


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    first, again = fit(plain(), tmp_path / "a", seed=3), fit(plain(), tmp_path / "b", seed=3)
    other = fit(plain(), tmp_path / "c", seed=4)
    assert first == again != other


def stop_after(iteration):
    def progress(done, total):
        if done == iteration:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_killed_training_ends_with_the_same_bytes(tmp_path, optimizer):
    generator = plain(iterations=5, checkpoint_every=2, dropout=0.5, warmup=4, optimizer=optimizer)
    straight = fit(generator, tmp_path / "straight")
    with pytest.raises(KeyboardInterrupt):
        fit(generator, tmp_path / "killed", progress=stop_after(3))
    assert not (tmp_path / "killed" / network.WEIGHTS).exists()
    seen = []
    resumed = fit(generator, tmp_path / "killed", progress=lambda done, total: seen.append(done))
    assert resumed == straight
    assert seen == [2, 3, 4, 5]


def test_training_lowers_the_loss(tmp_path):
    generator = plain(iterations=60, optimizer="adamw", lr=3e-3, head_lr=1.0, batch=4)
    generator = replace(generator, backbone={**TINY, "frozen": "none"})
    data = view(tmp_path, LABELS)
    maps = ClassMapsShape(generator.backbone, 2, "head_then_pool", 0.0).build()
    losses = []

    def loss(net, batch):
        actual = fitting.multilabel_loss(net, batch)
        losses.append(actual["loss_cls"].item())
        return actual

    fitting.fit_classifier(maps, loss, data, Run(tmp_path), generator)
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])


def test_initial_weights_are_taken_and_frozen_parts_keep_them(tmp_path):
    before = ClassMapsShape(TINY, 7, "head_then_pool", 0.0).build(seed=9).backbone.state_dict()
    torch.save(before, tmp_path / "start.pth")
    fit(plain(lr=1e-3), tmp_path / "run", weights=tmp_path / "start.pth")
    after = ClassMapsShape.load(tmp_path / "run", "cpu").backbone.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before if "bn" in name)
    assert torch.equal(after["conv1a.weight"], before["conv1a.weight"])
    assert torch.equal(after["b2_2.conv_branch2a.weight"], before["b2_2.conv_branch2a.weight"])
    assert not torch.equal(after["b7.conv_branch1.weight"], before["b7.conv_branch1.weight"])


def test_items_hold_what_the_view_declares(tmp_path):
    maps = ClassMapsShape(TINY, 2, "head_then_pool", 0.0).build()
    augmentation = Augmentation.of(plain(), maps.backbone, resize=plain().resize)
    rng = np.random.default_rng
    with_saliency = fitting.item_maker(view(tmp_path), augmentation)("image_001", rng(1))
    without = fitting.item_maker(view(tmp_path, LABELS), augmentation)("image_001", rng(1))
    assert set(with_saliency) == {"image", "present", "saliency"}
    assert set(without) == {"image", "present"}
    assert np.array_equal(with_saliency["image"], without["image"])
    assert without["present"].tolist() == [1, 0]


class Unlabelled(FakeDataset):
    def present(self, image_id):
        return () if image_id == "image_002" else super().present(image_id)


def test_an_image_without_classes_is_named_or_left_out(tmp_path):
    with pytest.raises(DataError, match=r"image_002 has no classes \(1 of 8 .*'negative'.*'skip'"):
        fit(plain(), tmp_path / "a", Unlabelled())
    data = view(tmp_path, LABELS, Unlabelled())
    ids = fitting.labelled_ids(data, "skip")
    assert ids == [image_id for image_id in data if image_id != "image_002"]
    fit(plain(unlabelled="skip"), tmp_path / "b", Unlabelled())


def test_image_without_classes_can_be_a_negative(tmp_path):
    generator = plain(unlabelled="negative")
    data, maps = view(tmp_path, LABELS, Unlabelled()), generator.network(2)
    assert fitting.labelled_ids(data, generator.unlabelled) == list(data)
    draws = fitting.draws(maps, data, Run(tmp_path), generator)
    assert draws.make("image_002", np.random.default_rng(0))["present"].tolist() == [0, 0]
    fit(generator, tmp_path / "fit", Unlabelled())
    scores = generator.load(tmp_path / "fit", "cpu")(data["image_002"])
    assert to_mask(scores, build_rule("constant", {"threshold": 0}), data["image_002"]).max() == 0


def test_loss_of_a_negative_is_that_of_every_class_absent():
    pooled = torch.tensor([[1.0, -2.0], [0.5, 3.0]])
    batch = {"image": None, "present": torch.tensor([[0.0, 0.0], [1.0, 0.0]])}
    loss = fitting.multilabel_loss(lambda images: (None, pooled), batch)["loss_cls"]
    absent = [math.log(1 + math.exp(x)) for x in (1.0, -2.0, 3.0)]
    assert loss.item() == pytest.approx((sum(absent) + math.log(1 + math.exp(-0.5))) / 4)


def test_pretraining_skips_images_without_classes_on_request(tmp_path):
    class Half(OneClass):
        def present(self, image_id):
            return super().present(image_id) if self.names.index(image_id) % 3 else ()

    with pytest.raises(DataError, match="image_000 has 0 classes"):
        pretraining().fit(view(tmp_path, LABELS, Half()), Run(tmp_path))
    pretraining(unlabelled="skip").fit(view(tmp_path, LABELS, Half()), Run(tmp_path))
    assert (tmp_path / "backbone.pth").is_file()


def test_pretraining_takes_no_negatives():
    with pytest.raises(ConfigError, match="'unlabelled'"):
        pretraining(unlabelled="negative")


def test_saliency_of_another_size_is_named(tmp_path):
    class Cut(FakeDataset):
        def saliency(self, image_id):
            return super().saliency(image_id)[1:]

    maps = ClassMapsShape(TINY, 2, "head_then_pool", 0.0).build()
    make = fitting.item_maker(
        view(tmp_path, dataset=Cut()),
        Augmentation.of(plain(), maps.backbone, resize=plain().resize),
    )
    with pytest.raises(DataError, match=r"saliency of image image_003 is \(23, 32\)"):
        make("image_003", np.random.default_rng(0))


@dataclass(frozen=True, kw_only=True)
class Undeclared(Plain):
    """Reads saliency in its loss and does not declare it."""

    def loss(self, classes):
        return lambda net, batch: {"loss": batch["saliency"].mean()}


def test_loss_that_reads_undeclared_saliency_names_what_to_declare(tmp_path):
    with pytest.raises(SupervisionError, match=r"the test read 'saliency'.*add .* to its `needs`"):
        fit(Undeclared(**QUICK), tmp_path)


@dataclass(frozen=True, kw_only=True)
class Broken(Plain):
    def loss(self, classes):
        return lambda net, batch: {"loss": net(batch["image"])[1].mean() * float("nan")}


def test_a_loss_that_is_not_finite_stops_the_training(tmp_path):
    with pytest.raises(StageError, match="loss is nan at iteration 1"):
        fit(Broken(**QUICK), tmp_path)
    assert not (tmp_path / network.WEIGHTS).exists()


def group_options(optimizer, *keys):
    return [tuple(group[key] for key in keys) for group in optimizer.param_groups]


def test_released_groups_and_momentum():
    maps = ClassMapsShape(TINY, 2, "head_then_pool", 0.0).build()
    settings = plain(lr=0.01, weight_decay=5e-4)
    released = make_optimizer(maps, settings)
    # ResNet38 has no biases, and the head has none.
    assert group_options(released, "lr", "weight_decay") == [(0.01, 5e-4), (0.1, 5e-4)]
    assert group_options(released, "momentum") == [(5e-4,)] * 2
    stated = make_optimizer(maps, replace(settings, momentum=0.9))
    assert group_options(stated, "momentum") == [(0.9,)] * 2
    assert released.param_groups[1]["params"] == [maps.head.weight]


@pytest.mark.parametrize("warmup", [0, 4])
def test_the_rate_rises_and_then_falls_by_poly(tmp_path, warmup):
    rates = []

    class Watched(torch.optim.SGD):
        def step(self, closure=None):
            rates.append(self.param_groups[0]["lr"])
            return super().step(closure)

    maps = ClassMapsShape(TINY, 2, "head_then_pool", 0.0).build()
    settings = plain(iterations=8, warmup=warmup)
    train(
        maps,
        fitting.multilabel_loss,
        fitting.draws(maps, view(tmp_path, LABELS), Run(tmp_path), settings),
        Run(tmp_path),
        iterations=8,
        batch=2,
        optimizer=Watched(maps.parameters(), lr=1e-6),
        schedule={"warmup": warmup},
    )
    rise = [min(1.0, (t + 1) / warmup) if warmup else 1.0 for t in range(8)]
    assert np.allclose(
        rates, [1e-6 * rise[t] * (1 - t / 8) ** 0.9 for t in range(8)], rtol=1e-12, atol=0
    )


def test_adam_trains_normalisations_that_are_not_frozen():
    free = ClassMapsShape({**TINY, "frozen": "none"}, 2, "head_then_pool", 0.0).build()
    optimizer = make_optimizer(free, plain(optimizer="adamw", lr=1e-3, head_lr=5.0))
    assert group_options(optimizer, "lr") == [(1e-3,), (5e-3,)]
    listed = sum(len(group["params"]) for group in optimizer.param_groups)
    assert listed == len(list(free.parameters()))


def test_pooling_before_or_after_the_head_is_the_same_up_to_rounding():
    images = torch.rand(2, 3, 24, 32)
    first = ClassMapsShape(TINY, 3, "head_then_pool", 0.5).build(seed=1).eval()
    then = ClassMapsShape(TINY, 3, "pool_then_head", 0.5).build(seed=1).eval()
    maps, pooled = first(images)
    assert maps.shape == (2, 3, 3, 4)
    assert torch.equal(maps, then(images)[0])
    assert torch.allclose(pooled, then(images)[1], atol=1e-6)
    assert torch.allclose(pooled, maps.mean((2, 3)))


def test_dropout_drops_whole_channels_in_training_alone():
    maps = ClassMapsShape(TINY, 3, "pool_then_head", 0.5).build()
    images = torch.rand(1, 3, 24, 32)
    maps.train()
    assert not torch.equal(maps(images)[1], maps(images)[1])
    maps.eval()
    assert torch.equal(maps(images)[1], maps(images)[1])


def test_an_unknown_pooling_lists_the_known_ones():
    with pytest.raises(ConfigError, match="'max' is unknown; choose head_then_pool or pool_then"):
        ClassMapsShape(TINY, 3, "max", 0.0).build()


def test_building_leaves_the_global_random_state_alone():
    before = torch.get_rng_state()
    first, again = (ClassMapsShape(TINY, 3, "head_then_pool", 0.0).build(seed=2) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first.head.weight, again.head.weight)


class OneClass(FakeDataset):
    def present(self, image_id):
        return (1 + self.names.index(image_id) % 2,)


def pretraining(**options):
    return Pretraining(**(QUICK | {"recalibration": 2} | options))


def test_pretrained_weights_start_a_generator(tmp_path):
    pretraining().fit(view(tmp_path, LABELS, OneClass()), Run(tmp_path / "icons"))
    assert {path.name for path in (tmp_path / "icons").iterdir()} == {"backbone.pth", "losses.json"}
    start = torch.load(tmp_path / "icons" / "backbone.pth", weights_only=True)
    fit(plain(), tmp_path / "run", weights=tmp_path / "icons" / "backbone.pth")
    after = ClassMapsShape.load(tmp_path / "run", "cpu").backbone.state_dict()
    assert torch.equal(after["conv1a.weight"], start["conv1a.weight"])
    assert not torch.equal(start["bn7.running_mean"], torch.zeros_like(start["bn7.running_mean"]))


@pytest.mark.parametrize(
    "backbone",
    [
        {"name": "openmmlab_resnet", "base_channels": 8},
        {"name": "mobilenet_v2", "output_stride": 16},
        {"name": "vgg16", "width": 0.0625, "fc_dilation": 1},
    ],
    ids=lambda options: options["name"],
)
def test_pretraining_serves_other_backbones(tmp_path, backbone):
    pretraining(backbone=backbone).fit(view(tmp_path, LABELS, OneClass()), Run(tmp_path))
    state = torch.load(tmp_path / "backbone.pth", weights_only=True)
    own = ClassMapsShape(backbone, 2, "head_then_pool", 0.0).build().backbone.state_dict()
    assert set(state) == set(own)
    fit(plain(backbone=backbone), tmp_path / "run", weights=tmp_path / "backbone.pth")


def test_pretraining_moves_what_generators_freeze(tmp_path):
    pretraining().fit(view(tmp_path, LABELS, OneClass()), Run(tmp_path))
    state = torch.load(tmp_path / "backbone.pth", weights_only=True)
    fresh = ClassMapsShape(TINY, 2, "head_then_pool", 0.0).build().backbone.state_dict()
    for name in ("conv1a.weight", "b2.bn_branch2a.weight"):
        assert not torch.equal(state[name], fresh[name])


def test_pretraining_moves_frozen_stages_too(tmp_path):
    backbone = {"name": "vgg16", "width": 0.0625, "frozen_stages": 2}
    pretraining(backbone=backbone).fit(view(tmp_path, LABELS, OneClass()), Run(tmp_path))
    state = torch.load(tmp_path / "backbone.pth", weights_only=True)
    fresh = ClassMapsShape(backbone, 2, "head_then_pool", 0.0).build().backbone.state_dict()
    assert not torch.equal(state["features.0.weight"], fresh["features.0.weight"])


def test_pretraining_killed_and_resumed_ends_with_the_same_bytes(tmp_path):
    job = pretraining(iterations=4, checkpoint_every=2)
    data = view(tmp_path, LABELS, OneClass())
    job.fit(data, Run(tmp_path / "straight"))
    with pytest.raises(KeyboardInterrupt):
        job.fit(data, Run(tmp_path / "killed", progress=stop_after(3)))
    job.fit(data, Run(tmp_path / "killed"))
    names = [tmp_path / run / "backbone.pth" for run in ("straight", "killed")]
    assert names[0].read_bytes() == names[1].read_bytes()


# Its last features of a crop of 32 are one pixel.
ONE_PIXEL = {"name": "mobilenet_v2", "output_stride": 32, "frozen": "none"}
BATCH_OF_ONE = {"backbone": ONE_PIXEL, "batch": 1, "crop": 32, "resize": (32, 32), "iterations": 2}


def test_batch_of_one_pixel_trains_class_maps(tmp_path):
    fit(plain(**BATCH_OF_ONE), tmp_path)
    assert ClassMapsShape.load(tmp_path, "cpu").channels == 2


def test_batch_of_one_pixel_pretrains(tmp_path):
    pretraining(**BATCH_OF_ONE).fit(view(tmp_path, LABELS, OneClass()), Run(tmp_path))
    state = torch.load(tmp_path / "backbone.pth", weights_only=True)
    assert all(torch.isfinite(value).all() for value in state.values())


def test_one_image_is_a_whole_train_list(tmp_path):
    class One(FakeDataset):
        def ids(self, split):
            return super().ids(split)[:1]

    fit(plain(backbone={**TINY, "frozen": "none"}, batch=3), tmp_path, One())


def test_pretraining_refuses_images_of_two_classes(tmp_path):
    with pytest.raises(DataError, match="image_000 has 2 classes; pretraining needs"):
        pretraining().fit(view(tmp_path, LABELS), Run(tmp_path))


def test_recalibrated_statistics_are_the_average_over_batches():
    images = torch.rand(6, 3, 4, 5, dtype=torch.float64)
    draws = [{"image": image} for image in images]
    net = nn.Sequential(nn.Dropout(0.9), nn.BatchNorm2d(3)).double()
    net[1].running_mean += 7
    fitting.recalibrate(net, draws, batches=3, size=2)
    pairs = images.reshape(3, 2, 3, -1).numpy()
    means = [[pairs[b, :, k].mean() for k in range(3)] for b in range(3)]
    variances = [[pairs[b, :, k].var(ddof=1) for k in range(3)] for b in range(3)]
    assert np.allclose(net[1].running_mean, np.mean(means, 0), atol=1e-12)
    assert np.allclose(net[1].running_var, np.mean(variances, 0), atol=1e-12)
    assert net[1].momentum == 0.1
    assert not net.training


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"iterations": 0}, "'iterations' of Plain is 0; expected above 0"),
        ({"batch": 0}, "'batch'"),
        ({"crop": -8}, "'crop'"),
        ({"lr": 0.0}, "'lr'"),
        ({"resize": (96, 64)}, "'resize'.*the smaller one first"),
        ({"scales": ()}, "'scales'.*at least one"),
        ({"scales": (1.0, -1.0)}, "'scales'"),
        ({"backbone": {"name": "vgg99"}}, "'backbone'.*vgg99.*did you mean 'vgg16'"),
        ({"backbone": {"width": 1}}, "'backbone'.*a table with a name"),
    ],
)
def test_values_that_cannot_work_are_refused_before_any_work(options, message):
    with pytest.raises(ConfigError, match=message):
        plain(**options)
