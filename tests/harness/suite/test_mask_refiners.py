"""Refiners of masks: after the rule, or after a segmentor."""

import numpy as np
import pytest
import small_suite
from small_suite import RAN
from suite_runs import run_rows

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.suite_rows import bound_rows
from wsss_harness.system.pictures import read_indices, write_regions

RULE = {"name": "constant", "threshold": 0.5}
SWAPS = {"open": {"name": "swapped"}, "back": {"name": "swapped", "before": 255, "after": 2}}
IDS = small_suite.FakeDataset(12).ids("train")


def row(method="R", *refiners, **changes):
    return {"method": method, "generator": "R", "refiners": refiners, "rule": RULE, **changes}


def suite(rows, refiners=SWAPS, **changes):
    return small_suite.suite(rows=rows, mask_refiners=refiners, **changes)


@pytest.fixture
def run(tmp_path):
    def run(rows, refiners=SWAPS, **changes):
        return run_rows(tmp_path, rows=rows, mask_refiners=refiners, **changes)

    return run


def masks_of(store, stage, ids=IDS):
    return [read_indices(store.folder(stage) / f"{image_id}.png") for image_id in ids]


def swapped(masks, before, after):
    return [np.where(mask == before, after, mask) for mask in masks]


def test_masks_are_refined_after_the_rule_and_may_leave_pixels_open(run):
    ran, store = run([row(), row("R + open", "half", "open"), row("half", "half")])
    plain, refined = ran["half"][0], ran["R + open"][0]
    expected = swapped(masks_of(store, plain.masks), 1, 255)
    assert refined.masks.title == "remask redness+halved+swapped"
    assert all(map(np.array_equal, masks_of(store, refined.masks), expected))
    assert refined.counts.inputs["masks"].key == refined.masks.key
    assert refined.masks.inputs["masks"].key == plain.masks.key
    record = ran["R + open"][1]
    assert record.recipe["refiners"] == ["half", "open"]
    assert record.maker() == refined.masks.key


def test_refiners_of_masks_follow_each_other(run):
    ran, store = run([row(), row("both", "open", "back")])
    expected = swapped(swapped(masks_of(store, ran["R"][0].masks), 1, 255), 255, 2)
    assert all(map(np.array_equal, masks_of(store, ran["both"][0].masks), expected))


def test_segmentors_learn_from_refined_masks(run):
    ran, _ = run([row("R + open", "open", segmentors=["one"])])
    (segmentation,) = ran["R + open"][0].segmentations
    assert segmentation.fit.inputs["masks"].key == ran["R + open"][0].masks.key


def test_predictions_are_refined_without_training_again(run):
    rows = [
        row(segmentors=["one"]),
        row("after", segmentors=["one"], prediction_refiners=["open", "back"]),
    ]
    refiners = {**SWAPS, "open": {"name": "swapped", "before": 0, "after": 255}}
    ran, store = run(rows, refiners)
    (plain,), (refined,) = (ran[method][0].segmentations for method in ("R", "after"))
    assert refined.fit.key == plain.fit.key
    assert ran["after"][0].masks.key == ran["R"][0].masks.key
    val = small_suite.FakeDataset(12).ids("val")
    expected = swapped(swapped(masks_of(store, plain.predictions, val), 0, 255), 255, 2)
    assert all(map(np.array_equal, masks_of(store, refined.predictions, val), expected))
    assert refined.predictions.kind == "repredict"
    assert refined.counts.inputs["masks"].key == refined.predictions.key


REGIONS = {"fine": {"superpixels": {"scale": 20, "min_size": 10}}}
VOTE = {"vote": {"name": "mostly_one", "regions": "fine"}}


def test_regions_of_train_and_of_val_are_found_and_stand_in_the_supervision(run):
    rows = [
        row(segmentors=["one"]),
        row("masks", "vote", segmentors=["one"]),
        row("predictions", segmentors=["one"], prediction_refiners=["vote"]),
    ]
    ran, _ = run(rows, VOTE, regions=REGIONS)
    assert [ran[method][1].sup for method in ("R", "masks", "predictions")] == [
        "I.",
        "I.+M.",
        "I.+M.",
    ]
    of_train = ran["masks"][0].masks.inputs["regions"]
    of_val = ran["predictions"][0].segmentations[0].predictions.inputs["regions"]
    assert of_train.key != of_val.key


