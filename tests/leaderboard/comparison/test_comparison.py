"""`wsss diff`: what differs between two rows, by how much, on which classes and images."""

import json
import shutil

import numpy as np
import pytest
import simulated
from sample_records import record
from typer.testing import CliRunner

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_leaderboard.cli.app import app
from wsss_leaderboard.comparison import comparison
from wsss_leaderboard.comparison.comparison import compare, flat, settings, unlike_of
from wsss_leaderboard.comparison.difference_view import miou_table
from wsss_leaderboard.comparison.row_names import full_names, runs_of
from wsss_leaderboard.ranking import entries
from wsss_leaderboard.ranking.entries import LoadedRecord
from wsss_leaderboard.ranking.ranking import differences
from wsss_leaderboard.records.counts import Tallies
from wsss_leaderboard.records.provenance import Step
from wsss_leaderboard.statistics import estimates


@pytest.fixture(scope="module")
def runs():
    return simulated.runs({"A": 0.0, "B": 0.9}, images=60)


def of(runs, method):
    return [run for run in runs if run.record.method == method]


@pytest.fixture(scope="module")
def compared(runs):
    return compare(of(runs, "A"), of(runs, "B"))


def test_miou_of_each_target_and_its_significance(runs, compared):
    assert [target.target for target in compared.targets] == ["", "V1"]
    for target in compared.targets:
        means = [
            np.mean([run.score(target.target).miou for run in of(runs, method)])
            for method in ("A", "B")
        ]
        assert (target.miou.a, target.miou.b) == pytest.approx(means)
        assert target.miou.difference == pytest.approx(means[1] - means[0])
        assert target.miou.told_apart


def test_a_row_does_not_differ_from_itself(runs):
    same = compare(of(runs, "A"), of(runs, "A"))
    assert same.settings == ()
    for target in same.targets:
        assert (target.miou.difference, target.miou.told_apart) == (0, False)
        assert target.miou.reach == pytest.approx(0, abs=1e-12)


def test_classes_are_sorted_by_the_size_of_their_change(runs, compared):
    classes = compared.targets[0].classes
    sizes = [abs(change.difference or 0) for change in classes]  # None of one that is nowhere
    assert sizes == sorted(sizes, reverse=True)
    assert {change.name for change in classes} == {"background", *simulated.CLASSES}
    for change in classes:
        values = [run.score("").iou[change.name] for run in of(runs, "B")]
        assert change.b == (None if None in values else pytest.approx(np.mean(values)))


def test_classes_are_compared_by_name_in_records_from_files(runs, compared, tmp_path):
    """A file has its classes in the order of the alphabet, its counts in that of the dataset."""
    simulated.write(tmp_path, [run for run in runs if run.tallies])
    again = entries.load([tmp_path])
    of_runs, of_files = (
        {change.name: change.reach for change in pair.targets[0].classes}
        for pair in (compared, compare(of(again, "A"), of(again, "B")))
    )
    assert of_runs == pytest.approx(of_files)


def test_images_are_those_that_move_the_difference_most(runs, compared):
    images = compared.targets[0].images
    assert len(images) == comparison.IMAGES
    moved = [abs(image.influence) for image in images]
    assert moved == sorted(moved, reverse=True)
    tallies = [of(runs, method)[0].tallies[""] for method in ("A", "B")]
    place = tallies[0].ids.index(images[0].image_id)
    means = []
    for method in ("A", "B"):
        each = [estimates.miou(run.tallies[""].counts, t=2).influence for run in of(runs, method)]
        means.append(np.mean(each, 0))
        assert np.abs(means[-1]).max() > 0
    expected = means[1] - means[0]
    assert images[0].influence == pytest.approx(expected[place])
    assert np.abs(expected).max() == pytest.approx(moved[0])


def test_the_share_of_wrong_pixels_equals_a_loop(runs, compared):
    image = compared.targets[0].images[0]
    shares = []
    for run in of(runs, "A"):
        tallies = run.tallies[""]
        hit, truth, _ = tallies.counts[tallies.ids.index(image.image_id)].T
        shares.append(1 - sum(map(int, hit)) / sum(map(int, truth)))
    assert image.a == pytest.approx(np.mean(shares), abs=1e-3)


