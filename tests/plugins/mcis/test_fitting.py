"""Training of MCIS: optimiser, rates, items, pairs, and the passes that are saved."""

import copy

import numpy as np
import pytest
import torch
from fake_data import FakeDataset, view
from golden_files import close, fill, golden
from mmengine.optim import MultiStepLR

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.networks.backbones.base import STATISTICS
from wsss_mcis.fitting import batch_losses, optimizer_of, schedule_of
from wsss_mcis.items import COPIES, PairMaker, Squash, squash_of, squashed
from wsss_mcis.loss import losses
from wsss_mcis.network import McisShape
from wsss_mcis.partners import Partners
from wsss_mcis.released import NAMES
from wsss_mcis.settings import EPOCH, McisSettings, vgg16

SLIM = {**vgg16(), "width": 0.0625}
NEEDS = McisSettings.needs
IMAGENET = STATISTICS["imagenet"]


def slim(**options):
    return McisSettings(backbone=SLIM, **({"crop": 32, "jitter": (0, 0, 0, 0)} | options))


# Optimiser


@pytest.fixture(scope="module")
def network():
    return McisShape(vgg16(), golden("mcis2.npz")["net_logits"].shape[1]).build()


def by_official_name(network):
    own = dict(network.named_parameters())
    return {name: own[NAMES[name]] for name in golden("mcis2.npz")["opt_names"].tolist()}


@pytest.mark.golden
def test_golden_groups(network):
    file, groups = golden("mcis2.npz"), optimizer_of(network, McisSettings()).param_groups
    place = {id(p): n for n, group in enumerate(groups) for p in group["params"]}
    parameters = by_official_name(network)
    assert [place[id(p)] for p in parameters.values()] == file["opt_group"].tolist()
    assert [p.requires_grad for p in parameters.values()] == file["opt_requires_grad"].tolist()
    assert len(parameters) == len(place)
    for option in ("momentum", "weight_decay", "dampening", "nesterov"):
        assert [group[option] for group in groups] == file[f"opt_{option}"].tolist()


