"""A suite from images to records: shared stages, failures, resuming, derived supervision."""

import re
from collections import Counter

import numpy as np
import pytest
import small_suite
from small_suite import RAN, count_equal, read_equal

from wsss_harness.contract.errors import ConfigError, DataError, PluginError
from wsss_harness.contract.hookspecs import Metric, hookimpl
from wsss_harness.contract.types import ClassScores
from wsss_harness.execution.engine import Engine
from wsss_harness.execution.run import prepare_suite, run_suite
from wsss_harness.execution.run_stage import make_stage
from wsss_harness.plugins.registry import load
from wsss_harness.store.manifest import MANIFEST
from wsss_harness.store.stage import upstream
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.reading import check_suite
from wsss_harness.suite.spec import Suite
from wsss_harness.suite.suite_rows import plan_of
from wsss_harness.system.files import read_json
from wsss_harness.system.score_files import read_scores
from wsss_leaderboard.records.collect import Collector
from wsss_leaderboard.records.record import distinct
from wsss_leaderboard.tables import notes
from wsss_leaderboard.tables.builtin import mask_table


@pytest.fixture(autouse=True)
def clean():
    RAN.clear()


@pytest.fixture(scope="module")
def plugins():
    return small_suite.plugins()


@pytest.fixture
def run(tmp_path, plugins):
    """Run a suite in a store and give its outcomes by method, with the store."""

    def run(folder=tmp_path, **changes):
        store, suite = small_suite.store(folder), small_suite.suite(**changes)
        dataset = prepare_suite(suite, plugins, Engine(store))
        outcomes = {o.row.row.method: o for o in run_suite(suite, plugins, Engine(store), dataset)}
        return outcomes, store, Collector(suite, store, dataset, Graph(suite, plugins, 0))

    return run


def test_every_row_and_its_controls_are_made(run):
    outcomes, _, collector = run()
    assert list(outcomes) == [
        "R",
        "S",
        "Saliency, R's classes",
        "Saliency, true classes",
        "All background",
        "Image labels everywhere",
        "Truth at stride 8",
        "Truth at stride 16",
    ]
    records = {method: collector.record(outcome) for method, outcome in outcomes.items()}
    assert [r.failure for r in records.values()] == [None] * 8
    assert {r.protocol.fingerprint for r in records.values()} == {collector.dataset.fingerprint()}
    assert {m: r.supervision.column for m, r in records.items()} == {
        "R": "I.",
        "S": "I.+S.",
        "Saliency, R's classes": "I.+S.",
        "Saliency, true classes": "F.",
        "All background": "-",
        "Image labels everywhere": "F.",
        "Truth at stride 8": "F.",
        "Truth at stride 16": "F.",
    }
    assert records["R"].supervision.labels_at_inference
    assert not records["All background"].supervision.labels_at_inference
    assert records["R"].masks.images == 6
    assert set(records["R"].masks.others) == {"fixed", "held_out", "oracle"}


def plain(score):
    """A score without its interval, which those at other thresholds do not have."""
    return score.model_copy(update={"error": None, "t": None})


def test_the_curve_agrees_with_the_masks(run):
    """The score at a threshold is the score of the masks made with it, to the last count."""
    outcomes, _, collector = run()
    masks = collector.record(outcomes["R"]).masks
    again = collector.record(
        run(rows=[{"method": "R", "generator": "R", "rule": {"threshold": 0.2}}])[0]["R"]
    ).masks
    assert plain(again.score) == masks.others["fixed"].score
    assert masks.score != masks.others["fixed"].score


def test_what_rows_share_runs_once(run):
    row = {"generator": "R", "segmentors": ["one"]}
    rows = [{"method": m, **row, "rule": {"threshold": t}} for m, t in (("A", 0.2), ("B", 0.4))]
    outcomes, _, _ = run(rows=rows)
    assert RAN == ["prepare", "fit"]
    first, second = outcomes["A"].row, outcomes["B"].row
    assert first.scores.key == second.scores.key
    assert first.masks.key != second.masks.key


def test_an_option_of_inference_alone_trains_nothing_anew(run):
    run()
    RAN.clear()
    other = {"R": {"name": "redness", "value": 0.5}, "S": {"name": "salient"}}
    outcomes, store, _ = run(generators=other)
    assert "fit" not in RAN
    image_id = "image_000"
    scores = read_scores(store.folder(outcomes["R"].row.scores) / f"{image_id}.scores")
    assert scores.values.max() <= 0.51


