"""The generator SC-CAM: released defaults, and rounds that follow CAM."""

import subprocess
import sys

import numpy as np
import pytest
from fake_data import FakeDataset, view

from wsss_cam_baselines import Cam
from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.contract.hookspecs import Generator
from wsss_harness.contract.run import Previous, Run
from wsss_harness.networks.classmaps import network as networks
from wsss_sccam import ScCam, wsss_generators
from wsss_sccam import features as feature_pieces

SLIM = {"name": "resnet38", "width": 0.0625}
QUICK = {"iterations": 3, "batch": 2, "crop": 24, "resize": (24, 32), "scales": (1.0,)}


def slim(method=ScCam, **options):
    clusters = {} if method is Cam else {"schedule": 0, "clusters": 2}
    return method(backbone=SLIM, **(QUICK | clusters | options))


@pytest.fixture
def cam(tmp_path):
    """A fitted CAM, as the round before the first."""
    folder = tmp_path / "cam"
    generator = slim(Cam)
    generator.fit(view(folder, Cam.needs), Run(folder))
    return Previous(generator, folder)


def fitted(folder, previous, **options):
    generator = slim(**options)
    folder.mkdir(exist_ok=True)
    generator.fit(view(folder, ScCam.needs), Run(folder, previous=previous))
    return Previous(generator, folder)


def test_announcing_loads_neither_torch_nor_scikit_learn():
    heavy = "{'torch', 'sklearn'} & {*sys.modules}"
    code = f"import sys, wsss_sccam as s; s.wsss_generators(); sys.exit(len({heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_it_is_announced_as_a_generator_that_follows_cam():
    assert wsss_generators() == {"sccam": ScCam}
    assert isinstance(ScCam(), Generator)
    assert (ScCam.needs, ScCam.follows) == ({"image_labels"}, "cam")


def test_defaults_are_those_of_the_third_released_round():
    sccam = ScCam()
    assert (sccam.iterations, sccam.schedule) == (51 * 661, 61 * 661)
    assert (sccam.batch, sccam.crop, sccam.resize) == (16, 224, (256, 512))
    assert (sccam.lr, sccam.head_lr, sccam.weight_decay) == (0.01, 10, 5e-4)
    assert (sccam.momentum, sccam.power) == ("released", 0.9)
    assert (sccam.clusters, sccam.sub_weight, sccam.dropout) == (10, 5, 0.5)
    assert (sccam.head, sccam.binarise) == ("classes", False)
    assert sccam.scales == (0.5, 1.0, 1.5, 2.0)


def test_rounds_follow_each_other_and_score_every_image(tmp_path, cam):
    first = fitted(tmp_path / "1", cam)
    second = fitted(tmp_path / "2", first)
    data = view(tmp_path, ScCam.needs)
    for head in ("classes", "sub_classes"):
        score = slim(head=head).load(second.folder, "cpu")
        for image_id in data:
            scores = score(data[image_id])
            assert scores.classes == FakeDataset().present(image_id)
            scores.validate(image_id, "sccam")


def test_each_round_starts_from_the_initial_weights_not_from_the_round_before(tmp_path, cam):
    first = fitted(tmp_path / "1", cam, iterations=1, lr=1e-12)
    second = fitted(tmp_path / "2", first, iterations=1, lr=1e-12)
    state_1, state_2 = (networks.read_state(r.folder / "weights.pth") for r in (first, second))
    assert all(np.allclose(state_1[name], state_2[name]) for name in state_1)


def test_binarised_scores_are_zeros_and_ones(tmp_path, cam):
    first = fitted(tmp_path / "1", cam)
    data = view(tmp_path, ScCam.needs)
    score = slim(binarise=True).load(first.folder, "cpu")
    assert set(np.unique(score(data[data.ids[0]]).values)) <= {0, 1}


def test_features_are_the_spatial_mean_of_the_image_at_its_own_size(tmp_path, cam):
    data = view(tmp_path, ScCam.needs)
    network = feature_pieces.network_of(cam, "cpu")
    features = feature_pieces.features_of(network, data, Run(tmp_path))
    image = data[data.ids[3]].image / np.float64(255)
    normal = (image - network.mean) / network.std
    tensor = networks.torch.from_numpy(normal.astype(np.float32).transpose(2, 0, 1)[None])
    with networks.torch.no_grad():
        expected = network.backbone(tensor)["out"].mean((2, 3))[0]
    assert np.allclose(features[3], expected, atol=1e-5)


def test_a_killed_round_goes_on_from_the_features_that_it_has(tmp_path, cam, monkeypatch):
    monkeypatch.setattr(feature_pieces, "PIECE", 3)
    whole = fitted(tmp_path / "whole", cam)
    folder, seen = tmp_path / "killed", []
    folder.mkdir()

    def killed(done, total):
        seen.append(done)
        if len(seen) == 5:
            raise KeyboardInterrupt

    run = Run(folder, previous=cam, progress=killed)
    with pytest.raises(KeyboardInterrupt):
        slim().fit(view(folder, ScCam.needs), run)
    assert [path.name for path in (folder / "features").iterdir()] == ["000000.npy"]
    resumed = fitted(folder, cam)
    for name in ("weights.pth", "sub_labels.npy"):
        assert (resumed.folder / name).read_bytes() == (whole.folder / name).read_bytes()
    assert not (folder / "features").exists()


def test_a_class_with_too_few_images_is_refused_before_training(tmp_path, cam):
    with pytest.raises(DataError, match=r"class 'square' has \d images.*lower the option clusters"):
        fitted(tmp_path / "1", cam, clusters=8)
    assert not (tmp_path / "1/features").exists()


def test_a_previous_generator_without_class_maps_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"name one as its previous"):
        fitted(tmp_path / "1", Previous(object(), tmp_path))


@pytest.mark.parametrize(
    "wrong", [{"clusters": 0}, {"sub_weight": -1}, {"schedule": 2}, {"pooling": "head_then_pool"}]
)
def test_an_option_out_of_range_is_named(wrong):
    with pytest.raises(ConfigError, match=f"option '{next(iter(wrong))}'"):
        slim(**wrong)