def test_settings_that_differ_are_named_by_their_part():
    first = record(
        plugins={"generator cam": "wsss-bench 1"},
        steps=(
            Step(stage="fit cam 1", key="a", options={"lr": 0.1, "net": {"depth": 18}, "seed": 0}),
            Step(stage="fit cam+crf 1", key="b", code={"wsss_harness.networks.crf": "0" * 32}),
            Step(stage="segment V1 on cam", key="c", options={"iterations": 10}),
        ),
    )
    second = record(
        plugins={"generator cam": "wsss-bench 2"},
        seed=1,
        steps=(
            Step(stage="fit cam 2", key="d", options={"lr": 0.1, "net": {"depth": 50}, "seed": 1}),
            Step(stage="segment V1 on cam", key="e", environment={"torch": "2.11"}),
        ),
    )
    named = [(s.part, s.name, s.a, s.b) for s in settings(first, second)]
    assert named == [
        ("plugins", "generator cam", "wsss-bench 1", "wsss-bench 2"),
        ("seeds", "all", 0, 1),
        ("source code", "wsss_harness.networks.crf", "00000000", None),
        ("environment", "torch", None, "2.11"),
        ("fit 1", "net.depth", 18, 50),
        ("segment V1", "iterations", 10, None),
    ]


def test_options_are_named_by_their_path():
    assert flat({"a": {"b": {"c": 1}, "d": []}, "e": {}}) == {"a.b.c": 1, "a.d": [], "e": {}}


def held_out(run, images):
    protocol = run.record.protocol.model_copy(update={"held_out": images})
    return LoadedRecord(run.record.model_copy(update={"protocol": protocol}), None, run.tallies)


def test_unlike_protocols_are_refused_unless_forced(runs):
    others = [held_out(run, 5) for run in of(runs, "B")]
    with pytest.raises(ConfigError, match=r"measured differently: held out 0, 5\..*--anyway"):
        compare(of(runs, "A"), others)
    forced = compare(of(runs, "A"), others, anyway=True)
    assert forced.unlike == ("held out 0, 5",)
    target = forced.targets[0]
    assert target.miou.difference is not None
    assert (target.miou.reach, target.miou.told_apart, target.images) == (None, None, ())
    assert {change.reach for change in target.classes} == {None}


def test_counts_of_other_images_are_not_paired(runs):
    others = [
        LoadedRecord(run.record, None, {"": Tallies(("x",) * len(tallies.ids), tallies.counts)})
        for run in of(runs, "B")
        for tallies in [run.tallies[""]]
    ]
    target = compare(of(runs, "A"), others).targets[0]
    assert (target.miou.reach, target.images) == (None, ())


def test_a_class_that_is_in_one_image_has_no_interval():
    (run,) = simulated.runs({"A": 0}, seeds=(0,), images=30, segmentors=())[:1]
    counts = run.tallies[""].counts.copy()
    counts[1:, 4] = 0
    counts[0, 4] = [10, 20, 30]
    rare = LoadedRecord(run.record, None, {"": Tallies(run.tallies[""].ids, counts)})
    classes = {change.name: change for change in compare([rare], [run]).targets[0].classes}
    assert classes[simulated.CLASSES[3]].reach is None
    assert classes["background"].reach is not None


def test_single_seeds_are_noted_and_never_bold(runs):
    several = compare(of(runs, "A"), of(runs, "B"))
    single = compare(of(runs, "A")[:1], of(runs, "B")[:1])
    assert {target.scope for target in several.targets} == {"draws"}
    assert {target.scope for target in single.targets} == {"images"}
    assert single.targets[0].miou.told_apart
    assert single.json()["targets"][0]["miou"]["told_apart"] is None
    assert several.json()["targets"][0]["miou"]["told_apart"]
    assert not any(row.best for row in miou_table(single).rows)
    assert any(row.best for row in miou_table(several).rows)
    sentence = "Neither row has several seeds of pseudo-masks, V1: the interval covers images alone"
    assert any(note.startswith(sentence) for note in miou_table(single).notes)
    assert not any(note.startswith("Neither") for note in miou_table(several).notes)


def test_seeds_of_a_segmentor_alone_are_noted_and_never_bold(runs):
    step = Step(stage="mask x", key="the same")
    rows = [
        [
            LoadedRecord(run.record.model_copy(update={"steps": (step,)}), run.path, run.tallies)
            for run in of(runs, method)
        ]
        for method in ("A", "B")
    ]
    table = miou_table(compare(*rows))
    assert any(note.startswith("Neither row repeats its generator for V1") for note in table.notes)
    assert not any(row.best for row in table.rows)


def test_the_interval_is_that_of_the_board(runs):
    """An unsteady row, as a peer, changes the spread over seeds."""
    peer = simulated.runs({"C": 0.3}, images=60, luck=1)
    with_peer = compare(of(runs, "A"), of(runs, "B"), [of(peer, "C")])
    (board,) = entries.boards([*of(runs, "A"), *of(runs, "B"), *of(peer, "C")])
    for target in with_peer.targets:
        expected = differences(board.entries(target.target)).reaches[0, 1]
        assert target.miou.reach == pytest.approx(expected)
    alone = compare(of(runs, "A"), of(runs, "B")).targets[0].miou.reach
    assert with_peer.targets[0].miou.reach != alone