def test_shared_options_are_for_generators_that_have_them(run):
    outcomes, _, _ = run(
        generators={"R": {"name": "redness"}, "S": {"name": "narrow"}}, shared={"value": 0.5}
    )
    assert outcomes["R"].row.scores.options["value"] == 0.5
    assert "value" not in outcomes["S"].row.scores.options


def test_a_shared_option_that_no_generator_has_is_named(run):
    with pytest.raises(ConfigError, match=r"shared\.valeu is an option of none of .* redness, sal"):
        run(shared={"valeu": 0.5})


def test_an_option_that_decides_nothing_makes_nothing_anew(run):
    first, _, _ = run()
    other = {"R": {"name": "redness", "pause": 0.001}, "S": {"name": "salient"}}
    again, _, _ = run(generators=other)
    assert first["R"].row.counts.key == again["R"].row.counts.key


@pytest.mark.parametrize("attribute", ["at_inference", "idle"])
def test_an_option_of_such_a_kind_that_does_not_exist_is_named(monkeypatch, run, attribute):
    monkeypatch.setattr(small_suite.Redness, attribute, {"speed"}, raising=False)
    with pytest.raises(PluginError, match=rf"Redness names 'speed' in {attribute}.*reads, value"):
        run()


def test_a_second_run_runs_nothing(run):
    run()
    RAN.clear()
    _, store, _ = run()
    assert RAN == []
    assert {event.kind for event in store.events} == {"reused"}


@pytest.mark.parametrize(
    ("generator", "message"),
    [
        ({"name": "redness", "reads": "saliency"}, "generator 'redness' read 'saliency' of image"),
        ({"name": "truthful"}, "generator 'truthful' read 'truth'"),
        ({"name": "redness", "value": 2.0}, "scores must be finite and lie in"),
        ({"name": "faulty"}, "gave scores for image image_000 from nan to nan; scores must be"),
        ({"name": "faulty", "how": "bug"}, "'faulty' failed on image image_000: IndexError: 7"),
        ({"name": "faulty", "how": "array"}, "gave ndarray for image image_000; expected Class"),
        ({"name": "faulty", "how": "shape"}, r"size \(23, 32\) for image image_000, which is \(24"),
        ({"name": "faulty", "how": "elsewhere"}, r"tried to write .*answers\.txt; a plugin writes"),
    ],
)
def test_a_bad_generator_fails_its_row_and_no_other(run, generator, message):
    generators = {"R": {"name": "redness"}, "bad": generator}
    rows = [{"method": "bad", "generator": "bad"}, {"method": "R", "generator": "R"}]
    outcomes, _, collector = run(generators=generators, rows=rows)
    failed = collector.record(outcomes["bad"])
    assert failed.masks is None
    assert re.search(message, failed.failure.message)
    assert failed.failure.stage.split()[0] in ("fit", "score")
    assert failed.failure.kind in ("SupervisionError", "PluginError")
    assert failed.failure.kind in failed.failure.log_tail[-1]
    assert outcomes["R"].failure is None


def test_a_threshold_chosen_on_truth_is_taken_from_the_right_images(run):
    outcomes, _, collector = run(
        rows=[
            {"method": policy, "generator": "R", "rule": {"threshold": policy}}
            for policy in ("held_out", "oracle")
        ]
    )
    for policy in ("held_out", "oracle"):
        masks = collector.record(outcomes[policy]).masks
        assert masks.chosen_on == policy
        assert plain(masks.score) == masks.others[policy].score
    oracle = collector.record(outcomes["oracle"]).masks
    assert oracle.score.miou >= max(other.score.miou for other in oracle.others.values())


def test_refiners_come_between_scores_and_masks(run):
    row = {"method": "R", "generator": "R", "refiners": ["half", "half"]}
    outcomes, store, _ = run(rows=[row])
    scores = outcomes["R"].row.scores
    before = scores.inputs["scores"].inputs["scores"]
    name = "image_000.scores"
    plain, halved = (read_scores(store.folder(s) / name).values for s in (before, scores))
    np.testing.assert_allclose(halved, plain / 4, atol=0.01)


