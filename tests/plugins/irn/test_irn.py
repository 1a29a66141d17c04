"""IRN as a refiner: training, walking, a row from images to masks, and what goes wrong."""

import subprocess
import sys
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from fake_data import FakeDataset, rough_scores, view
from torch.utils.data import default_collate

from wsss_harness.cli.weights_match import networks, skeleton
from wsss_harness.contract.errors import ConfigError, PluginError
from wsss_harness.contract.hookspecs import Refiner, Run
from wsss_harness.contract.types import ClassScores, Sample
from wsss_harness.networks.backbones.weights import misfit
from wsss_harness.networks.classmaps.augment import Cropping
from wsss_harness.networks.training.optimizers import make_optimizer
from wsss_harness.plugins.options import construct
from wsss_harness.system import parallel
from wsss_irn import CamIrn, Irn, wsss_refiners
from wsss_irn.items import item_maker
from wsss_irn.loss import BoundaryLoss
from wsss_irn.network import EdgeShape
from wsss_irn.released import adapted

needs_crf = pytest.mark.skipif(
    find_spec("pydensecrf") is None, reason="pydensecrf2 needs a compiler to install"
)
SLIM = {"name": "resnet38", "width": 0.0625}
QUICK = {
    "backbone": SLIM,
    "crf": "none",
    "radius": 3,
    "iterations": 3,
    "batch": 2,
    "crop": 32,
    "checkpoint_every": 1,
}
BLANK = np.zeros((24, 32, 3), np.uint8)


@pytest.fixture(autouse=True)
def one_core(monkeypatch):
    monkeypatch.setattr(parallel, "cores", lambda: 1)  # which decides how fast it is, no more


def irn(**options):
    return construct("refiner 'irn'", Irn, QUICK | options)


def sample(image=BLANK):
    return Sample("image_000", {"image": image}.__getitem__)


def fitted(folder, refiner, scores=rough_scores, **run):
    refiner.fit(view(folder, ()), scores, Run(folder, **run))
    return (folder / "weights.pth").read_bytes()


def test_announcing_loads_no_torch():
    code = "import sys, wsss_irn; wsss_irn.wsss_refiners(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_it_is_announced_as_a_refiner_that_reads_no_supervision():
    assert wsss_refiners() == {"irn": Irn}
    assert isinstance(Irn(), Refiner)
    assert Irn.needs == frozenset()


