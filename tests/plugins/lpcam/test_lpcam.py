"""The generator LPCAM: released defaults, and the networks that it reads."""

import logging

import numpy as np
import pytest
import torch
from fake_data import FakeDataset, view

from wsss_cam_baselines import Cam, Seam
from wsss_eps import Eps
from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.hookspecs import Generator
from wsss_harness.contract.run import Previous, Run
from wsss_irn import CamIrn
from wsss_lpcam import Lpcam, wsss_generators
from wsss_lpcam.fitting import images_by_class, path_of, read
from wsss_lpcam.reader import reader_of

SLIM = {"name": "resnet38", "width": 0.0625}
QUICK = {"iterations": 2, "batch": 2, "crop": 24, "resize": (24, 32), "scales": (1.0,), "lr": 1e-4}


def fitted(method, folder, backbone=SLIM):
    folder.mkdir(parents=True)
    generator = method(backbone=backbone, **QUICK)
    generator.fit(view(folder, method.needs), Run(folder))
    return Previous(generator, folder)


@pytest.fixture(scope="module")
def cam(tmp_path_factory):
    return fitted(Cam, tmp_path_factory.mktemp("cam") / "fit")


def lpcam(folder, previous, progress=None, **options):
    folder.mkdir(exist_ok=True)
    generator = Lpcam(**{"clusters": 2, "scales": (1.0, 0.5), **options})
    extra = {"progress": progress} if progress else {}
    generator.fit(view(folder, Lpcam.needs), Run(folder, previous=previous, **extra))
    return generator


def test_it_is_announced_as_a_generator_that_follows_the_cam_of_irn():
    assert wsss_generators() == {"lpcam": Lpcam}
    assert isinstance(Lpcam(), Generator)
    assert (Lpcam.needs, Lpcam.follows) == ({"image_labels"}, "cam_irn")


def test_defaults_are_released():
    settings = Lpcam()
    assert (settings.threshold, settings.clusters, settings.tolerance) == (0.1, 12, 5)
    assert (settings.sure, settings.context, settings.images) == (0.9, (0.05, 0.9), 0)
    assert settings.scales == (1.0, 0.5, 1.5, 2.0)


@pytest.mark.parametrize("sums", ["full", "strided"])
def test_every_image_is_scored(tmp_path, cam, sums):
    generator, data = lpcam(tmp_path / "fit", cam, sums=sums), view(tmp_path, Lpcam.needs)
    score = generator.load(tmp_path / "fit", "cpu")
    for image_id in data:
        scores = score(data[image_id])
        assert scores.classes == FakeDataset().present(image_id)
        assert scores.size == data[image_id].image.shape[:2]
        scores.validate(image_id, "lpcam")


def test_images_of_one_size_get_the_scores_that_each_gets_alone(tmp_path, cam):
    generator, data = lpcam(tmp_path / "fit", cam), view(tmp_path, Lpcam.needs)
    score = generator.load(tmp_path / "fit", "cpu")
    samples = [data[image_id] for image_id in data.ids[:3]]
    for sample, scores in zip(samples, score.many(samples), strict=True):
        assert np.allclose(scores.values, score(sample).values, atol=1e-5)


@pytest.mark.parametrize("method", [Eps, Seam, CamIrn])
def test_it_reads_backbone_and_classifier_of_any_generator_of_class_maps(tmp_path, method):
    previous = fitted(method, tmp_path / "fit")
    reader = reader_of(previous, 2, "cpu")
    trained = previous.generator.trained(previous.folder, "cpu")
    assert torch.equal(reader.weights, trained.head.weight[:2].flatten(1))
    images = torch.rand(1, 3, 24, 32)
    with torch.inference_mode():
        both = (net.backbone(images)["out"] for net in (reader.network, trained))
        assert torch.equal(*both)


def test_centres_are_means_of_features_where_the_scores_are_high(tmp_path, cam):
    """With one cluster and everything sure, the centre is the mean of all high features."""
    lpcam(tmp_path / "fit", cam, clusters=1, sure=0.0)
    data, reader = view(tmp_path, Lpcam.needs), reader_of(cam, 2, "cpu")
    for number in (1, 2):
        ids = [image_id for image_id in data if number in data[image_id].present]
        high = torch.cat([reader.rows(data[i], number, 0.1)[0] for i in ids]).double()
        centre = read(path_of(tmp_path / "fit", number)).objects
        assert centre.shape == (1, high.shape[1])
        assert np.allclose(centre[0], high.mean(0), atol=1e-5)


def test_a_class_with_fewer_features_than_clusters_has_a_cluster_for_each(tmp_path, cam):
    lpcam(tmp_path / "fit", cam, clusters=10_000, sure=0.0)
    assert 1 <= len(read(path_of(tmp_path / "fit", 1)).objects) < 10_000


def test_fallbacks_are_said_by_class(tmp_path, cam, caplog):
    with caplog.at_level(logging.WARNING):
        lpcam(tmp_path / "fit", cam, sure=1.0)
    assert [name for name in FakeDataset.classes if f"class '{name}'" in caplog.text] == [
        *FakeDataset.classes
    ]
    with pytest.raises(ConfigError, match="class 'square'"):
        lpcam(tmp_path / "refused", cam, sure=1.0, fallback="error")


def test_images_of_a_class_are_drawn_by_seed(tmp_path):
    data = view(tmp_path, Lpcam.needs)
    everything, few = images_by_class(data, 0, 0), images_by_class(data, 2, 0)
    assert [len(ids) for ids in few] == [2, 2]
    assert all({*a} <= {*b} for a, b in zip(few, everything, strict=True))
    assert few == images_by_class(data, 2, 0)
    assert len({str(images_by_class(data, 2, seed)) for seed in range(8)}) > 1


def test_a_killed_fit_goes_on_after_the_classes_that_it_has(tmp_path, cam):
    lpcam(tmp_path / "whole", cam)

    def killed(done, total):
        if done == total - 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lpcam(tmp_path / "killed", cam, progress=killed)
    first = path_of(tmp_path / "killed", 1)
    before = first.stat().st_mtime_ns
    assert not path_of(tmp_path / "killed", 2).exists()
    lpcam(tmp_path / "killed", cam)
    assert first.stat().st_mtime_ns == before
    for name in ("weights.pth", "network.json", "centres/001.npz", "centres/002.npz"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize("previous", [None, Previous(object(), None)])
def test_a_previous_generator_without_class_maps_is_refused(tmp_path, previous):
    with pytest.raises(ConfigError, match="name one as its previous"):
        lpcam(tmp_path / "fit", previous)


@pytest.mark.parametrize(
    "wrong",
    [
        {"images": -1},
        {"threshold": 1.0},
        {"clusters": 0},
        {"tolerance": 0.0},
        {"sure": 2.0},
        {"context": (0.5, 0.1)},
        {"scales": ()},
    ],
)
def test_an_option_out_of_range_is_named(wrong):
    with pytest.raises(ConfigError, match=f"option '{next(iter(wrong))}'"):
        Lpcam(**wrong)