def test_an_interrupted_suite_goes_on_and_ends_with_the_same_bytes(run, tmp_path):
    generators = {"R": {"name": "redness", "stop_at": 3}}
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "killed", generators=generators, rows=[{"method": "R", "generator": "R"}])
    outcomes, killed, _ = run(tmp_path / "killed")
    _, whole, _ = run(tmp_path / "whole")
    for outcome in outcomes.values():
        for target in outcome.row.targets:
            manifests = [read_json(s.folder(target) / MANIFEST) for s in (killed, whole)]
            assert manifests[0]["files"] == manifests[1]["files"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"generators": {"R": {"name": "rednes"}}}, "no generator named 'rednes'.*'redness'"),
        ({"generators": {"R": {"name": "redness", "vale": 1}}}, "no option 'vale'"),
        ({"dataset": {"name": "in_memroy"}}, "no dataset named 'in_memroy'"),
        ({"segmentors": {"one": {"name": "none"}}}, "no segmentor named 'none'"),
    ],
)
def test_unknown_names_stop_the_suite_before_anything_runs(run, changes, message):
    rows = [{"method": "R", "generator": "R", "segmentors": ["one"]}]
    with pytest.raises(ConfigError, match=message):
        run(rows=rows, **changes)
    assert RAN == []


def test_an_unknown_rule_stops_the_suite_before_anything_runs(run):
    with pytest.raises(ConfigError, match="no background rule named 'konstant'"):
        run(rows=[{"method": "R", "generator": "R", "rule": {"name": "konstant"}}])
    assert RAN == []


def test_a_suite_of_saliency_methods_alone_has_its_control_row_too(run):
    outcomes, _, _ = run(
        generators={"S": {"name": "salient"}}, rows=[{"method": "S", "generator": "S"}]
    )
    assert "Saliency, S's classes" in outcomes


def test_a_full_disk_between_stages_fails_the_row_and_no_more(run, monkeypatch, tmp_path):
    def full(stage, store, *, wait):
        if stage.kind == "mask":
            raise OSError(28, "No space left on device")
        return make_stage(stage, store, wait=wait)

    monkeypatch.setattr("wsss_harness.execution.job.make_stage", full)
    outcomes, _, _ = run(tmp_path / "full")
    assert outcomes["R"].failure.kind == "OSError"
    assert "the disk is full; free space below" in str(outcomes["R"].failure)
    assert outcomes["All background"].failure is None


def test_more_held_out_images_than_there_are_is_refused_before_training(run):
    with pytest.raises(ConfigError, match="held_out is 8, but 8 images are to be scored"):
        run(held_out=8)
    assert "fit" not in RAN


def test_a_missing_saliency_map_stops_only_the_rows_that_read_it(run, monkeypatch):
    def missing(self, image_id):
        raise DataError(f"saliency/{image_id}.png is missing")

    monkeypatch.setattr(small_suite.FakeDataset, "saliency", missing)
    outcomes, _, collector = run()
    failed = {method for method, outcome in outcomes.items() if outcome.failure}
    assert failed == {"S", "Saliency, R's classes", "Saliency, true classes"}
    assert collector.record(outcomes["R"]).saliency is None


def test_a_segmentor_that_answers_nonsense_is_named(run, monkeypatch):
    def load(self, folder, device):
        return lambda sample: np.full(sample.image.shape[:2], 9, np.uint8)

    monkeypatch.setattr(small_suite.CopiesMostCommon, "load", load)
    outcomes, _, _ = run()
    assert "segmentor 'one' gave a mask" in str(outcomes["R"].failure)
    assert "expected uint8 (24, 32) with 0..2 or 255" in str(outcomes["R"].failure)


def test_a_generator_that_invents_a_class_is_named(run, monkeypatch):
    def load(self, folder, device):
        return lambda sample: ClassScores((9,), np.zeros((1, 24, 32), np.float32))

    monkeypatch.setattr(small_suite.Redness, "load", load)
    outcomes, _, _ = run()
    assert "generator 'redness' scored class 9 in image image_000" in str(outcomes["R"].failure)


def test_a_metric_of_a_plugin_reaches_the_record(run):
    outcomes, _, collector = run()
    assert 0 < collector.record(outcomes["R"]).masks.more["equal"]["equal"] < 1


def spoiled(monkeypatch, **functions):
    """The metric of the plugin, with another ``count`` or ``read``."""
    metric = Metric(**{"count": count_equal, "read": read_equal, **functions})
    monkeypatch.setattr(
        small_suite.Plugin, "wsss_metrics", hookimpl(lambda self: {"equal": metric})
    )
    return small_suite.plugins()


def test_a_metric_that_fails_to_count_is_named_and_harms_no_other_number(
    run, monkeypatch, tmp_path
):
    def count(truth, mask, classes, context):
        raise KeyError("boom")

    count.__module__ = small_suite.__name__  # whose source is in the key
    plugins = spoiled(monkeypatch, count=count)
    store, suite = small_suite.store(tmp_path), small_suite.suite()
    dataset = prepare_suite(suite, plugins, Engine(store))
    outcomes = {o.row.row.method: o for o in run_suite(suite, plugins, Engine(store), dataset)}
    record = Collector(suite, store, dataset, Graph(suite, plugins, 0)).record(outcomes["R"])
    assert "metric 'equal' failed on image image_000: KeyError: 'boom'" in record.failure.message
    assert record.masks.score.miou > 0
    assert record.segmentations


