"""AffinityNet as a refiner: labels, training, walking, and what goes wrong."""

import json
import logging
import sys
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from fake_data import FakeDataset, view
from golden_files import golden

from wsss_affinity.affinities import affinity_maps
from wsss_affinity.affinitynet import AffinityNet
from wsss_affinity.backgrounds import Background, Evidence
from wsss_affinity.fitting import PairLoss
from wsss_affinity.inference import around, walk
from wsss_affinity.items import CachedStacks, item_maker
from wsss_affinity.settings import FORMS
from wsss_harness.contract.errors import ConfigError, PluginError
from wsss_harness.contract.hookspecs import Run
from wsss_harness.contract.types import ClassScores, Sample
from wsss_harness.networks.affinity.neighbours import placed
from wsss_harness.networks.classmaps.augment import Cropping
from wsss_harness.plugins.options import construct
from wsss_harness.system import parallel

needs_crf = pytest.mark.skipif(
    find_spec("pydensecrf") is None, reason="pydensecrf2 needs a compiler to install"
)
TINY = {"name": "resnet38", "width": 0.0625}
QUICK = {
    "backbone": TINY,
    "widths": (4, 8, 16),
    "radius": 2,
    "iterations": 3,
    "batch": 2,
    "crop": 24,
    "checkpoint_every": 1,
}
BLANK = np.zeros((24, 32, 3), np.uint8)


def affinity_net(**options):
    return construct("refiner 'affinity'", AffinityNet, QUICK | options)


def sample(image=BLANK):
    return Sample("image_000", {"image": image}.__getitem__)


def rough(image_id):
    """Scores of the fake data: its truth with holes."""
    dataset = FakeDataset()
    truth, rng = dataset.truth(image_id), dataset.rng(image_id)
    present = dataset.present(image_id)
    holes = rng.random(truth.shape) > 0.3
    return ClassScores(
        present, np.stack([((truth == c) & holes).astype(np.float32) for c in present])
    )


def fitted(folder, refiner, scores=rough, **run):
    refiner.fit(view(folder, ()), scores, Run(folder, **run))
    return (folder / "weights.pth").read_bytes()


def test_forms_have_their_published_parameters():
    psa, report = FORMS["psa"], FORMS["report"]
    assert (psa.careful.alpha, psa.eager.alpha, psa.crf) == (4, 32, "psa")
    assert (sum(psa.widths), sum(report.widths)) == (448, 896)
    assert report.careful == report.eager == Background(kind="constant", threshold=0.2)
    chosen = AffinityNet()
    assert (chosen.form, chosen.radius, chosen.beta, chosen.steps) == ("report", 5, 8.0, 256)
    assert chosen.walking == Background(kind="power", alpha=16)


@pytest.mark.parametrize("crf", ["none", pytest.param("psa", marks=[needs_crf, pytest.mark.slow])])
def test_fitting_leaves_the_network_and_nothing_else(tmp_path, crf):
    fitted(tmp_path, affinity_net(form="psa", crf=crf))
    files = {path.name for path in tmp_path.iterdir()} - {"log.txt"}
    assert files == {"weights.pth", "network.json", "losses.json"}


