"""The generators of MCTformer: released defaults, weights to start from, training and scores."""

import importlib
import subprocess
import sys

import numpy as np
import pytest
import torch
from fake_data import FakeDataset, view

import wsss_mctformer
from wsss_harness.contract.errors import ConfigError, MissingExtra
from wsss_harness.contract.hookspecs import Generator
from wsss_harness.contract.run import Run
from wsss_harness.contract.types import ClassScores
from wsss_harness.networks import backbones
from wsss_harness.networks.checkpoints import read_state
from wsss_harness.system import extras
from wsss_mctformer import MctformerPlus, MctformerV1, MctformerV2, PatchAffinity

SLIM = {"name": "vit_slim", "dim": 16, "depth": 2, "heads": 2, "grid": 3, "drop_path": 0.1}
QUICK = {"iterations": 3, "batch": 2, "crop": 24, "resize": (24, 32), "warmup": 0}
ALL = (MctformerV1, MctformerV2, MctformerPlus)


def slim(method=MctformerPlus, **options):
    return method(**({"backbone": SLIM} | QUICK | options))


def fitted(folder, method=MctformerPlus, run=None, **options):
    folder.mkdir(exist_ok=True)
    generator = slim(method, **options)
    generator.fit(view(folder, method.needs), run or Run(folder))
    return generator


def test_announcing_loads_neither_torch_nor_timm():
    heavy = "{'torch', 'timm'} & {*sys.modules}"
    code = f"import sys, wsss_mctformer as m; m.wsss_generators(); sys.exit(len({heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_timm_the_plugin_is_set_aside_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda module: None)
    with pytest.raises(MissingExtra, match=r"pip install 'wsss-bench\[vit\]'"):
        importlib.reload(wsss_mctformer)
    monkeypatch.undo()
    importlib.reload(wsss_mctformer)


