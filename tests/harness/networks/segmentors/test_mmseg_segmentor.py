"""A segmentor learns from masks, resumes to the byte and says what is wrong with its input."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_data import FakeDataset, view
from torch.nn.functional import cross_entropy

from wsss_harness.contract.errors import ConfigError, DataError, SupervisionError
from wsss_harness.contract.hookspecs import Run, Segmentor
from wsss_harness.networks import backbones
from wsss_harness.networks.segmentors import MmsegSegmentor, fitting, inference
from wsss_harness.networks.segmentors.mmseg_segmentor import config_file
from wsss_harness.system import files, pictures

TINY = """
_base_ = "{base}"
model = dict(
    backbone=dict(stem_channels=8, base_channels=8, strides=(1,) * 4, dilations=(1,) * 4),
    decode_head=dict(in_channels=64, rate=2),
)
train = dict(iterations=6, batch=4, crop=24, scales=[1.0], flip=0.5)
"""
CONFIGS = files.configs() / "segmentors"
DATA = FakeDataset()


class Killed(BaseException):
    """Stands for a signal: nothing of ours catches it."""


@pytest.fixture
def masks(tmp_path):
    folder = tmp_path / "masks"
    for image_id in DATA.ids("train"):
        pictures.write_mask(folder / f"{image_id}.png", DATA.truth(image_id))
    return folder


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "tiny.py"
    base = CONFIGS / "deeplab_v1_railscenes.py"
    path.write_text(TINY.format(base=base))
    return MmsegSegmentor(config=str(path), checkpoint_every=2)


def fit(segmentor, masks, folder, **options):
    run = Run(folder, seed=1, **options)
    segmentor.fit(view(folder, ()), masks, run)
    return (folder / "weights.pth").read_bytes()


def test_segmentor_needs_no_supervision(tiny):
    assert isinstance(tiny, Segmentor)
    assert tiny.needs == frozenset()


def test_options_replace_the_values_of_the_configuration(tiny):
    options = {"iterations": 3, "batch": 2, "crop": 32, "lr": 0.5}
    changed = replace(tiny, **options, rescale=(0.5, 2.0), mirror=0.0).configuration(2)
    assert changed.train == {
        **tiny.configuration(2).train,
        **{"iterations": 3, "batch": 2, "crop": 32, "scales": (0.5, 2.0), "flip": 0.0},
    }
    assert changed.optim_wrapper.optimizer.lr == 0.5


@pytest.mark.parametrize(
    ("name", "value"),
    [("batch", 0), ("lr", -1.0), ("rescale", ()), ("rescale", (0.0, 1.0)), ("mirror", 1.5)],
)
def test_options_out_of_range_are_named(tiny, name, value):
    with pytest.raises(ConfigError, match=name):
        replace(tiny, **{name: value})


def test_segmentor_overfits_a_few_images(tiny, masks, tmp_path):
    fit(replace(tiny, iterations=60, checkpoint_every=100), masks, tmp_path / "fit")
    segment = tiny.load(tmp_path / "fit", "cpu")
    data = view(tmp_path, ())
    right = [np.mean(segment(data[i]) == DATA.truth(i)) for i in DATA.ids("train")]
    background = np.mean([np.mean(DATA.truth(i) == 0) for i in DATA.ids("train")])
    assert np.mean(right) > background + 0.5 * (1 - background)


def test_masks_have_the_size_of_their_image(tiny, masks, tmp_path):
    fit(tiny, masks, tmp_path / "fit")
    segmentor = replace(tiny, scales=(0.75, 1.0, 1.5), flip=True)
    data = view(tmp_path, (), split="val")
    for loaded in (tiny, segmentor):
        mask = loaded.load(tmp_path / "fit", "cpu")(data[data.ids[0]])
        assert mask.shape == data[data.ids[0]].image.shape[:2]
        assert mask.dtype == np.uint8
        assert set(np.unique(mask)) <= {0, 1, 2}


@pytest.mark.parametrize("killed_at", [1, 3, 4])
def test_a_killed_training_ends_with_the_same_bytes(tiny, masks, tmp_path, killed_at):
    def kill(done, total):
        if done == killed_at:
            raise Killed

    whole = fit(tiny, masks, tmp_path / "whole")
    with pytest.raises(Killed):
        fit(tiny, masks, tmp_path / "killed", progress=kill)
    assert fit(tiny, masks, tmp_path / "killed") == whole
    names = sorted(path.name for path in (tmp_path / "killed").iterdir())
    assert names == ["config.json", "losses.json", "weights.pth"]


def test_a_finished_fit_is_not_done_again(tiny, masks, tmp_path):
    fit(tiny, masks, tmp_path / "fit")
    seen = []
    fit(tiny, masks, tmp_path / "fit", progress=lambda done, total: seen.append(done))
    assert seen == []


POOLED = """
_base_ = "{base}"
model = dict(
    backbone=dict(stem_channels=8, base_channels=8, strides=(1,) * 4, dilations=(1,) * 4),
    decode_head=dict(
        _delete_=True, type="ASPPHead", in_channels=64, channels=8, dilations=(1, 2),
        norm_cfg=dict(type="BN"), num_classes=0, in_index=-1,
        loss_decode=dict(type="CrossEntropyLoss", avg_non_ignore=True),
    ),
)
train = dict(iterations=2, batch=1, crop=24, scales=[1.0], flip=0.5)
"""


def test_batch_of_one_trains_a_head_that_pools_the_image(masks, tmp_path):
    path = tmp_path / "pooled.py"
    path.write_text(POOLED.format(base=CONFIGS / "deeplab_v1_railscenes.py"))
    fit(MmsegSegmentor(config=str(path)), masks, tmp_path / "fit")
    state = torch.load(tmp_path / "fit" / "weights.pth", weights_only=True)
    assert all(torch.isfinite(value).all() for value in state.values())


def test_pretrained_weights_reach_the_backbone(tiny, masks, tmp_path):
    torch.manual_seed(0)
    initial = backbones.build("openmmlab_resnet", base_channels=8)
    torch.save(initial.state_dict(), tmp_path / "backbone.pth")
    still = replace(tiny, iterations=1)
    (tmp_path / "still.py").write_text(
        "_base_ = 'tiny.py'\noptim_wrapper = dict(optimizer=dict(lr=0.0, weight_decay=0.0))\n"
    )
    still = replace(still, config=str(tmp_path / "still.py"))
    fit(still, masks, tmp_path / "fit", weights=tmp_path / "backbone.pth")
    state = torch.load(tmp_path / "fit" / "weights.pth", weights_only=True)
    for name, value in initial.named_parameters():
        assert torch.equal(state[f"backbone.{name}"], value)


def test_ignored_pixels_have_no_loss(tiny):
    from wsss_harness.networks.segmentors import fitting

    network = fitting.build(tiny.configuration(2).model, 0).eval()
    images = torch.randint(0, 255, (2, 3, 24, 24), dtype=torch.uint8)
    masks = torch.randint(0, 3, (2, 1, 24, 24))
    masks[:, :, 12:] = 255
    actual = fitting.loss(network, {"images": images, "masks": masks})["decode.loss_ce"]
    mean, std = (
        torch.tensor(v).view(3, 1, 1) for v in ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
    )
    logits = network.encode_decode((images - mean) / std, [{"img_shape": (24, 24)}])
    expected = cross_entropy(logits[:, :, :12].double(), masks[:, 0, :12])
    torch.testing.assert_close(actual.double(), expected, rtol=1e-5, atol=1e-6)
    nothing = fitting.loss(network, {"images": images, "masks": torch.full_like(masks, 255)})
    assert nothing["decode.loss_ce"].item() == 0


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda path: path.unlink(), r"image_\d+\.png is missing"),
        (lambda path: path.write_bytes(b"PNG"), r"image_\d+\.png cannot be read as an image"),
        (
            lambda path: pictures.write_mask(path, np.zeros((5, 7), np.uint8)),
            r"image_\d+\.png is 7x5, but its image is 32x24",
        ),
        (
            lambda path: pictures.write_mask(path, np.full((24, 32), 3, np.uint8)),
            r"image_\d+\.png holds the value 3, .* values are 0\.\.2 or 255",
        ),
    ],
)
def test_bad_masks_are_named(tiny, masks, tmp_path, break_it, message):
    for path in masks.iterdir():
        break_it(path)
    with pytest.raises(DataError, match=message):
        fit(tiny, masks, tmp_path / "fit")


def test_segmentor_cannot_read_labels_or_truth(tmp_path):
    data = view(tmp_path, ())
    with pytest.raises(SupervisionError, match="declares nothing"):
        _ = data[data.ids[0]].present
    with pytest.raises(SupervisionError, match="truth"):
        data.truth("image_000")


def test_unknown_configuration_lists_the_available_ones():
    with pytest.raises(ConfigError, match=r"'deeplab_v9' is not there; .*deeplab_v1_railscenes"):
        MmsegSegmentor(config="deeplab_v9")


def test_an_incomplete_configuration_is_named(tmp_path):
    (tmp_path / "half.py").write_text("model = dict()\n")
    with pytest.raises(ConfigError, match=r"half\.py' does not set 'train'"):
        MmsegSegmentor(str(tmp_path / "half.py")).configuration(2)


def test_identity_follows_the_text_of_a_configuration_and_of_its_base(tmp_path):
    base, top = tmp_path / "base.py", tmp_path / "top.py"
    base.write_text("train = dict(batch=4)\n")
    top.write_text("_base_ = 'base.py'\n")
    before = MmsegSegmentor(config=str(top)).identity()
    assert before == MmsegSegmentor(config=str(top)).identity()
    base.write_text("train = dict(batch=5)\n")
    assert before != MmsegSegmentor(config=str(top)).identity()


@pytest.mark.parametrize("name", sorted(p.stem for p in CONFIGS.glob("*.py")))
def test_every_shipped_configuration_builds_and_cites_its_paper(name):
    import ast

    settings = MmsegSegmentor(name).configuration(3)
    with torch.device("meta"):
        network = fitting.assemble(settings.model)
    assert network.num_classes == 4
    assert settings.train.iterations > 0
    docstring = ast.get_docstring(ast.parse(config_file(name).read_text()))
    assert "Chen et al." in docstring


IMAGE = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
MASK = np.random.default_rng(1).integers(0, 4, (20, 30)).astype(np.uint8)


def test_a_crf_at_test_time_follows_the_borders_of_the_image():
    pytest.importorskip("pydensecrf", reason="it needs a compiler to install")
    image = np.zeros((12, 16, 3), np.uint8)
    image[:, 8:] = 255

    class Leaning:
        """Says class 1 a column too far to the left of the border."""

        align_corners = False

        def data_preprocessor(self, inputs, training):
            return {"inputs": inputs["inputs"][0][None].float()}

        def encode_decode(self, view, metas):
            logits = torch.zeros(1, 2, *view.shape[2:])
            logits[:, 1, :, 7:] = 0.4
            logits[:, 0, :, :7] = 0.4
            return logits

    plain = inference.segment(Leaning(), image, MmsegSegmentor())
    sharp = inference.segment(Leaning(), image, MmsegSegmentor(crf="deeplab"))
    assert plain[:, 7].all()
    assert np.array_equal(sharp, (image[..., 0] > 0).astype(np.uint8))


def test_unknown_crf_is_refused(tiny):
    with pytest.raises(ConfigError, match="no CRF parameters are named 'best'; there are psa"):
        replace(tiny, crf="best")