def test_a_difference_that_rests_on_three_images_is_said_to(runs):
    run, *_ = of(runs, "A")
    counts = run.tallies[""].counts.copy()
    counts[:, 4] = 0
    other = counts.copy()
    counts[:3, 4] = [[10, 40, 30], [20, 30, 40], [15, 60, 60]]
    other[:3, 4] = [[30, 40, 40], [25, 30, 40], [50, 60, 60]]
    rows = [
        [LoadedRecord(run.record, None, {"": Tallies(run.tallies[""].ids, own)})]
        for own in (counts, other)
    ]
    result = compare(*rows)
    assert result.targets[0].rests_on <= 3
    assert any("of the scored images" in note for note in miou_table(result).notes[1:])


def test_records_of_version_1_are_distinguished_by_data():
    first, second = (record(data=data) for data in ("one", "two"))
    assert list(unlike_of(first, second)) == ["data one, two"]
    assert not list(unlike_of(first, first))


# The command


@pytest.fixture(scope="module")
def store(runs, tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    simulated.write(store / "results" / "small", runs)
    return store


def diff(store, *words):
    return CliRunner().invoke(app, ["diff", *words, "--store", str(store)])


def test_the_command_prints_the_comparison(store):
    done = diff(store, "small:A", "configs/small.toml:B")
    assert done.exit_code == 0, done.output
    for words in ("A: A, seeds 0, 1, 2", "No setting differs", "IoU of classes, V1", "matter most"):
        assert words in done.output


def test_the_command_gives_json(store, compared):
    folder = store / "results" / "small"
    done = diff(store, f"{folder}:A", "small:B", "--json")
    read = json.loads(done.output)
    assert read["targets"][0]["miou"]["b"] == compared.targets[0].miou.b
    assert read["targets"][0]["classes"][0]["told_apart"] in (True, False, None)
    assert len(read["targets"][1]["images"]) == comparison.IMAGES
    (board,) = entries.boards(entries.load([folder]))
    known = [entry for entry in board.entries() if entry.estimate]
    reach = differences(known).reaches[0, 1]
    assert read["targets"][0]["miou"]["reach"] == pytest.approx(reach)
    assert read["targets"][0]["scope"] == "draws"


def test_the_file_of_a_record_is_one_run(store, runs):
    path = store / "results" / "small" / "records" / "0001.json"
    (run,) = runs_of(str(path), store)
    assert (run.record.method, run.record.seed) == ("A", 1)
    assert set(run.tallies) == {"", "V1"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("small:X", "small has no row 'X'; there are A, B, Saliency"),
        ("other:A", "there are no records in .*other.records; there is small; run the suite first"),
    ],
)
def test_an_unknown_row_is_refused_by_name(store, name, message):
    with pytest.raises(Exception, match=message):
        runs_of(name, store)


def test_a_row_that_only_one_suite_has_needs_no_results(store):
    folder = store / "results" / "small"
    assert full_names(["A", "B"], store) == [f"{folder}:A", f"{folder}:B"]
    assert full_names(["small:A", "B"], store) == ["small:A", f"{folder}:B"]
    assert full_names(["small:A", "one.json"], store) == ["small:A", "one.json"]
    assert diff(store, "A", "B").exit_code == 0


def test_a_row_that_no_suite_has_is_answered_with_the_nearest(store, tmp_path):
    with pytest.raises(ConfigError, match="row 'Salience'; did you mean 'Saliency'"):
        full_names(["A", "Salience"], store)
    with pytest.raises(DataError, match="has no results; run a suite first"):
        full_names(["A", "B"], tmp_path / "empty")


def test_rows_of_several_suites_are_told_apart_by_the_results_that_have_both(store, tmp_path):
    several = tmp_path / "several"
    shutil.copytree(store / "results", several / "results")
    other = several / "results" / "other"
    shutil.copytree(several / "results" / "small", other)
    with pytest.raises(ConfigError, match=r"a row 'A': other, small; .*'other:A'"):
        full_names(["A", "B"], several)
    for path in (other / "records").glob("*.json"):
        if json.loads(path.read_text())["method"] == "B":
            path.unlink()
    small = several / "results" / "small"
    assert full_names(["A", "B"], several) == [f"{small}:A", f"{small}:B"]