@pytest.mark.golden
def test_golden_rates_of_epochs(network):
    """With one iteration for each epoch, the drops are at iterations 5 and 10."""
    file, settings = golden("mcis2.npz"), McisSettings()
    optimizer = optimizer_of(network, settings)
    schedule = schedule_of(settings)
    assert schedule.pop("type") == "MultiStepLR"
    milestones = [drop // EPOCH for drop in schedule.pop("milestones")]
    scheduler = MultiStepLR(optimizer, milestones=milestones, by_epoch=False, **schedule)
    for expected in file["opt_lr_epoch"]:
        rates = [group["lr"] for group in optimizer.param_groups]
        np.testing.assert_allclose(rates, expected, rtol=1e-12)
        optimizer.step()
        scheduler.step()


@pytest.mark.golden
def test_golden_steps(network):
    file, model = golden("mcis2.npz"), copy.deepcopy(network)
    names = file["opt_step_names"].tolist()
    parameters = by_official_name(model)
    optimizer = optimizer_of(model, McisSettings())
    for name in names:
        parameters[name].data = fill(f"opt.{name}", -1, 1, parameters[name].shape)
    steps = sum(key.startswith("opt_step") and key.endswith("_p0") for key in file)
    for step in range(steps):
        for name in names:
            parameters[name].grad = fill(f"opt.grad{step}.{name}", -1, 1, parameters[name].shape)
        optimizer.step()
        for number, name in enumerate(names):
            assert close(parameters[name].detach(), file[f"opt_step{step}_p{number}"], 2e-6)


# Items


@pytest.mark.golden
def test_golden_items_of_a_picture():
    file = golden("mcis2.npz")
    settings = McisSettings()
    squash = squash_of(settings, settings.network(1).backbone)
    image = file["item_picture"]
    copies = squash.copies(image)
    for name, values in {
        "image1": squash.whole(image),
        **dict(zip(("flip", "small", "large"), copies.values(), strict=True)),
    }.items():
        expected = file[f"item_{name}_sub"]
        every = values.shape[1] // expected.shape[1]
        np.testing.assert_allclose(values[:, ::every, ::every], expected, atol=1e-5)


@pytest.mark.golden
def test_golden_sides_of_the_calls_at_inference():
    """Each picture is seen with references at its own side, with its mirror image and two more."""
    file = golden("mcis2.npz")
    columns = {name: file["inf_calls"][:, n] for n, name in enumerate(file["inf_call_columns"])}
    settings, candidates = McisSettings(), file["draw_class_candidates"]
    for picture in range(int(file["inf_n"])):
        rows = columns["picture"] == picture
        groups = (candidates[:, 0] == picture).sum()
        references = groups * settings.references
        sides = [settings.crop] * (references + 1) + list(settings.copies())
        assert columns["h1"][rows].tolist() == [settings.crop] * len(sides)
        for side in ("h2", "w2"):
            assert columns[side][rows].tolist() == sides


def test_an_image_is_squashed_as_a_whole():
    image = np.zeros((40, 20, 3), np.uint8)
    image[:, 10:] = 200
    square = np.asarray(squashed(image, 10))
    assert square.shape == (10, 10, 3)
    assert (square[:, :4] == 0).all()
    assert (square[:, 6:] == 200).all()


def test_copies_are_mirrored_and_of_other_sides():
    image = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    squash = Squash((16, 12, 32), *IMAGENET)
    copies = squash.copies(image)
    assert tuple(copies) == COPIES
    assert np.array_equal(copies["mirrored"], squash.whole(image)[:, :, ::-1])
    assert [values.shape for values in copies.values()] == [(3, s, s) for s in (16, 12, 32)]


# Pairs


class Labelled(FakeDataset):
    """Images with labels of their own choice."""

    classes = ("square", "disc", "ring")
    labels = ((1,), (1, 2), (2,), (), (3,))

    def ids(self, split):
        return self.names[: len(self.labels)]

    def present(self, image_id):
        return self.labels[self.names.index(image_id)]


@pytest.fixture
def labelled(tmp_path):
    return view(tmp_path, NEEDS, Labelled())


def drawn(partners, present, shared, count=400):
    rng = np.random.default_rng(0)
    return [partners.draw(present, shared, rng) for _ in range(count)]


def test_a_partner_has_a_drawn_class_of_the_image(labelled):
    """Classes 1 and 2 are drawn equally, then each of their two images."""
    ids, partners = labelled.ids, Partners.among(labelled, labelled.ids)
    seen = drawn(partners, (1, 2), 1.0)
    shares = [seen.count(image_id) / len(seen) for image_id in ids]
    np.testing.assert_allclose(shares, [0.25, 0.5, 0.25, 0, 0], atol=0.08)


def test_an_image_that_is_alone_with_its_class_is_its_own_partner(labelled):
    partners = Partners.among(labelled, labelled.ids)
    assert set(drawn(partners, (3,), 1.0)) == {labelled.ids[4]}


def test_without_a_shared_class_any_image_is_a_partner(labelled):
    partners = Partners.among(labelled, labelled.ids)
    for present, shared in (((3,), 0.0), ((), 1.0)):
        assert set(drawn(partners, present, shared)) == set(labelled.ids)
    half = drawn(partners, (3,), 0.5)
    assert half.count(labelled.ids[4]) / len(half) == pytest.approx(0.5 + 0.5 / 5, abs=0.08)


@pytest.mark.golden
def test_golden_candidates_of_references(tmp_path):
    file = golden("mcis2.npz")
    rows = file["draw_class_candidates"]
    pictures = rows.shape[1] - 2
    labels = [[] for _ in range(pictures)]
    for _, number, *holding in rows.tolist():
        for picture, holds in enumerate(holding):
            if holds and number + 1 not in labels[picture]:
                labels[picture].append(number + 1)
    data = type("Pictures", (Labelled,), {"labels": [tuple(sorted(own)) for own in labels]})
    partners = Partners.among(sample_view := view(tmp_path, NEEDS, data()), sample_view.ids)
    for _, number, *holding in rows.tolist():
        expected = [name for name, holds in zip(sample_view.ids, holding, strict=True) if holds]
        assert partners.holding[number + 1] == expected


def test_references_depend_on_seed_and_image_alone(labelled):
    partners = Partners.among(labelled, labelled.ids)
    groups = partners.references("a", (1, 2), 50, seed=3)
    assert groups == partners.references("a", (1, 2), 50, seed=3)
    assert groups != partners.references("a", (1, 2), 50, seed=4)
    assert groups != partners.references("b", (1, 2), 50, seed=3)
    assert [set(group) for group in groups] == [set(labelled.ids[:2]), set(labelled.ids[1:3])]


def test_a_class_that_no_image_holds_is_referred_to_the_image_itself(labelled):
    partners = Partners.among(labelled, labelled.ids)
    assert partners.references("elsewhere", (9,), 2, seed=0) == [["elsewhere"] * 2]


def maker(data, **options):
    squash = Squash((32, 24, 64), *IMAGENET)
    settings = {"shared": 1.0, "squash": squash, "strengths": (0, 0, 0, 0)} | options
    return PairMaker(data, Partners.among(data, data.ids), **settings)


def test_an_item_is_a_pair_with_its_labels_and_copies(tmp_path):
    data = view(tmp_path, NEEDS)
    make = maker(data)
    item = make(data.ids[1], np.random.default_rng(0))
    assert set(item) == {"image", "partner", *COPIES, "present", "partner_present"}
    assert item["present"].tolist() == [1, 0]
    assert item["partner_present"][0] == 1
    squash = make.squash
    assert np.array_equal(item["image"], squash.whole(data[data.ids[1]].image))
    candidates = [squash.whole(data[image_id].image) for image_id in make.partners.holding[1]]
    assert any(np.array_equal(item["partner"], values) for values in candidates)


def test_colours_change_in_both_images_of_a_pair_but_not_in_copies(tmp_path):
    data = view(tmp_path, NEEDS)
    plain, changed = (
        maker(data, strengths=(strength,) * 4)(data.ids[4], np.random.default_rng(1))
        for strength in (1e-9, 0.3)
    )
    for name in ("image", "partner"):
        assert np.abs(plain[name] - changed[name]).max() > 0.05
    for name in COPIES:
        assert np.array_equal(plain[name], changed[name])


def test_an_item_depends_on_its_random_numbers_alone(tmp_path):
    make = maker(view(tmp_path, NEEDS), strengths=(0.3,) * 4)
    image_id = make.data.ids[0]
    one, again = (make(image_id, np.random.default_rng(5)) for _ in range(2))
    assert all(np.array_equal(one[name], again[name]) for name in one)


def test_a_partner_whose_image_is_missing_is_named(tmp_path):
    class Gone(FakeDataset):
        def present(self, image_id):
            return (1,) if image_id in self.names[:2] else (2,)

        def image(self, image_id):
            if image_id == self.names[1]:
                raise DataError(f"there is no image {image_id}")
            return super().image(image_id)

    data = view(tmp_path, NEEDS, Gone())
    make, rng = maker(data), np.random.default_rng(0)
    with pytest.raises(DataError, match=data.ids[1]):
        [make(data.ids[0], rng) for _ in range(20)]


# The passes that are saved


def batch_of(classes=3, images=2):
    rng = torch.Generator().manual_seed(0)
    sides = {"image": 32, "partner": 32, "mirrored": 32, "small": 24, "large": 64}
    batch = {n: torch.randn(images, 3, s, s, generator=rng) for n, s in sides.items()}
    present = torch.tensor([[1.0, 1, 0], [0, 1, 0]])[:images]
    return batch | {"present": present, "partner_present": torch.tensor([[1.0, 0, 1], [0, 1, 1]])}


def eight_passes(network, batch, rest):
    """As released: both images of each of the four pairs go through the whole network."""
    pairs = [
        network.logits(network(batch["image"]), network(batch[other]), rest and other == "partner")
        for other in ("partner", *COPIES)
    ]
    return losses(pairs[0], pairs[1:], batch["present"], batch["partner_present"])


def gradients(network, named):
    network.zero_grad(set_to_none=True)
    sum(named.values()).backward()
    return {name: p.grad for name, p in network.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("rest_from", [0, 5])
def test_five_passes_give_what_eight_do(rest_from):
    network, batch = McisShape(SLIM, 3).build().double().train(), batch_of()
    batch = {name: values.double() for name, values in batch.items()}
    released = eight_passes(network, batch, rest=rest_from == 0)
    expected = gradients(network, released)
    passes = []
    handle = network.backbone.register_forward_hook(lambda *inputs: passes.append(1))
    ours = batch_losses(network, batch, rest_from)
    handle.remove()
    assert len(passes) == 5
    assert ours.keys() == released.keys()
    for name, loss in ours.items():
        torch.testing.assert_close(loss, released[name], rtol=1e-12, atol=0)
    actual = gradients(network, ours)
    assert actual.keys() == expected.keys()
    for name, gradient in actual.items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-9, atol=1e-12)


def test_what_is_not_shared_is_learnt_from_an_iteration_on():
    network, named = McisShape(SLIM, 3).build().train(), []
    for _ in range(4):
        named.append(batch_losses(network, batch_of(), rest_from=2))
    assert ["loss_rest" in losses for losses in named] == [False, False, True, True]
    network.eval()
    batch_losses(network, batch_of(), 2)
    assert int(network.iterations) == 4


def test_the_gate_is_learnt_from_what_is_not_shared_alone():
    network = McisShape(SLIM, 3).build().train()
    assert "gate.weight" not in gradients(network, batch_losses(network, batch_of(), 9))
    assert "gate.weight" in gradients(network, batch_losses(network, batch_of(), 0))


def test_an_input_smaller_than_a_node_is_refused():
    network = McisShape(SLIM, 3).build()
    with pytest.raises(ConfigError, match=r"option 'crop'.*8 pixels"):
        squash_of(slim(crop=9, sides=(0.75, 2.0)), network.backbone)
