"""SGAN as a refiner: training, seeds, a row from scores to masks, and what goes wrong."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from fake_data import FakeDataset, rough_scores, view
from torch.utils.data import default_collate

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.contract.hookspecs import Refiner, Run
from wsss_harness.contract.types import ClassScores, Sample
from wsss_harness.plugins.options import construct
from wsss_harness.stages.background_rules import build_rule, to_mask
from wsss_sgan import Sgan, wsss_refiners
from wsss_sgan.inference import scores_of
from wsss_sgan.items import Squashing, item_maker
from wsss_sgan.loss import SganLoss

OTHER = {"fraction": 0.5, "conflicts": "undefined"}


def sgan(**options):
    return construct("refiner 'sgan'", Sgan, {**Sgan.quick, **options})


def nothing(image_id):
    present = FakeDataset().present(image_id)
    return ClassScores(present, np.zeros((len(present), 24, 32), np.float32))


def fitted(folder, refiner, scores=rough_scores, dataset=None, **run):
    refiner.fit(view(folder, dataset=dataset), scores, Run(folder, **run))
    return (folder / "weights.pth").read_bytes()


def sample(present=(1,), size=(24, 32)):
    rng = np.random.default_rng(0)
    parts = {
        "image": rng.integers(256, size=(*size, 3), dtype=np.uint8),
        "image_labels": present,
        "saliency": rng.random(size, np.float32),
    }
    return Sample("image_000", parts.__getitem__)


def test_announcing_loads_no_torch():
    code = "import sys, wsss_sgan; wsss_sgan.wsss_refiners(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_it_is_announced_as_a_refiner_that_reads_labels_and_saliency():
    assert wsss_refiners() == {"sgan": Sgan}
    assert isinstance(Sgan(), Refiner)
    assert Sgan.needs == {"image_labels", "saliency"}


def test_defaults_are_the_released_ones():
    refiner = Sgan()
    assert (refiner.iterations, refiner.batch, refiner.crop) == (8_000, 15, 321)
    assert (refiner.lr, refiner.power, refiner.momentum) == (1e-3, 0.9, 0.9)
    assert (refiner.weight_decay, refiner.flip, refiner.dropout) == (5e-4, 0.5, 0.5)
    assert (refiner.seed_weight, refiner.seed_threshold) == (0.15, 0.3)
    assert (refiner.salient, refiner.fraction, refiner.conflicts) == (0.06, 0.25, "area")
    assert refiner.jitter == (0, 0, 0, 0)


def test_no_class_is_named_by_hand_unless_a_suite_does_so():
    assert Sgan().named_by_hand == ()


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    first, again, other = (
        fitted(tmp_path / name, sgan(), seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first == again != other


def test_options_of_the_masks_do_not_change_the_network(tmp_path):
    assert {*OTHER, "named_by_hand"} == Sgan.at_inference
    assert fitted(tmp_path / "a", sgan()) == fitted(tmp_path / "b", sgan(**OTHER))


def test_an_interrupted_fit_goes_on_to_the_same_bytes(tmp_path):
    whole = fitted(tmp_path / "whole", sgan())

    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted(tmp_path / "cut", sgan(), progress=stop)
    assert fitted(tmp_path / "cut", sgan()) == whole
    files = {path.name for path in (tmp_path / "cut").iterdir()} - {"log.txt", "read"}
    assert files == {"weights.pth", "network.json", "classes.json", "losses.json"}


@pytest.mark.parametrize("conflicts", ["area", "undefined"])
def test_a_row_from_scores_to_masks(tmp_path, conflicts):
    refiner = sgan(conflicts=conflicts)
    data = view(tmp_path)
    refiner.fit(data, rough_scores, Run(tmp_path))
    refine = refiner.load(tmp_path, "cpu")
    rule = build_rule("explicit", {"undefined": 0.0})
    for image_id in data:
        after = refine(data[image_id], rough_scores(image_id))
        after.validate(image_id, "sgan")
        assert after.classes == data[image_id].present
        assert after.size == (24, 32)
        assert np.isin(to_mask(after, rule, data[image_id]), [0, *after.classes, 255]).all()


def test_masks_survive_as_scores():
    mask = np.array([[0, 4, 19], [255, 19, 0]], np.uint8)
    rule = build_rule("explicit", {"undefined": 0.0})
    assert np.array_equal(to_mask(scores_of(mask, (4, 19)), rule, sample()), mask)


def test_seeds_are_learnt(tmp_path):
    refiner, data = sgan(iterations=40, batch=4, crop=64, seed_weight=1.0), view(tmp_path)
    networks = [refiner.network(2)]
    make = item_maker(data, rough_scores, refiner, Squashing.of(refiner, networks[0].backbone))
    batch = default_collate([make(i, np.random.default_rng(0)) for i in data])
    fitted(tmp_path, refiner)
    networks.append(refiner.load(tmp_path, "cpu").network)
    before, after = (SganLoss(1.0)(network.eval(), batch)["loss_seed"] for network in networks)
    assert after < 0.8 * before


def test_training_without_any_seed_goes_on_and_is_told(tmp_path, caplog):
    fitted(tmp_path, sgan(), nothing)
    assert caplog.text.count("has no seed") == 1


class Dull(FakeDataset):
    """Images without a salient pixel."""

    def saliency(self, image_id):
        return np.zeros((24, 32), np.float32)


def test_without_salient_pixels_everything_is_claimed_by_the_background(tmp_path):
    refiner, data = sgan(), view(tmp_path, dataset=Dull())
    fitted(tmp_path, refiner, dataset=Dull())
    after = refiner.load(tmp_path, "cpu")(data["image_000"], rough_scores("image_000"))
    assert (after.background + after.values.max(0) == 1).all()


@pytest.mark.parametrize("size", [(24, 1), (1, 24), (1, 1), (41, 70)])
def test_an_image_of_any_size_keeps_it(tmp_path, size):
    fitted(tmp_path, sgan())
    after = sgan().load(tmp_path, "cpu")(sample((2,), size), rough_scores("image_001"))
    assert after.size == size
    after.validate("odd", "the test")


def test_an_image_without_classes_is_background(tmp_path):
    fitted(tmp_path, sgan())
    after = sgan().load(tmp_path, "cpu")(sample(()), rough_scores("image_001"))
    assert after.classes == ()
    assert (to_mask(after, build_rule("explicit", {}), sample(())) == 0).all()


class Unlabelled(FakeDataset):
    def present(self, image_id):
        return () if image_id == "image_000" else super().present(image_id)


def test_an_image_without_classes_is_an_error_unless_the_suite_says_what_it_is(tmp_path):
    with pytest.raises(DataError, match="image_000 has no classes"):
        fitted(tmp_path, sgan(), dataset=Unlabelled())
    fitted(tmp_path / "skip", sgan(unlabelled="skip"), dataset=Unlabelled())


def test_initial_weights_fill_the_backbone(tmp_path):
    backbone = sgan().network(2, seed=5).backbone
    torch.save(backbone.state_dict(), tmp_path / "vgg.pth")
    refiner = sgan(lr=1e-12, iterations=1)
    fitted(tmp_path, refiner, weights=tmp_path / "vgg.pth")
    loaded = refiner.load(tmp_path, "cpu").network.backbone
    assert torch.allclose(loaded.features[0].weight, backbone.features[0].weight)


def test_a_checkpoint_replaces_training(tmp_path):
    network = sgan().network(2, seed=3)
    torch.save(network.state_dict(), tmp_path / "sgan.pth")
    refiner = sgan(checkpoint=str(tmp_path / "sgan.pth"))
    fitted(tmp_path, refiner)
    loaded = refiner.load(tmp_path, "cpu").network.state_dict()
    assert all(torch.equal(value, loaded[name]) for name, value in network.state_dict().items())


# Options


def test_classes_named_by_hand_leave_the_background_what_both_claim(tmp_path):
    fitted(tmp_path, sgan())
    refine = sgan(named_by_hand=["disc"]).load(tmp_path, "cpu")
    assert refine.yielding == (2,)


def test_a_class_named_by_hand_that_the_data_lack_is_refused(tmp_path):
    fitted(tmp_path, sgan())
    with pytest.raises(ConfigError, match=r"'named_by_hand' of Sgan names the class 'boat'.*disc"):
        sgan(named_by_hand=["boat"]).load(tmp_path, "cpu")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"conflicts": "largest"}, "'conflicts'"),
        ({"fraction": 1.0}, "'fraction'"),
        ({"seed_threshold": -0.1}, "'seed_threshold'"),
        ({"salient": 1.0}, "'salient'"),
        ({"seed_weight": -1.0}, "'seed_weight'"),
        ({"dropout": 1.0}, "'dropout'"),
        ({"keys": 0}, "'keys'"),
        ({"hidden": 0}, "'hidden'"),
        ({"conflicts": "undefined", "named_by_hand": ["disc"]}, "'named_by_hand'"),
        ({"speed": 1}, "no option 'speed'"),
    ],
)
def test_wrong_options_are_named(options, named):
    with pytest.raises(ConfigError, match=named):
        sgan(**options)
