"""A suite from images to records: shared stages, resuming, derived supervision."""

import numpy as np
import pytest
import small_suite
from small_suite import RAN

from wsss_harness.contract.errors import ConfigError, PluginError
from wsss_harness.contract.hookspecs import hookimpl
from wsss_harness.execution.run import prepare_suite
from wsss_harness.plugins.registry import load
from wsss_harness.store.manifest import MANIFEST
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.suite_rows import plan_of
from wsss_harness.system.files import read_json
from wsss_harness.system.score_files import read_scores


def test_rows_controls_and_bounds_have_records(run):
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


def without_interval(score):
    """A score without its interval, which those at other thresholds do not have."""
    return score.model_copy(update={"error": None, "t": None})


def test_curve_has_the_score_of_the_masks_at_each_threshold(run):
    """The score at a threshold is the score of the masks made with it, to the last count."""
    outcomes, _, collector = run()
    masks = collector.record(outcomes["R"]).masks
    again = collector.record(
        run(rows=[{"method": "R", "generator": "R", "rule": {"threshold": 0.2}}])[0]["R"]
    ).masks
    assert without_interval(again.score) == masks.others["fixed"].score
    assert masks.score != masks.others["fixed"].score


def test_stages_that_rows_share_run_once(run):
    row = {"generator": "R", "segmentors": ["one"]}
    rows = [{"method": m, **row, "rule": {"threshold": t}} for m, t in (("A", 0.2), ("B", 0.4))]
    outcomes, _, _ = run(rows=rows)
    assert RAN == ["prepare", "fit"]
    first, second = outcomes["A"].row, outcomes["B"].row
    assert first.scores.key == second.scores.key
    assert first.masks.key != second.masks.key


def test_option_of_inference_does_not_train_again(run):
    run()
    RAN.clear()
    other = {"R": {"name": "redness", "value": 0.5}, "S": {"name": "salient"}}
    outcomes, store, _ = run(generators=other)
    assert "fit" not in RAN
    image_id = "image_000"
    scores = read_scores(store.folder(outcomes["R"].row.scores) / f"{image_id}.scores")
    assert scores.values.max() <= 0.51


def test_shared_options_reach_only_generators_that_have_them(run):
    outcomes, _, _ = run(
        generators={"R": {"name": "redness"}, "S": {"name": "narrow"}}, shared={"value": 0.5}
    )
    assert outcomes["R"].row.scores.options["value"] == 0.5
    assert "value" not in outcomes["S"].row.scores.options


def test_shared_option_of_no_generator_is_refused(run):
    with pytest.raises(ConfigError, match=r"shared\.valeu is an option .*did you mean 'value'"):
        run(shared={"valeu": 0.5})


ROW = {"method": "R", "generator": "R"}


def no_use(options):
    return {"value": "it says so"} if options.get("reads", "present") == "present" else {}


def test_a_shared_option_without_use_beside_the_others_is_passed_over(monkeypatch, run):
    monkeypatch.setattr(small_suite.Salient, "unused", no_use, raising=False)
    offered = {"R": {"name": "redness"}, "S": {"name": "salient", "reads": "present"}}
    shared = {"value": 0.5}
    outcomes, _, _ = run(generators=offered, shared=shared)
    values = {label: outcomes[label].row.scores.options["value"] for label in "RS"}
    assert values == {"R": 0.5, "S": 1.0}


def test_a_shared_option_that_all_generators_have_no_use_for_is_refused(monkeypatch, run):
    monkeypatch.setattr(small_suite.Redness, "unused", no_use, raising=False)
    with pytest.raises(ConfigError, match=r"shared\.value is an option of none"):
        run(generators={"R": {"name": "redness"}}, shared={"value": 0.5}, rows=[ROW])


def test_an_option_without_use_in_the_table_of_a_generator_is_refused(monkeypatch, run):
    monkeypatch.setattr(small_suite.Redness, "unused", no_use, raising=False)
    with pytest.raises(ConfigError, match=r"generators.R.value has no use: it says so"):
        run(generators={"R": {"name": "redness", "value": 0.5}}, rows=[ROW])


def test_idle_option_does_not_change_the_key(run):
    first, _, _ = run()
    other = {"R": {"name": "redness", "pause": 0.001}, "S": {"name": "salient"}}
    again, _, _ = run(generators=other)
    assert first["R"].row.counts.key == again["R"].row.counts.key


def test_a_fit_that_reads_what_its_key_leaves_out_fails_by_name(monkeypatch, run):
    monkeypatch.setattr(small_suite.Redness, "fit", lambda self, data, run: self.value)
    outcomes, _, _ = run()
    failure = outcomes["R"].failure
    assert failure.kind == "PluginError"
    assert "fit of generator 'redness' read the option 'value'" in str(failure)