def test_defaults_are_those_of_the_released_programs():
    images = 10_582
    v2, plus = MctformerV2(), MctformerPlus()
    assert (v2.iterations, v2.warmup) == (60 * (images // 64), 5 * (images // 64))
    assert (plus.iterations, plus.warmup) == (45 * (images // 32), 5 * (images // 32))
    assert (v2.lr, plus.lr) == (5e-4 * 64 / 512, 5e-4 * 32 / 512)
    assert (v2.crop, plus.crop) == (224, 448)
    assert (v2.decay, plus.decay) == (1, 0.996)
    assert (v2.fusion, plus.fusion) == ("product", "root")
    assert (v2.layers, plus.layers, plus.contrast_layers, plus.contrast) == (3, 12, 12, 1)
    assert (v2.weight_decay, v2.optimizer) == (0.05, "adamw")
    assert (v2.scales, plus.scales) == ((1,), (1, 0.75, 1.25))
    assert (v2.backbone["positions"], plus.backbone["grid"]) == ("dino", 28)
    assert plus.backbone["loaded_positions"] == "repeat"
    assert MctformerV1().maps == "tokens"


@pytest.mark.parametrize("method", ALL)
def test_it_trains_and_scores_the_present_classes_of_every_image(tmp_path, method):
    generator = fitted(tmp_path / "fit", method)
    assert isinstance(generator, Generator)
    data = view(tmp_path, method.needs)
    score = generator.load(tmp_path / "fit", "cpu")
    for image_id in data:
        scores = score(data[image_id])
        assert scores.classes == FakeDataset().present(image_id)
        scores.validate(image_id, "mctformer")
    names = set(read_state(tmp_path / "fit" / "weights.pth"))
    assert ("head.weight" in names) == (method is not MctformerV1)


@pytest.mark.parametrize("maps", ["fused", "tokens", "patches"])
@pytest.mark.parametrize("affinity", ["patches", "none"])
def test_maps_and_affinity_are_chosen_at_inference(tmp_path, maps, affinity):
    if not (tmp_path / "fit").exists():
        fitted(tmp_path / "fit", iterations=1)
    data = view(tmp_path, MctformerPlus.needs)
    chosen = slim(maps=maps, affinity=affinity, scales=(1.0, 1.5))
    scores = chosen.load(tmp_path / "fit", "cpu")(data[data.ids[0]])
    scores.validate(data.ids[0], "mctformer_plus")


def test_the_attention_among_patches_is_left_for_refiners(tmp_path):
    generator = fitted(tmp_path / "fit", iterations=1)
    data = view(tmp_path, MctformerPlus.needs)
    score = generator.load(tmp_path / "fit", "cpu")
    scores = score.many([data[image_id] for image_id in data.ids[:2]])
    affinity = scores[1].arrays["affinity"]
    assert set(scores[1].arrays) == MctformerPlus.leaves == PatchAffinity.wants
    assert affinity.shape == (3, 4, 3, 4)
    image = data[data.ids[1]].image
    normal = (image / 255 - score.network.mean) / score.network.std
    values = torch.tensor(normal.transpose(2, 0, 1)[None], dtype=torch.float32)
    tokens = score.network.backbone.tokens(values, "heads")
    total = sum(weights[0].mean(0)[2:, 2:] for weights in tokens.attention)
    torch.testing.assert_close(torch.tensor(affinity.reshape(12, 12)), total, atol=1e-5, rtol=1e-4)
    with pytest.raises(KeyError):
        scores[0].arrays["attention"]
    assert not torch.equal(torch.tensor(affinity), torch.tensor(scores[0].arrays["affinity"]))


def test_the_refiner_spreads_what_it_is_given(tmp_path):
    data = view(tmp_path, MctformerPlus.needs)
    sample = data[data.ids[0]]
    values = np.random.default_rng(0).random((2, *sample.image.shape[:2])).astype(np.float32)
    arrays = PatchAffinity.example_arrays(*sample.image.shape[:2])
    refine = PatchAffinity(rounds=2).load(tmp_path, "cpu")
    before = ClassScores(sample.present, values, arrays=arrays)
    after = refine(sample, before)
    after.validate(sample.image_id, "patch_affinity")
    assert after.classes == before.classes
    none = ClassScores((), values[:0], arrays=arrays)
    assert refine(sample, none) is none
    with pytest.raises(ConfigError, match="option 'rounds'"):
        PatchAffinity(rounds=0)


def test_each_class_token_starts_from_the_token_of_the_file(tmp_path):
    torch.manual_seed(1)
    state = backbones.build(**SLIM).state_dict()
    torch.save(state, tmp_path / "deit.pth")
    backbone = {**SLIM, "grid": 6, "loaded_positions": "repeat", "drop_path": 0.0}
    run = Run(tmp_path / "fit", weights=tmp_path / "deit.pth")
    fitted(tmp_path / "fit", run=run, backbone=backbone, iterations=1, lr=1e-12)
    trained = read_state(tmp_path / "fit" / "weights.pth")
    tokens = state["cls_token"].expand(1, 2, -1)
    torch.testing.assert_close(trained["backbone.cls_token"], tokens, atol=1e-6, rtol=0)
    first = trained["backbone.pos_embed"][0, 2:].reshape(6, 6, -1)
    original = state["pos_embed"][0, 1:].reshape(3, 3, -1)
    torch.testing.assert_close(first[::2, 1::2], original, atol=1e-6, rtol=0)


def test_a_killed_training_ends_with_the_same_bytes(tmp_path):
    fitted(tmp_path / "whole", checkpoint_every=1, checkpoint_seconds=0)

    def killed(done, total):
        if done == 2:
            raise KeyboardInterrupt

    run = Run(tmp_path / "killed", progress=killed)
    with pytest.raises(KeyboardInterrupt):
        fitted(tmp_path / "killed", run=run, checkpoint_every=1, checkpoint_seconds=0)
    fitted(tmp_path / "killed", checkpoint_every=1, checkpoint_seconds=0)
    bytes_of = [(tmp_path / name / "weights.pth").read_bytes() for name in ("whole", "killed")]
    assert bytes_of[0] == bytes_of[1]


def test_the_last_normalisation_changes_the_patch_head_alone():
    torch.manual_seed(0)
    images = torch.randn(1, 3, 24, 24)
    unused, patches = (slim(last_norm=norm).network(2).eval() for norm in ("unused", "patches"))
    before, after = unused(images), patches(images)
    assert torch.equal(before.class_logits, after.class_logits)
    assert not torch.allclose(before.patch_logits, after.patch_logits)


def test_images_without_a_class_are_learnt_from_when_asked(tmp_path):
    network = slim().network(2)
    batch = {"image": torch.randn(2, 3, 24, 24), "present": torch.zeros(2, 2)}
    losses = slim().loss(("square", "disc"))(network, batch)
    assert losses["loss_contrast"] == 0
    assert all(torch.isfinite(loss) for loss in losses.values())


def test_losses_of_each_form():
    network = slim().network(2)
    batch = {"image": torch.randn(2, 3, 24, 24), "present": torch.eye(2)}
    names = {
        method: set(slim(method).loss(("a", "b"))(slim(method).network(2), batch)) for method in ALL
    }
    assert names[MctformerV1] == {"loss_cls"}
    assert names[MctformerV2] == {"loss_cls", "loss_patch"}
    assert names[MctformerPlus] == {"loss_cls", "loss_patch", "loss_contrast"}
    one, ten = (slim(contrast=w).loss(("a", "b"))(network.eval(), batch) for w in (1, 10))
    torch.testing.assert_close(10 * one["loss_contrast"], ten["loss_contrast"])


@pytest.mark.parametrize(
    ("method", "wrong"),
    [
        (MctformerPlus, {"backbone": {"name": "resnet38"}}),
        (MctformerPlus, {"backbone": {**SLIM, "class_tokens": 3}}),
        (MctformerPlus, {"decay": 0.0}),
        (MctformerPlus, {"layers": 0}),
        (MctformerPlus, {"contrast": -1.0}),
        (MctformerPlus, {"contrast_layers": 0}),
        (MctformerPlus, {"pooling": "pool_then_head"}),
        (MctformerV1, {"maps": "fused"}),
    ],
)
def test_an_option_out_of_range_is_named(method, wrong):
    with pytest.raises(ConfigError, match=f"option '{next(iter(wrong))}'"):
        slim(method, **wrong)