@pytest.mark.parametrize(
    ("read", "told"),
    [
        (lambda *_: 1 / 0, "ZeroDivisionError"),
        (lambda *_: {"equal": float("nan")}, "ValueError"),
        (lambda *_: {"equal": object()}, "TypeError"),
        (lambda *_: None, "TypeError"),
    ],
)
def test_a_metric_that_cannot_be_read_is_told_and_harms_no_other_number(
    monkeypatch, tmp_path, read, told
):
    plugins = spoiled(monkeypatch, read=read)
    store, suite = small_suite.store(tmp_path), small_suite.suite()
    dataset = prepare_suite(suite, plugins, Engine(store))
    outcomes = {o.row.row.method: o for o in run_suite(suite, plugins, Engine(store), dataset)}
    record = Collector(suite, store, dataset, Graph(suite, plugins, 0)).record(outcomes["R"])
    assert record.masks.score.miou > 0
    assert told in record.masks.more["equal"]["error"]
    (note,) = notes.failures([record])
    assert "metric 'equal' could not be read from its counts" in note


@pytest.mark.parametrize("method", ["Redness", "Halved", "CopiesMostCommon"])
def test_what_a_method_says_of_itself_decides_its_fit(monkeypatch, method):
    def keys():
        rows = [{"method": "R", "generator": "R", "refiners": ["half"], "segmentors": ["one"]}]
        suite = small_suite.suite(rows=rows)
        row = Graph(suite, small_suite.plugins(), 0).row(suite.rows[0])
        return row.segmentations[0].counts.key

    before = keys()
    monkeypatch.setattr(
        getattr(small_suite, method), "identity", lambda self: {"a": 1}, raising=False
    )
    assert keys() != before


def test_another_metric_measures_nothing_again(run, monkeypatch, tmp_path):
    run(tmp_path)
    monkeypatch.setattr(small_suite.Plugin, "wsss_metrics", hookimpl(lambda self: {}))
    plan = plan_of(small_suite.suite(), small_suite.plugins(), small_suite.store(tmp_path))
    assert plan.to_do == ()


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"threshold": 0.5}, "0.5"),
        ({"threshold": 0.5, "uncertain": 0.25}, "0.5 uncertain 0.25"),
        ({"name": "power", "alpha": 4.0}, "power alpha 4"),
        ({"name": "explicit"}, "explicit"),
    ],
)
def test_a_rule_is_told_by_its_threshold_then_its_other_options_by_name(run, rule, told):
    outcomes, _, collector = run(rows=[{"method": "R", "generator": "R", "rule": rule}])
    assert collector.scores.rule_text(outcomes["R"].row) == told


def fits(vary):
    """How many fits of each axis three seeds need."""
    rows = [{"method": "R", "generator": "R", "refiners": ["half"], "segmentors": ["one"]}]
    suite = small_suite.suite(rows=rows, seeds=[3, 4, 5], **({"vary": vary} if vary else {}))
    plugins = small_suite.plugins()
    rows = [Graph(suite, plugins, seed).row(suite.rows[0]) for seed in suite.seeds]
    stages = {s.key: s for row in rows for s in upstream(*row.targets)}.values()
    titles = ("fit redness", "fit redness+halved", "segment one on redness+halved")
    return [sum(stage.title == title for stage in stages) for title in titles], stages


@pytest.mark.parametrize(
    ("vary", "expected"),
    [
        (None, [3, 3, 3]),
        (["generator"], [3, 3, 3]),  # what follows has other inputs
        (["refiner"], [1, 3, 3]),
        (["segmentor"], [1, 1, 3]),
        (["weights"], [1, 1, 1]),  # there are none that are pretrained
    ],
)
def test_seeds_decide_what_varies_and_nothing_else(vary, expected):
    assert fits(vary)[0] == expected


def test_what_does_not_vary_has_the_first_seed():
    _, stages = fits(["segmentor"])
    seeds = {
        kind: {s.options["seed"] for s in stages if s.kind == kind} for kind in ("fit", "segment")
    }
    assert seeds == {"fit": {3}, "segment": {3, 4, 5}}


CROSS = {"generator": [4, 7], "segmentor": [0, 1, 2]}


def crossed(**changes):
    rows = [{"method": "R", "generator": "R", "refiners": ["half"], "segmentors": ["one"]}]
    return small_suite.suite(rows=rows, **{"cross": CROSS, **changes})