def test_regions_of_val_are_wanted_before_any_work(run, tmp_path):
    for image_id in IDS:
        write_regions(tmp_path / "maps" / f"{image_id}.png", np.zeros((24, 32), np.int32))
    maps = {"folder": str(tmp_path / "maps"), "made_by": "us", "trained_on": "nothing"}
    rows = [row("P", segmentors=["one"], prediction_refiners=["vote"])]
    with pytest.raises(DataError, match=r"4 of 4 .* images of val have no map"):
        run(rows, VOTE, regions={"fine": maps})


def test_a_stopped_stage_goes_on_with_the_images_that_are_left(run):
    RAN.clear()
    refiners = {"open": {"name": "swapped", "how": "stops"}}
    rows = [row("R", "open")]
    with pytest.raises(KeyboardInterrupt):
        run(rows, refiners)
    begun = [image_id for image_id in RAN if image_id in IDS]
    RAN.clear()
    RAN.extend(["padding"] * 10)  # it stops no more
    run(rows, refiners)
    again = [image_id for image_id in RAN if image_id in IDS]
    assert again == [image_id for image_id in IDS if image_id not in begun[:-1]]


def test_all_cores_give_the_same_masks(run):
    refiners = {**SWAPS, "all": {"name": "swapped_on_all_cores"}}
    ran, store = run([row("one", "open"), row("all", "all")], refiners)
    assert all(
        map(np.array_equal, *(masks_of(store, ran[method][0].masks) for method in ("one", "all")))
    )


@pytest.mark.parametrize(
    ("options", "words"), [({"after": 7}, "value 7"), ({"how": "list"}, "gave list for image")]
)
def test_a_wrong_mask_fails_the_row_and_names_plugin_and_image(run, options, words):
    ran, _ = run([row("R", "open")], {"open": {"name": "swapped", **options}})
    failure = ran["R"][1].failure
    assert "mask_refiner 'open'" in failure.message
    assert words in failure.message


def key_of(options, **changes):
    spec = suite([row("R", "open")], {"open": {"name": "swapped", **options}}, **changes)
    return Graph(spec, small_suite.plugins(), 0).row(spec.rows[0]).masks.key


def test_options_that_count_are_in_the_key_and_idle_ones_are_not():
    assert key_of({}) == key_of({"pause": 1.0})
    assert key_of({}) != key_of({"after": 2})


def test_refiners_of_masks_have_no_seed():
    spec = suite([row("R", "open")], vary=["segmentor"], seeds=[0, 1])
    first, second = (Graph(spec, small_suite.plugins(), seed).row(spec.rows[0]) for seed in (0, 1))
    assert first.masks.key == second.masks.key


def test_perfect_seeds_are_for_refiners_of_scores():
    spec = suite([row("R", "half", "open")], bounds=["refined"])
    graph = Graph(spec, small_suite.plugins(), 0)
    names = [bound.row.method for bound in bound_rows(graph)]
    assert "Perfect seed + half" in names
    assert not [name for name in names if "open" in name]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([row("R", "open", "half")], "'half' refines scores, but comes after 'open'"),
        ([row("R", "shut")], r"'shut' is not defined.*half, open, back"),
        ([row(prediction_refiners=["half"], segmentors=["one"])], "'half' is not defined"),
        ([row(prediction_refiners=["open"])], "no segmentors"),
    ],
)
def test_a_wrong_chain_is_refused_when_the_suite_is_read(rows, words):
    with pytest.raises(ConfigError, match=words):
        suite(rows)


def test_a_label_stands_for_one_kind_of_refiner():
    with pytest.raises(ConfigError, match="'half' is in refiners and in mask_refiners"):
        suite([row()], {"half": {"name": "swapped"}})


def test_predictions_are_refined_without_image_labels():
    spec = suite(
        [row(segmentors=["one"], prediction_refiners=["open"])], {"open": {"name": "labelled"}}
    )
    graph = Graph(spec, small_suite.plugins(), 0)
    with pytest.raises(ConfigError, match=r"needs \['image_labels'\].*refine pseudo-masks"):
        graph.row(spec.rows[0])


def test_products_cross_generators_with_chains_of_both_kinds():
    spec = suite(
        [], product={"generators": ["R"], "refiners": [[], ["half"], ["half", "open"], ["open"]]}
    )
    assert [row.method for row in spec.rows] == ["R", "R + half", "R + half + open", "R + open"]


def test_a_refiner_of_masks_has_no_weights():
    weights = {"icons": {"trained_on": "icons", "file": "x.pth"}}
    spec = suite(
        [row("R", "open")], {"open": {"name": "swapped", "weights": "icons"}}, weights=weights
    )
    with pytest.raises(ConfigError, match="not trained; take its weights out"):
        Graph(spec, small_suite.plugins(), 0).row(spec.rows[0])
