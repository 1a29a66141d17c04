"""An estimate grows with iterations, batch and images, or is not made."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar

import pytest
from fake_data import FakeDataset

from wsss_harness.networks.segmentors.mmseg_segmentor import MmsegSegmentor
from wsss_harness.store.stage import Stage
from wsss_harness.suite.estimates import estimated, image_counts
from wsss_harness.suite.extrapolation import extrapolated
from wsss_harness.suite.training import trained_iterations


@dataclass(frozen=True)
class Trained:
    in_iterations: ClassVar = frozenset({"iterations"})
    iterations: int = 2


@dataclass(frozen=True)
class Body:
    plugin: object

    def __call__(self, work):
        raise NotImplementedError


DATA = SimpleNamespace(key="few")
IMAGES = {"train": 1000, "val": 100, "scored": 500}


def stage_of(kind="fit", data=DATA, **options):
    body = Body(Trained(options["iterations"]) if "iterations" in options else None)
    return Stage(kind=kind, name="x", body=body, options=options, inputs={"data": data})


def manifest_of(pace, options, seconds=10.0):
    recipe = {"options": options, "inputs": {"data": "few"}}
    return {"recipe": recipe, "cost": {"wall_seconds": seconds, "bytes": 50, "pace": pace}}


def phase(steps, seconds):
    return {"steps": steps, "step_seconds": seconds}


def test_what_is_alike_costs_the_same():
    options = {"iterations": 2, "batch": 8, "crop": 321}
    assert estimated(manifest_of([], options), stage_of(**options), None) == (10.0, 50)


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        ({"iterations": 20_000}, 9 + 20_000 * 0.5),
        ({"batch": 16}, 9 + 2 * 0.5 * 2),
        ({"iterations": 10, "batch": 4}, 9 + 10 * 0.5 / 2),
    ],
)
def test_training_costs_its_start_and_its_iterations(changes, seconds):
    options = {"iterations": 2, "batch": 8}
    manifest = manifest_of([phase(2, 0.5)], options)
    assert estimated(manifest, stage_of(**options | changes), None) == (seconds, 50)


@pytest.mark.parametrize(
    ("pace", "changes"),
    [
        ([], {"iterations": 20_000}),
        ([phase(2, None)], {"iterations": 20_000}),
        ([phase(2, 0.5)], {"crop": 448}),
        ([phase(2, 0.5)], {"backbone": {"name": "resnet38"}}),
    ],
)
def test_what_cannot_be_told_is_unknown(pace, changes):
    options = {"iterations": 2, "batch": 8, "crop": 321}
    assert estimated(manifest_of(pace, options), stage_of(**options | changes), None) is None


def test_stages_of_images_cost_in_proportion_to_them():
    other = stage_of("score", SimpleNamespace(key="many"), split="train")
    manifest = manifest_of([phase(10, 0.5)], {"split": "train"}, seconds=7.0)
    assert estimated(manifest, other, IMAGES) == (2 + 1000 * 0.5, 5000)
    assert estimated(manifest, other, None) is None


def test_images_of_all_shards_count_together():
    other = stage_of("predict", SimpleNamespace(key="many"), split="val")
    manifest = manifest_of([phase(5, 0.5), phase(5, 0.5)], {"split": "val"}, seconds=5.0)
    assert estimated(manifest, other, IMAGES) == (50.0, 500)


def test_what_a_training_looks_at_before_it_counts_by_images():
    options = {"iterations": 2}
    other = stage_of(data=SimpleNamespace(key="many"), iterations=100)
    manifest = manifest_of([phase(10, 0.1), phase(2, 1.0)], options, seconds=3.0)
    assert estimated(manifest, other, IMAGES) == (1000 * 0.1 + 100, 50)


def test_a_rehearsal_is_extrapolated_without_its_start():
    few = {"train": 10, "val": 5, "scored": 5}
    cost = manifest_of([phase(10, 0.1), phase(2, 1.0)], {}, seconds=60.0)["cost"]
    fit = extrapolated(stage_of(iterations=100), cost, few, IMAGES)
    assert (fit.seconds, fit.bytes) == (1000 * 0.1 + 100, 50)
    data = extrapolated(stage_of("data"), {**cost, "pace": []}, few, IMAGES)
    assert (data.seconds, data.bytes) == (60.0, 50)
    untimed = extrapolated(stage_of(iterations=100), {**cost, "pace": []}, few, IMAGES)
    assert untimed.seconds == 60.0 * 100 / 2
    curve = extrapolated(stage_of("curve"), {**cost, "pace": [phase(5, None)]}, few, IMAGES)
    assert (curve.seconds, curve.bytes) == (60.0 * 100, 5000)


def test_iterations_of_a_segmentor_are_those_of_its_configuration():
    stage = Stage(kind="segment", name="x", body=Body(MmsegSegmentor()), options={})
    assert trained_iterations(stage) == 20_000


def test_images_are_counted_by_split():
    assert image_counts(FakeDataset(12)) == {"train": 8, "val": 4, "scored": 8}
