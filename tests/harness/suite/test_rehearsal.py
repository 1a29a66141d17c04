"""A rehearsal changes images and iterations of a suite, and what follows from them, only."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from wsss_harness.networks.segmentors.mmseg_segmentor import MmsegSegmentor
from wsss_harness.networks.training.settings import TrainingSettings
from wsss_harness.plugins.registry import installed
from wsss_harness.suite import rehearsal
from wsss_harness.suite.reading import read_suite
from wsss_harness.suite.rehearsal import built, in_proportion, rehearsal_of, short_options
from wsss_harness.suite.training import iterations_of
from wsss_harness.system.files import configs

SUITES = sorted((configs() / "suites").glob("*.toml"))


@dataclass(frozen=True, kw_only=True)
class Phased(TrainingSettings):
    in_iterations: ClassVar = TrainingSettings.in_iterations | {"second_from", "drops"}
    rehearsal: ClassVar = {"clusters": 1}
    second_from: int = 2_000
    drops: tuple[int, ...] = (5_000, 9_000, 15_000)
    clusters: int = 10


@pytest.mark.parametrize(("value", "short"), [(0, 0), (1, 1), (9_999, 1), (10_001, 2), (40_000, 4)])
def test_what_counts_iterations_keeps_its_place_in_the_training(value, short):
    assert in_proportion(value, 20_000) == short


def test_two_iterations_and_what_belongs_to_them():
    settings = Phased(warmup=500, schedule=30_000)
    options = short_options(settings, small=False)
    expected = {"iterations": 2, "warmup": 1, "schedule": 3, "second_from": 1, "drops": [1, 2]}
    assert options == {**expected, "clusters": 1}
    assert iterations_of(replace(settings, **options)) == 2


def test_batch_and_crop_stay_unless_the_rehearsal_is_small():
    assert short_options(MmsegSegmentor(), small=False) == {"iterations": 2}
    small = short_options(MmsegSegmentor(scales=(0.5, 1.0)), small=True)
    assert small == {"iterations": 2, "batch": 2, "crop": 128, "scales": [1.0]}


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_every_shipped_suite_can_be_rehearsed(path, small, tmp_path, monkeypatch):
    """Its plugins take their options, and all that train do so for two iterations."""
    (tmp_path / "made_up.pth").touch()
    monkeypatch.setattr(rehearsal, "write_backbone", lambda *_: tmp_path / "made_up.pth")
    suite, plugins = read_suite(path), installed()
    rehearsed = rehearsal_of(suite, plugins, tmp_path, small)
    for part in (rehearsed.suite, rehearsed.whole):
        plugin_count = sum(1 for _ in built(part, plugins))
        assert plugin_count == sum(1 for _ in built(suite, plugins))
    whole = {(table, label): iterations_of(p) for table, label, _, p in built(suite, plugins)}
    for table, label, _, plugin in built(rehearsed.suite, plugins):
        assert iterations_of(plugin) == (2 if whole[table, label] else None)
    assert len(rehearsed.suite.seeds) == 1
    assert rehearsed.suite.rehearsal
    assert {row.method for row in suite.rows} == {
        *(row.method for row in rehearsed.suite.rows),
        *rehearsed.refused,
    }


def test_a_row_that_lacks_a_file_is_refused_and_the_others_stay(tmp_path):
    suite = read_suite(configs() / "suites" / "railscenes_generators.toml")
    generators = dict(suite.generators)
    label = suite.rows[0].generator
    changed = generators[label].model_copy(update={"checkpoint": str(tmp_path / "none.pth")})
    suite = suite.model_copy(update={"generators": {**generators, label: changed}})
    refused = rehearsal_of(suite, installed(), tmp_path, small=False).refused
    assert suite.rows[0].method in refused
    assert len(refused) < len(suite.rows)
