"""Weights by name: who gets them, and the letters that follow from what they were trained on."""

import pytest
import small_suite
from suite_runs import run_rows

from wsss_harness.contract.errors import ConfigError
from wsss_harness.suite.graph import Graph

RULE = {"name": "constant", "threshold": 0.25}
CLIP = {"clip": "clip"}


@pytest.fixture
def weights(tmp_path):
    """Files of weights of several kinds, as a suite names them."""
    kinds = {"clip": "language", "icons": "image_labels", "coco": "pixel_labels", "own": "truth"}
    for label in kinds:
        (tmp_path / label).write_text("0.5")
    return {
        label: {"file": str(tmp_path / label), "trained_on": label, "kind": kind}
        for label, kind in kinds.items()
    }


def suite(weights, *generators, **options):
    """One row for each of some generators, which are named as tables of a suite."""
    labels = [f"G{number}" for number in range(len(generators))]
    return {
        "weights": weights,
        "generators": dict(zip(labels, generators, strict=True)),
        "rows": [{"method": label, "generator": label, "rule": RULE} for label in labels],
        **options,
    }


@pytest.fixture
def run(tmp_path, weights):
    """Run a suite; gives the record of each row."""

    def run(*generators, **options):
        rows, _ = run_rows(tmp_path, **suite(weights, *generators, **options))
        return {method: record for method, (_, record) in rows.items() if not record.control}

    return run


def worded(**options):
    return {"name": "worded", "weights": CLIP, **options}


def test_the_letters_follow_the_kind_of_the_weights_that_were_taken(run, weights):
    record = run(worded())["G0"]
    assert record.sup == "I.+L."
    (recorded,) = record.supervision.weights
    assert (recorded.name, recorded.kind, recorded.given_as) == ("clip", "language", ("clip",))
    assert [stage.split()[0] for stage in recorded.read_by] == ["score"]
    assert recorded.digest


@pytest.mark.parametrize(("label", "column"), [("icons", "I."), ("coco", "I.+P."), ("own", "F.")])
def test_a_backbone_counts_whether_it_is_named_or_not(run, label, column):
    records = run(
        {"name": "redness", "weights": label}, {"name": "redness", "weights": {"backbone": label}}
    )
    assert {record.sup for record in records.values()} == {column}


def test_both_spellings_of_a_backbone_are_one_stage(weights):
    content = suite(
        weights,
        {"name": "redness", "weights": "icons"},
        {"name": "redness", "weights": {"backbone": "icons"}},
    )
    graph = Graph(small_suite.suite(**content), small_suite.plugins(), 0)
    assert graph.generated("G0").key == graph.generated("G1").key


def test_weights_of_a_segmentor_count_in_its_own_row_alone(run, weights):
    row = {"method": "R", "generator": "G0", "rule": RULE, "segmentors": ["plain", "coco"]}
    record = run(
        {"name": "redness"},
        segmentors={
            "plain": {"name": "most_common"},
            "coco": {"name": "most_common", "weights": "coco"},
        },
        rows=[row],
    )["R"]
    assert [record.sup_of(target) for target in ("", "plain", "coco")] == ["I.", "I.", "I.+P."]


def test_weights_that_a_method_does_not_declare_cannot_be_read(run):
    """One of the lies that the ledger is there for: a text model hidden in a row without one."""
    failure = run(worded(also="text_tower"))["G0"].failure
    assert "generator 'worded' read the weights 'text_tower', but declares ['clip']" in str(failure)
    assert failure.kind == "SupervisionError"


def test_a_failed_row_shows_the_weights_that_it_was_given(run):
    assert run(worded(also="text_tower"))["G0"].sup == "I.+L."


def test_weights_of_the_generator_before_count(run):
    records = run(worded(), {"name": "after_worded", "previous": "G0"})
    assert records["G1"].failure is None
    assert records["G1"].sup == "I.+L."


@pytest.mark.parametrize(
    ("offered", "message"),
    [
        ({"name": "worded"}, r"'worded' wants the weights 'clip'.*clip = \"LABEL\""),
        ({"name": "redness", "weights": CLIP}, r"'redness' takes no weights 'clip'.*backbone"),
    ],
)
def test_a_row_gets_the_weights_that_its_method_wants_and_no_others(weights, offered, message):
    graph = Graph(small_suite.suite(**suite(weights, offered)), small_suite.plugins(), 0)
    with pytest.raises(ConfigError, match=message):
        graph.generated("G0")


def test_an_unknown_label_is_refused_when_the_suite_is_read(weights):
    with pytest.raises(ConfigError, match=r"weights of 'G0': 'clop' is not defined.*clip"):
        small_suite.suite(**suite(weights, worded(weights={"clip": "clop"})))


def test_other_bytes_of_a_named_file_make_its_stages_again(weights, tmp_path):
    def keys():
        graph = Graph(small_suite.suite(**suite(weights, worded())), small_suite.plugins(), 0)
        score = graph.generated("G0")
        return score.key, score.inputs["fit"].key

    before = keys()
    (tmp_path / "clip").write_text("0.25")
    assert all(old != new for old, new in zip(before, keys(), strict=True))
    assert keys() == keys()


def test_another_kind_of_the_same_file_runs_nothing_again_and_shows_another_letter(run, weights):
    before = run(worded())["G0"]
    weights["clip"]["kind"] = "self_supervised"
    after = run(worded())["G0"]
    assert (before.sup, after.sup) == ("I.+L.", "I.+D.")
    assert {step.key for step in before.steps} == {step.key for step in after.steps}