def test_crossed_seeds_repeat_rows_with_each_combination_and_share_what_they_can():
    suite, plugins = crossed(), small_suite.plugins()
    rows = [Graph(suite, plugins, seed).row(suite.rows[0]) for seed in suite.seeds]
    found = [
        (row.seed, *(s.options["seed"] for s in upstream(*row.targets) if "seed" in s.options))
        for row in rows
    ]
    assert found == [
        (0, 4, 0, 0),
        (1, 4, 0, 1),
        (2, 4, 0, 2),
        (3, 7, 0, 0),
        (4, 7, 0, 1),
        (5, 7, 0, 2),
    ]
    kinds = Counter(stage.kind for stage in upstream(*(t for row in rows for t in row.targets)))
    assert kinds["score"] == 2  # a generator for each of its seeds, whatever comes later
    assert kinds["segment"] == 6
    assert suite.vary == ("generator", "segmentor")


def test_a_crossed_suite_is_the_same_after_it_was_sent_or_recorded():
    suite = crossed()
    assert Suite.model_validate_json(suite.model_dump_json()) == suite
    assert check_suite(suite.model_dump(mode="json", exclude_defaults=True), "record") == suite


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": [0, 1]}, "'seeds' follows from 'cross'"),
        ({"vary": ["generator"]}, "'vary' follows from 'cross'"),
        ({"cross": {"generator": [1, 1]}}, "two seeds of cross.generator are '1'"),
        ({"cross": {"generator": []}}, "cross.generator"),
        ({"cross": {"refiners": [1]}}, "'weights', 'generator', 'refiner' or 'segmentor'"),
        ({"cross": {}, "seeds": [-1]}, "greater than or equal to 0"),
    ],
)
def test_seeds_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        crossed(**changes)


def test_a_combination_of_seeds_that_there_is_not_is_refused():
    with pytest.raises(ConfigError, match=r"has the number 6; .* 0 to 5"):
        Graph(crossed(), small_suite.plugins(), 6)


@pytest.fixture
def recorded(tmp_path, plugins):
    """The records of the row R, a repetition each."""

    def recorded(**changes):
        store, suite = small_suite.store(tmp_path), small_suite.suite(**changes)
        engine = Engine(store)
        dataset = prepare_suite(suite, plugins, engine)
        outcomes = list(run_suite(suite, plugins, engine, dataset))
        collector = Collector(suite, store, dataset, Graph(suite, plugins, suite.seeds[0]))
        found = sorted(outcomes, key=lambda outcome: outcome.number)
        return [collector.record(o) for o in found if o.row.row.method == "R"]

    return recorded


def test_a_table_says_what_was_not_repeated(recorded):
    records = recorded(seeds=[0, 1], vary=["segmentor"])
    (note,) = notes.seeds(records, "one")
    assert note.endswith("2 seeds; the same seed throughout: generator, refiner, weights.")
    assert notes.seeds(records) == []  # the masks are there once


def test_what_combinations_of_seeds_share_counts_once(recorded):
    records = recorded(cross={"generator": [4, 7], "segmentor": [0, 1, 2]})
    assert [record.seed for record in records] == [0, 1, 2, 3, 4, 5]
    assert records[5].seeds == {"weights": 0, "generator": 7, "refiner": 0, "segmentor": 2}
    assert [len(distinct(records, target)) for target in ("", "one")] == [2, 6]
    same = "; the same seed throughout: refiner, weights."
    assert notes.seeds(records) == [f"Mean ± standard deviation over 2 seeds{same}"]
    assert notes.seeds(records, "one") == [f"Mean ± standard deviation over 6 seeds{same}"]
    text = [row.cells for row in mask_table(records).rows]
    assert text[0][4].endswith("±0.0")  # two masks, equal since Redness draws nothing


class Plain:
    """A generator whose author forgot @dataclass."""

    needs = frozenset()


class PlainEntry:
    name, dist = "plain", None

    def load(self):
        class Plugin:
            @hookimpl
            def wsss_generators(self):
                return {"plain": Plain}

        return Plugin()


def test_a_generator_that_is_no_dataclass_stops_the_suite_by_name(tmp_path):
    plugins = load((small_suite.Entry(), PlainEntry()))
    suite = small_suite.suite(generators={"R": {"name": "redness"}, "S": {"name": "plain"}})
    with pytest.raises(PluginError, match="generator 'plain' of unknown is no dataclass"):
        prepare_suite(suite, plugins, small_suite.store(tmp_path))
    assert RAN == []
