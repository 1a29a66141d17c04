"""The generators ToCo and SeCo: released defaults, fits that resume, scores and masks."""

import subprocess
import sys

import numpy as np
import pytest
from fake_data import FakeDataset, view

from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.hookspecs import Generator, Run
from wsss_harness.plugins.loading import is_single_stage
from wsss_harness.plugins.options import construct
from wsss_toco import SeCo, ToCo, wsss_generators

METHODS = [ToCo, SeCo]


def quick(cls, **options):
    few = {"iterations": 4, "batch": 2, "crop": 32, "crop_size": 16, "checkpoint_every": 1}
    return construct("the test", cls, {**cls.quick, **few, **options})


def fitted(folder, cls, run=None, **options):
    folder.mkdir(exist_ok=True)
    quick(cls, **options).fit(view(folder, cls.needs), Run(folder, **(run or {})))
    return (folder / "weights.pth").read_bytes()


def test_announcing_loads_no_torch():
    code = "import sys, wsss_toco; wsss_toco.wsss_generators(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("cls", METHODS)
def test_they_are_single_stage_generators(cls):
    assert cls in wsss_generators().values()
    assert isinstance(cls(), Generator)
    assert is_single_stage(cls())


def test_defaults_are_the_released_ones():
    toco, seco = ToCo(), SeCo()
    for method in (toco, seco):
        assert (method.iterations, method.batch, method.crop) == (20_000, 4, 448)
        assert (method.lr, method.weight_decay, method.warmup) == (6e-5, 0.01, 1500)
        assert (method.low, method.high, method.layer) == (0.25, 0.7, -3)
        assert method.segment_after == 2_000
    assert (toco.patches, toco.crop_weight, toco.segmentation, toco.energy) == (0.2, 0.5, 0.1, 0.05)
    assert (toco.crops, toco.crop_size, toco.map_scales) == (8, 96, (1.0, 0.5, 1.5))
    assert (seco.patches, seco.tag_weight, seco.segmentation) == (0.3, 0.5, 0.12)
    assert (seco.crops, seco.crop_size, seco.map_scales) == (10, 64, (1.0, 0.5, 0.75, 1.5))
    assert (seco.queue, seco.prototypes_from, seco.contrast_after) == (4608, 600, 1000)


@pytest.mark.parametrize("cls", METHODS)
def test_a_killed_fit_goes_on_to_the_same_bytes(tmp_path, cls):
    whole = fitted(tmp_path / "whole", cls)

    def killed(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted(tmp_path / "killed", cls, {"progress": killed})
    assert fitted(tmp_path / "killed", cls) == whole


@pytest.mark.parametrize("cls", METHODS)
@pytest.mark.parametrize("scored", ["last", "middle"])
def test_scores_are_of_present_classes_and_masks_need_no_labels(tmp_path, cls, scored):
    fitted(tmp_path / "fit", cls)
    method, data = quick(cls, scored=scored), view(tmp_path, cls.needs)
    score, segment = (
        load(tmp_path / "fit", "cpu") for load in (method.load, method.load_segmentor)
    )
    bare = view(tmp_path, ())
    for image_id in data.ids[:3]:
        scores = score(data[image_id])
        scores.validate(image_id, "the test")
        assert scores.classes == FakeDataset().present(image_id)
        mask = segment(bare[image_id])
        assert (mask.shape, mask.dtype) == ((24, 32), np.uint8)
        assert mask.max() <= 2


@pytest.mark.parametrize(
    ("cls", "options", "named"),
    [
        (ToCo, {"backbone": {"name": "resnet38"}}, "a vision transformer"),
        (ToCo, {"low": 0.8}, "option 'low'"),
        (ToCo, {"crop_size": 32}, "less than the option crop"),
        (ToCo, {"rescale": (2.0, 1.0)}, "the smaller one first"),
        (ToCo, {"map_scales": ()}, "at least one"),
        (ToCo, {"temperature": 0.0}, "option 'temperature'"),
        (ToCo, {"layer": 0}, "below 0"),
        (SeCo, {"queue": 3}, "the keys of a batch"),
        (SeCo, {"momentum_of_teacher": 1.0}, "below 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(cls, options, named):
    with pytest.raises(ConfigError, match=named):
        quick(cls, **options)


def test_seco_starts_both_encoders_from_the_initial_weights(tmp_path):
    method = quick(SeCo)
    network = method.network(2)
    for parameter in network.backbone.parameters():
        parameter.data.add_(1)
    method.start(network, Run(tmp_path))
    pairs = zip(network.second.parameters(), network.backbone.parameters(), strict=True)
    assert all(np.array_equal(a.detach(), b.detach()) for a, b in pairs)