def test_labels_of_a_crf_that_is_not_installed_say_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydensecrf", None)
    with pytest.raises(PluginError, match=r"the dense CRF needs pydensecrf2.*pip install"):
        fitted(tmp_path, affinity_net(form="psa"))


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    first, again, other = (
        fitted(tmp_path / name, affinity_net(), seed=seed)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first == again != other


def test_batch_of_one_pixel_is_trained_on(tmp_path):
    backbone = {"name": "mobilenet_v2", "output_stride": 32, "frozen": "none"}
    fitted(tmp_path, affinity_net(backbone=backbone, batch=1, crop=32))


def test_images_without_classes_are_background_before_and_after(tmp_path):
    def nothing(image_id):
        return ClassScores((), np.zeros((0, 24, 32), np.float32))

    refiner = affinity_net()
    fitted(tmp_path, refiner, nothing)
    walked = refiner.load(tmp_path, "cpu")(sample(), nothing("image_000"))
    assert walked.classes == ()
    assert walked.background.min() > 0.99


def test_options_of_the_walk_do_not_change_the_network(tmp_path):
    other = {"border": "linked", "walking": {"alpha": 2}, "beta": 3.0, "steps": 5}
    assert set(other) == AffinityNet.at_inference
    walked = fitted(tmp_path / "b", affinity_net(**other))
    assert fitted(tmp_path / "a", affinity_net()) == walked


@needs_crf
def test_an_interrupted_fit_goes_on_to_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(parallel, "cores", lambda: 1)  # which decides how fast it is, no more
    refiner = affinity_net(form="psa")
    whole = fitted(tmp_path / "whole", refiner)

    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted(tmp_path / "cut", refiner, progress=stop)
    assert fitted(tmp_path / "cut", refiner) == whole


def test_refined_scores_are_valid_after_training(tmp_path):
    refiner = affinity_net(iterations=30, lr=0.05, steps=16, border="linked")
    fitted(tmp_path, refiner)
    refine = refiner.load(tmp_path, "cpu")
    dataset = FakeDataset()
    name = dataset.ids("train")[1]
    after = refine(sample(dataset.image(name)), rough(name))
    assert after.classes == rough(name).classes
    assert after.size == (24, 32)
    after.validate(name, "the test")


def released_walk(alpha, beta, squarings):
    """Links, sample and scores of the golden walk."""
    numbers = golden("random_walk.npz")
    height, width = map(int, numbers["psa_grid"])
    pairs = torch.from_numpy(numbers["psa_aff_sparse"][0])
    links = placed(pairs.reshape(len(pairs), height - 4, width - 8), (height, width), 5)
    classes = tuple(int(key) + 1 for key in numbers["psa_cam_keys"])
    scores = ClassScores(classes, numbers["psa_cams"])
    settings = AffinityNet(
        walking=Background(alpha=alpha), beta=float(beta), steps=2 ** int(squarings)
    )
    stack = torch.from_numpy(settings.walking.stack(scores, ""))
    return walk(stack, links, 8, settings).numpy(), classes


@pytest.mark.golden
def test_the_released_labels_after_the_walk():
    numbers = golden("random_walk.npz")
    walked, classes = released_walk(*numbers["psa_alpha_beta_logt"].tolist())
    labels = np.array((0, *classes))[walked.argmax(0)]
    different = labels != numbers["psa_label"]
    assert different.mean() <= 0.002
    assert not different[numbers["psa_label_margin"] > 1e-3].any()  # but for ties


def test_grid_steps_scale_with_the_number_of_nodes():
    refiner = AffinityNet(steps="grid")
    assert refiner.steps_on(47 * 63) == 256
    assert refiner.steps_on(24 * 32) == round(256 * 24 * 32 / (47 * 63))
    assert refiner.steps_on(1) == 1
    assert AffinityNet(steps=7).steps_on(9) == 7


@pytest.mark.parametrize("size", [(24, 1), (1, 24), (1, 1), (9, 17)])
def test_a_narrow_image_keeps_its_size(tmp_path, size):
    refiner = affinity_net(radius=5)
    fitted(tmp_path, affinity_net())
    image = np.zeros((*size, 3), np.uint8)
    after = refiner.load(tmp_path, "cpu")(
        sample(image), ClassScores((2,), np.ones((1, *size), np.float32))
    )
    assert after.size == size
    after.validate("narrow", "the test")


def test_an_image_without_classes_is_background(tmp_path):
    fitted(tmp_path, affinity_net())
    nothing = ClassScores((), np.zeros((0, 24, 32), np.float32))
    after = affinity_net().load(tmp_path, "cpu")(sample(), nothing)
    assert after.classes == ()
    assert np.allclose(after.background, 1)


def test_scores_of_another_size_are_named(tmp_path):
    fitted(tmp_path, affinity_net())
    refine = affinity_net().load(tmp_path, "cpu")
    with pytest.raises(PluginError, match=r"image_000.*\(9, 9\).*\(24, 32\)"):
        refine(sample(), ClassScores((1,), np.ones((1, 9, 9), np.float32)))


def test_explanation_shows_the_affinities_of_the_strongest_pixel(tmp_path):
    refiner = affinity_net(radius=3, border="linked")
    fitted(tmp_path, refiner)
    values = np.zeros((1, 24, 32), np.float32)
    values[0, 9, 20] = 1
    shown = refiner.explain(tmp_path, "cpu")(
        sample(FakeDataset().image("image_001")), ClassScores((1,), values)
    )
    ((name, seen, place),) = shown
    assert name == "affinity to the marked pixel"
    assert place == (9, 20)
    assert seen.shape == (24, 32)
    assert seen[9, 20] == 1
    assert 0 < seen[9, 20 + 8] < 1
    assert seen.max() <= 1


def test_affinities_around_a_node_are_those_of_both_ends():
    links = affinity_maps(torch.rand(5, 6, 7), 3, border="linked")
    seen = around(links, 3, (2, 3))
    for (y, x), value in np.ndenumerate(seen.numpy()):
        near = (y - 2) ** 2 + (x - 3) ** 2 < 9
        assert (value > 0) == near
        if near and (y, x) != (2, 3):
            assert value == around(links, 3, (y, x))[2, 3]


# Labels


def test_masks_of_the_generator_are_the_labels_of_the_report():
    values = np.array([[[0.1, 0.3, 0.9]], [[0.05, 0.5, 0.1]]], np.float32)
    evidence = AffinityNet().evidence()
    careful, eager = evidence.stacks(
        sample(np.zeros((1, 3, 3), np.uint8)), ClassScores((3, 7), values)
    )
    assert np.array_equal(careful, eager)
    assert careful.argmax(0).tolist() == [[0, 2, 1]]


def test_a_strong_and_a_weak_background_leave_pixels_unknown():
    scores = ClassScores((1,), np.linspace(0, 1, 50, dtype=np.float32)[None, None])
    form = FORMS["psa"]
    careful, eager = Evidence(form.careful, form.eager, None).stacks(sample(), scores)
    is_class, not_background = careful.argmax(0) == 1, eager.argmax(0) == 1
    assert (not_background | ~is_class).all()
    assert (not_background & ~is_class).any()


def test_evidence_is_made_once(tmp_path):
    computed = []

    def make(image_id):
        computed.append(image_id)
        return np.full((3, 2, 2), 0.4, np.float32), np.full((3, 2, 2), 0.6, np.float32)

    kept = CachedStacks(tmp_path, make)
    kept.store("a")
    kept.store("a")
    assert computed == ["a"]
    for stack, value in zip(kept("a"), (0.4, 0.6), strict=True):
        assert stack.shape == (3, 2, 2)
        assert np.abs(stack - value).max() < 0.005


def test_image_and_scores_are_cropped_alike(tmp_path):
    """A crop's scores, found by their values, lie where the image has the same values."""
    data = view(tmp_path, ())
    settings = Cropping(
        crop=16, mean=(0, 0, 0), std=(1, 1, 1), jitter=(0, 0, 0, 0), flip=0.5, padding="black"
    )

    def stacks(image_id):
        red = data[image_id].image[..., 0].astype(np.float32)[None] / 255
        return red, np.concatenate([red, red])

    make = item_maker(data, stacks, 3, settings)
    for seed in range(8):
        item = make(data.ids[0], np.random.default_rng(seed))
        assert np.allclose(item["image"][0], item["careful"][0], atol=1e-6)
        assert np.allclose(item["eager"][1], item["careful"][0], atol=1e-6)
        assert (item["careful"][1:] == 0).all()


@pytest.mark.parametrize("value", [0.0, 0.05])
def test_scores_without_a_confident_pixel_train_on_background(tmp_path, value):
    def faint(image_id):
        scores = rough(image_id)
        return replace(scores, values=np.full_like(scores.values, value))

    fitted(tmp_path, affinity_net(), faint)


def test_batches_without_pairs_warn_once(caplog):
    nothing = torch.zeros(1, 2, 24, 24)
    batch = {"image": torch.zeros(1, 3, 24, 24), "careful": nothing, "eager": nothing}
    loss = PairLoss(2, "mean")
    features = torch.rand(1, 4, 3, 3, requires_grad=True)
    with caplog.at_level(logging.WARNING):
        losses = [sum(loss(lambda images: features, batch).values()) for _ in range(3)]
    assert losses == [0, 0, 0]
    assert len(caplog.records) == 1
    assert "no pair of known labels" in caplog.text


# Options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"form": "irn"}, "option 'form'"),
        ({"crf": "sharp"}, "option 'crf' of .*did you mean 'psa'"),
        ({"radius": 1}, "option 'radius' of .*at least 2"),
        ({"beta": 0.0}, "option 'beta' of .*above 0"),
        ({"steps": "many"}, "option 'steps'"),
        ({"walking": {"kind": "strong"}}, "option 'kind' of option 'walking'"),
        ({"careful": {"alpah": 4}}, "option 'careful' of refiner 'affinity' has no option 'alpah'"),
        ({"speed": 1}, "no option 'speed'"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ConfigError, match=message):
        affinity_net(**options)


def test_a_crop_without_a_whole_grid_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="crop is 20, but must be a multiple of 8"):
        fitted(tmp_path, affinity_net(crop=20))


def test_options_of_a_suite_reach_the_backgrounds():
    refiner = affinity_net(careful={"kind": "power", "alpha": 8}, walking={"alpha": 4})
    assert refiner.careful == Background(kind="power", alpha=8)
    assert refiner.walking == Background(alpha=4)
    assert json.dumps(refiner.evidence().careful.alpha) == "8.0"