@pytest.mark.parametrize("attribute", ["at_inference", "idle"])
def test_unknown_name_in_at_inference_or_idle_is_refused(monkeypatch, run, attribute):
    monkeypatch.setattr(small_suite.Redness, attribute, {"speed"}, raising=False)
    with pytest.raises(PluginError, match=rf"Redness names 'speed' in {attribute}.*reads, value"):
        run()


def test_second_run_reuses_every_stage(run):
    run()
    RAN.clear()
    _, store, _ = run()
    assert RAN == []
    assert {event.kind for event in store.events} == {"reused"}


def test_threshold_is_chosen_on_held_out_or_on_all_images(run):
    outcomes, _, collector = run(
        rows=[
            {"method": policy, "generator": "R", "rule": {"threshold": policy}}
            for policy in ("held_out", "oracle")
        ]
    )
    for policy in ("held_out", "oracle"):
        masks = collector.record(outcomes[policy]).masks
        assert masks.chosen_on == policy
        assert without_interval(masks.score) == masks.others[policy].score
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


def test_interrupted_suite_resumes_to_the_same_bytes(run, tmp_path):
    generators = {"R": {"name": "redness", "stop_at": 3}}
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "killed", generators=generators, rows=[ROW])
    outcomes, killed, _ = run(tmp_path / "killed")
    _, whole, _ = run(tmp_path / "whole")
    for outcome in outcomes.values():
        for target in outcome.row.targets:
            manifests = [read_json(s.folder(target) / MANIFEST) for s in (killed, whole)]
            assert manifests[0]["files"] == manifests[1]["files"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"generators": {"R": {"name": "rednes"}}}, "no generator is named 'rednes'.*'redness'"),
        ({"generators": {"R": {"name": "redness", "vale": 1}}}, "no option 'vale'"),
        ({"dataset": {"name": "in_memroy"}}, "no dataset is named 'in_memroy'"),
        ({"segmentors": {"one": {"name": "none"}}}, "no segmentor is named 'none'"),
    ],
)
def test_unknown_name_is_refused_before_anything_runs(run, changes, message):
    rows = [{"method": "R", "generator": "R", "segmentors": ["one"]}]
    with pytest.raises(ConfigError, match=message):
        run(rows=rows, **changes)
    assert RAN == []


def test_unknown_rule_is_refused_before_anything_runs(run):
    with pytest.raises(ConfigError, match="no background rule is named 'konstant'"):
        run(rows=[{"method": "R", "generator": "R", "rule": {"name": "konstant"}}])
    assert RAN == []


def test_suite_of_saliency_methods_has_a_control_row(run):
    outcomes, _, _ = run(
        generators={"S": {"name": "salient"}}, rows=[{"method": "S", "generator": "S"}]
    )
    assert "Saliency, S's classes" in outcomes


def test_too_many_held_out_images_are_refused_before_training(run):
    with pytest.raises(ConfigError, match="held_out is 8, but 8 images are to be scored"):
        run(held_out=8)
    assert "fit" not in RAN


def test_metric_of_a_plugin_is_in_the_record(run):
    outcomes, _, collector = run()
    assert 0 < collector.record(outcomes["R"]).masks.more["equal"]["equal"] < 1


@pytest.mark.parametrize("method", ["Redness", "Halved", "CopiesMostCommon"])
def test_identity_of_a_method_is_in_the_key_of_its_fit(monkeypatch, method):
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


def test_removed_metric_does_not_measure_again(run, monkeypatch, tmp_path):
    run(tmp_path)
    monkeypatch.setattr(small_suite.Plugin, "wsss_metrics", hookimpl(lambda self: {}))
    plan = plan_of(small_suite.suite(), small_suite.plugins(), small_suite.store(tmp_path))
    assert plan.to_do == ()


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"threshold": 0.5}, "0.5"),
        ({"threshold": 0.5, "uncertain": 0.25}, "0.5 uncertain 0.25"),
        ({"name": "power", "alpha": 4.0}, "power alpha 4"),
        ({"name": "explicit"}, "explicit"),
    ],
)
def test_text_of_a_rule_has_threshold_then_named_options(run, rule, text):
    outcomes, _, collector = run(rows=[{"method": "R", "generator": "R", "rule": rule}])
    assert collector.scores.rule_text(outcomes["R"].row) == text


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


def test_generator_that_is_no_dataclass_is_refused(tmp_path):
    plugins = load((small_suite.Entry(), PlainEntry()))
    suite = small_suite.suite(generators={"R": {"name": "redness"}, "S": {"name": "plain"}})
    with pytest.raises(PluginError, match="generator 'plain' of unknown is no dataclass"):
        prepare_suite(suite, plugins, small_suite.store(tmp_path))
    assert RAN == []
