"""Images of one size are found, and go through a method together where there is a GPU."""

import numpy as np
import pytest
import torch
from fake_data import FakeDataset, view

from wsss_affinity import AffinityNet
from wsss_affinity.inference import Walker
from wsss_cam_baselines import Cam, Seam
from wsss_eps import Eps
from wsss_harness.contract.hookspecs import Run
from wsss_harness.contract.supervision import Ledger
from wsss_harness.contract.types import ClassScores, Sample
from wsss_harness.stages import scoring
from wsss_harness.stages.refining import refine
from wsss_harness.stages.scoring import score
from wsss_harness.store.work import Work

TINY = {"name": "resnet38", "width": 0.0625}
TALL, WIDE = (4, 3), (3, 4)


def samples(sizes):
    for number, size in enumerate(sizes):
        yield Sample(str(number), {"image": np.zeros((*size, 3), np.uint8)}.__getitem__)


def grouped(sizes, most):
    return [[s.image_id for s in group] for group in scoring.by_size(samples(sizes), most)]


def test_samples_of_one_size_come_together():
    sizes = [TALL, WIDE, TALL, TALL, WIDE]
    assert grouped(sizes, 2) == [["0", "2"], ["1", "4"], ["3"]]
    assert grouped(sizes, 1) == [["0"], ["1"], ["2"], ["3"], ["4"]]
    assert grouped([], 2) == []


def test_no_more_images_wait_than_are_looked_ahead(monkeypatch):
    monkeypatch.setattr(scoring, "AHEAD", 3)
    seen = []
    sizes = [TALL, TALL, WIDE, (5, 5), (6, 6)]
    for group in scoring.by_size((seen.append(s) or s for s in samples(sizes)), 3):
        first = [sample.image_id for sample in group]
        break
    assert first == ["0", "1"]
    assert len(seen) == 3


@pytest.mark.parametrize(("gigabytes", "images"), [(4, 1), (24, 4), (80, 8)])
def test_a_gpu_takes_as_many_as_it_has_memory_for(monkeypatch, gigabytes, images):
    free = gigabytes * 10**9
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 80 * 10**9))
    assert scoring.at_once("cuda") == images
    assert scoring.at_once("cpu") == 1


def test_a_plain_function_gets_one_at_a_time():
    assert scoring.together(lambda a, b: a + b, [1, 2], [3, 4]) == [4, 6]


class Large:
    """Takes one at a time; several make it raise an error."""

    def __init__(self, error):
        self.error = error

    def __call__(self, value):
        return 2 * value

    def many(self, all_of_them):
        raise self.error


def test_what_memory_is_too_small_for_is_done_one_at_a_time():
    assert scoring.together(Large(torch.OutOfMemoryError("CUDA out of memory")), [1, 2]) == [2, 4]
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        scoring.together(Large(RuntimeError("mat1 and mat2 have other shapes")), [1, 2])


# What comes with the harness gives the same together as alone


@pytest.mark.parametrize(
    "generator",
    [
        Cam(backbone=TINY),
        Cam(backbone=TINY, method="grad_cam"),
        Eps(backbone=TINY, background="explicit"),
        Seam(backbone=TINY, widths=(4, 8)),
    ],
    ids=lambda generator: f"{type(generator).__name__} {getattr(generator, 'method', '')}",
)
def test_a_generator_scores_several_as_it_scores_one(tmp_path, generator):
    net = generator.network(2, seed=1)
    generator.shape(2).save(net, Run(tmp_path))
    scorer = generator.load(tmp_path, "cpu")
    data = view(tmp_path, generator.needs)
    several = [data[image_id] for image_id in data.ids[:3]]
    assert len({sample.present for sample in several}) == 3
    for sample, scores in zip(several, scorer.many(several), strict=True):
        alone = scorer(sample)
        assert scores.classes == alone.classes == sample.present
        np.testing.assert_allclose(scores.values, alone.values, atol=1e-4)


def test_a_walk_of_several_is_that_of_each(tmp_path):
    net = AffinityNet(backbone=TINY, widths=(4, 8, 16), radius=2, steps=4)
    walker = Walker(net.network(2, seed=1).eval(), net)
    data = view(tmp_path, ())
    several = [data[image_id] for image_id in data.ids[:3]]
    before = [scores_of(sample) for sample in several]
    for sample, scores, after in zip(several, before, walker.many(several, before), strict=True):
        alone = walker(sample, scores)
        np.testing.assert_allclose(after.values, alone.values, atol=1e-5)
        np.testing.assert_allclose(after.background, alone.background, atol=1e-5)


def scores_of(sample):
    data = FakeDataset()
    truth = data.truth(sample.image_id)
    present = data.present(sample.image_id)
    return ClassScores(present, np.stack([(truth == c).astype(np.float32) for c in present]))


class Counting:
    """A method that takes one sample at a time or several, and notes how many they were."""

    needs = frozenset()

    def __init__(self):
        self.seen = []

    def load(self, folder, device):
        return self

    def many(self, samples, *before):
        self.seen.append(len(samples))
        return [ClassScores((1,), np.full((1, 24, 32), 0.5, np.float32)) for _ in samples]


def test_stages_hand_over_several_where_there_is_a_gpu(tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "at_once", lambda device: 4)
    data, progress, counting = view(tmp_path, ()), [], Counting()
    inputs = {"fit": tmp_path, "scores": tmp_path / "score"}
    for name, make in {"score": score, "refine": refine}.items():
        (tmp_path / name).mkdir()
        work = Work(tmp_path / name, inputs, Ledger(tmp_path), lambda *now: progress.append(now))
        make(work, counting, data)
        stems = sorted(path.stem for path in (tmp_path / name).iterdir())
        assert stems == list(data.ids)
        assert progress[0] == (0, 8)
        assert progress[-1] == (8, 8)
    assert counting.seen == [4, 4, 4, 4]
