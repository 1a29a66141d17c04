"""What notes say of seeds, by row."""

import pytest
from sample_records import record

from wsss_harness.suite.spec import AXES
from wsss_leaderboard.records.provenance import Step
from wsss_leaderboard.tables import notes


def run(method, seed, generator, vary=AXES):
    steps = (
        Step(stage="fit g", key=f"{method} g{generator}"),
        Step(stage="mask g", key=f"{method} m{generator}"),
        Step(stage="segment V1 on g", key=f"{method} s{seed}"),
    )
    return record(method, seed=seed, steps=steps, vary=vary)


def test_rows_whose_seeds_share_masks_are_named_with_their_draws():
    whole = [run("A", seed, seed) for seed in range(3)]
    part = [run("B", seed, 0, ("segmentor",)) for seed in range(3)]
    crossed = [run("C", seed, seed // 2) for seed in range(3)]
    assert notes.seeds([*whole, *part, *crossed], "V1") == [
        "Mean ± standard deviation over 3 seeds; the same seed throughout: B generator, refiner, "
        "weights.",
        "B: 3 runs share masks or weights and count as 1 draw.",
        "C: 3 runs share masks or weights and count as 2 draws.",
    ]


def test_masks_that_a_segmentor_does_not_change_need_no_note_of_it():
    masks = [run("A", seed, seed, ("weights", "generator", "refiner")) for seed in range(2)]
    assert notes.seeds(masks) == ["Mean ± standard deviation over 2 seeds."]


def test_what_all_rows_leave_out_is_said_once():
    rows = [run(m, seed, seed, ("generator", "segmentor")) for m in "AB" for seed in range(2)]
    assert notes.seeds(rows, "V1") == [
        "Mean ± standard deviation over 2 seeds; the same seed throughout: refiner, weights."
    ]


def test_methods_that_name_classes_by_hand_are_marked():
    def refined(method, names):
        steps = (Step(stage="refine", key=method, options={"named_by_hand": names}),)
        return record(method, steps=steps)

    rows = [run("A", 0, 0), refined("B", []), refined("C", ["boat", "train"])]
    expected = ["C: has a rule of its own for classes named by hand: boat, train."]
    assert notes.named_by_hand(rows) == expected
    assert expected[0] in notes.common(rows)


@pytest.mark.parametrize(
    ("options", "noted"),
    [
        ({"backbone": {}, "weights": {}, "checkpoint": None}, True),
        ({"backbone": {}, "weights": {"name": "icons"}}, False),
        ({"backbone": {}, "weights": {}, "checkpoint": "digest"}, False),
        ({"weights": {}}, False),
    ],
    ids=["random", "pretrained", "released", "no network"],
)
def test_methods_that_start_from_random_weights_are_named(options, noted):
    step = Step(stage="fit cam 1", key="k", options=options)
    named = "No initial weights: A. Layers that are frozen stay at random values."
    assert (named in notes.weights([record("A", steps=(step,))])) == noted


def test_methods_whose_weights_were_selected_on_truth_are_named():
    runs = [run("ToCo", 0, 0), run("CAM", 0, 0)]
    supervision = runs[0].supervision.model_copy(update={"selected_on": ("val",)})
    chosen = runs[0].model_copy(update={"supervision": supervision})
    (note,) = notes.selected([chosen, runs[1]])
    assert "truth of val" in note
    assert "ToCo" in note
    assert "CAM" not in note