def test_defaults_are_the_released_ones():
    refiner = Irn()
    assert refiner.iterations == 3 * (10_582 // 32)
    assert (refiner.batch, refiner.crop, refiner.rescale) == (32, 512, (0.5, 1.5))
    assert (refiner.lr, refiner.head_lr, refiner.weight_decay) == (0.1, 1.0, 1e-4)
    assert (refiner.momentum, refiner.power, refiner.jitter) == ("released", 0.9, (0, 0, 0, 0))
    assert (refiner.sure_foreground, refiner.sure_background) == (0.30, 0.05)
    assert (refiner.radius, refiner.walk_radius, refiner.beta) == (10, 5, 10.0)
    assert (refiner.steps, refiner.background) == (256, 0.25)
    assert refiner.parameters().certainty == 0.7


def test_every_parameter_of_the_head_has_the_released_rate_decay_and_momentum():
    network = EdgeShape(SLIM, ()).build()
    (group,) = make_optimizer(network, Irn()).param_groups
    assert {id(p) for p in group["params"]} == {id(p) for p in network.head.parameters()}
    assert (group["lr"], group["weight_decay"], group["momentum"]) == (0.1, 1e-4, 1e-4)


@pytest.mark.parametrize("crf", ["none", pytest.param("irn", marks=needs_crf)])
def test_fitting_leaves_the_network_and_nothing_else(tmp_path, crf):
    fitted(tmp_path, irn(crf=crf))
    files = {path.name for path in tmp_path.iterdir()} - {"log.txt"}
    assert files == {"weights.pth", "network.json", "losses.json"}


def test_labels_of_a_crf_that_is_not_installed_say_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydensecrf", None)
    with pytest.raises(PluginError, match=r"pip install"):
        fitted(tmp_path, irn(crf="irn"))


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    first, again, other = (
        fitted(tmp_path / name, irn(), seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first == again != other


def test_options_of_the_walk_do_not_change_the_network(tmp_path):
    other = {"walk_radius": 3, "beta": 3.0, "steps": 5, "background": 0.5}
    assert set(other) == Irn.at_inference
    assert fitted(tmp_path / "a", irn()) == fitted(tmp_path / "b", irn(**other))


def test_an_interrupted_fit_goes_on_to_the_same_bytes(tmp_path):
    whole = fitted(tmp_path / "whole", irn())

    def stop(done, total):
        if total == 3 and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted(tmp_path / "cut", irn(), progress=stop)
    assert fitted(tmp_path / "cut", irn()) == whole


def test_the_backbone_learns_if_it_is_not_frozen(tmp_path, caplog):
    before = irn().network(2).backbone.state_dict()
    refiner = irn(frozen="none", optimizer="adamw", lr=1e-6)
    fitted(tmp_path, refiner, seed=0)
    after = refiner.load(tmp_path, "cpu").network.backbone.state_dict()
    assert any(not torch.equal(value, after[name]) for name, value in before.items())
    assert "random" not in caplog.text


def test_boundaries_are_learnt_between_classes(tmp_path):
    refiner = irn(iterations=50, batch=4, rescale=(2.0, 2.0), crop=64)
    data, networks = view(tmp_path, ()), [refiner.shape(2).build().eval()]
    cropping = Cropping.of(refiner, networks[0].backbone)
    make = item_maker(data, FakeDataset().truth, (2.0, 2.0), 4, cropping)
    batch = default_collate([make(i, np.random.default_rng(0)) for i in data])
    fitted(tmp_path, refiner, one_hot)
    networks.append(EdgeShape.load(tmp_path, "cpu"))
    before, after = (sum(BoundaryLoss(3)(network, batch).values()) for network in networks)
    assert after < 0.9 * before


def test_the_explanation_is_the_boundaries(tmp_path):
    refiner = irn()
    fitted(tmp_path, refiner)
    explain = refiner.explain(tmp_path, "cpu")
    ((name, edge, place),) = explain(
        sample(FakeDataset().image("image_001")), rough_scores("image_001")
    )
    assert (name, place, edge.shape) == ("class boundaries", None, (24, 32))
    assert 0 < edge.min() < edge.max() < 1
    assert (edge.reshape(6, 4, 8, 4) == edge.reshape(6, 4, 8, 4)[:, :1, :, :1]).all()


def one_hot(image_id):
    """Scores that are the truth."""
    dataset = FakeDataset()
    present = dataset.present(image_id)
    values = [(dataset.truth(image_id) == c).astype(np.float32) for c in present]
    return ClassScores(present, np.stack(values))


def test_a_row_from_images_to_masks(tmp_path):
    """The classifier, its scores, boundaries learnt from them, and scores after the walk."""
    data = view(tmp_path, CamIrn.needs)
    cam = construct("generator 'cam_irn'", CamIrn, {**CamIrn.quick, "resize": [24, 32]})
    cam.fit(data, Run(tmp_path / "cam"))
    score = cam.load(tmp_path / "cam", "cpu")
    scores = {image_id: score(data[image_id]) for image_id in data}
    refiner = irn(steps=16)
    refiner.fit(data, scores.__getitem__, Run(tmp_path / "irn"))
    refine = refiner.load(tmp_path / "irn", "cpu")
    together = refine.many([data[i] for i in data], list(scores.values()))
    for image_id, batched in zip(data, together, strict=True):
        after = refine(data[image_id], scores[image_id])
        after.validate(image_id, "irn")
        assert after.classes == FakeDataset().present(image_id)
        assert after.values.max() in (0, 1)
        assert (after.background == 0.25).all()
        assert np.abs(after.values - batched.values).max() < 1e-4


@pytest.mark.parametrize("size", [(24, 1), (1, 24), (1, 1), (41, 70)])
def test_an_image_of_any_size_keeps_it(tmp_path, size):
    fitted(tmp_path, irn())
    image = np.zeros((*size, 3), np.uint8)
    before = ClassScores((2,), np.ones((1, *size), np.float32))
    after = irn().load(tmp_path, "cpu")(sample(image), before)
    assert after.size == size
    after.validate("odd", "the test")


def test_an_image_without_classes_is_background(tmp_path):
    fitted(tmp_path, irn())
    nothing = ClassScores((), np.zeros((0, 24, 32), np.float32))
    after = irn().load(tmp_path, "cpu")(sample(), nothing)
    assert after.classes == ()
    assert (after.background == 0.25).all()


def test_scores_of_another_size_are_named(tmp_path):
    fitted(tmp_path, irn())
    refine = irn().load(tmp_path, "cpu")
    with pytest.raises(PluginError, match=r"image_000.*\(9, 9\).*\(24, 32\)"):
        refine(sample(), ClassScores((1,), np.ones((1, 9, 9), np.float32)))


def test_scores_to_learn_from_of_another_size_are_named(tmp_path):
    def small(image_id):
        return ClassScores((1,), np.ones((1, 9, 9), np.float32))

    with pytest.raises(PluginError, match=r"image_000.*\(9, 9\).*\(24, 32\)"):
        fitted(tmp_path, irn(), small)


def test_a_backbone_that_stays_random_is_told(tmp_path, caplog):
    weights = tmp_path / "backbone.pth"
    torch.save(EdgeShape(SLIM, ()).build(seed=5).backbone.state_dict(), weights)
    warning = "never trained, and here its weights are random"
    fitted(tmp_path / "filled", irn(), weights=weights)
    assert warning not in caplog.text
    fitted(tmp_path / "random", irn())
    assert warning in caplog.text


@pytest.mark.parametrize("value", [0.0, 0.2, 1.0])
def test_labels_of_one_kind_or_none_train(tmp_path, value):
    """All background, all unknown, and all of one class per image."""

    def even(image_id):
        return ClassScores((1,), np.full((1, 24, 32), value, np.float32))

    fitted(tmp_path, irn(), even)


# Checkpoints


def irn_checkpoint(network):
    """A state as jiwoon-ahn/irn saves it: lists repeat tensors, displacements come along."""
    state = {}
    for name, value in network.state_dict().items():
        if name.startswith("head."):
            state[name.removeprefix("head.")] = value
            state["edge_layers.0." + name.rpartition(".")[2]] = value
        else:
            own = name.removeprefix("backbone.")
            state[f"resnet50.{own}"] = state[f"stage1.{own}"] = state[f"backbone.0.{own}"] = value
    displacements = {"fc_dp1.0.weight": torch.zeros(64, 64, 1, 1)}
    return state | displacements | {"mean_shift.running_mean": torch.zeros(2)}


def test_a_checkpoint_of_the_official_code_is_read(tmp_path):
    shape = {"name": "resnet50", "output_stride": 16, "dilated": False}
    network = EdgeShape(shape, ()).build(seed=3)
    torch.save(irn_checkpoint(network), tmp_path / "res50_irn.pth")
    fitted(tmp_path, irn(backbone=shape, crop=32, checkpoint=str(tmp_path / "res50_irn.pth")))
    loaded = EdgeShape.load(tmp_path, "cpu").state_dict()
    assert all(torch.equal(value, loaded[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("kind", ["generator", "refiner"])
def test_inspection_knows_checkpoints_of_the_official_code(kind):
    cls = {"generator": CamIrn, "refiner": Irn}[kind]
    offers = {"generator": {}, "refiner": {}} | {kind: {"irn": SimpleNamespace(announced=cls)}}
    known = next(networks(SimpleNamespace(offers=offers), 20))
    own = skeleton(known)
    network = SimpleNamespace(state_dict=lambda: own)
    state = irn_checkpoint(network)
    if kind == "generator":
        state["classifier.weight"] = state.pop("weight")
    assert misfit(known.fit(state), own).size == 0


def test_a_tensor_that_nobody_knows_is_not_dropped():
    assert "backbone.extra.weight" in adapted({"backbone.extra.weight": torch.zeros(1)})


# Options


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"crf": "sharp"}, "option 'crf' of Irn is 'sharp'"),
        ({"crf_scale": 0.0}, "'crf_scale'"),
        ({"radius": 1}, "'radius'"),
        ({"walk_radius": 1}, "'walk_radius'"),
        ({"beta": 0.0}, "'beta'"),
        ({"steps": "many"}, "'steps'"),
        ({"steps": -1}, "'steps'"),
        ({"background": 1.5}, "'background'"),
        ({"rescale": [1.5, 0.5]}, "'rescale'"),
        ({"sure_background": 0.4}, "'sure_background'"),
        ({"speed": 1}, "no option 'speed'"),
    ],
)
def test_wrong_options_are_named(options, named):
    with pytest.raises(ConfigError, match=named):
        irn(**options)


@pytest.mark.parametrize("options", [{"crop": 36}, {"crop": 32, "radius": 5}])
def test_a_crop_that_holds_no_pair_is_refused(tmp_path, options):
    with pytest.raises(ConfigError, match=r"'crop' of Irn is \d+; expected a multiple of 8"):
        fitted(tmp_path, irn(**options))
