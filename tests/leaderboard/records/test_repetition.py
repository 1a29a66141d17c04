"""Which runs of a row are draws of their own, and which draws rows share."""

import pytest
from sample_records import record

from wsss_leaderboard.records.provenance import Step
from wsss_leaderboard.records.repetition import draws, draws_of, fixed, masks_of, random_steps, runs


def run(seed, generator, segmentor=0, weights=0, masks=None, **changes):
    steps = (
        Step(stage="pretrain icons", key=f"w{weights}"),
        Step(stage="fit cam", key=f"g{generator}", inputs={"weights": f"w{weights}"}),
        Step(stage="mask cam", key=f"m{generator}", products=masks or f"m{generator}"),
        Step(stage="segment V1 on cam", key=f"s{generator}{segmentor}"),
        Step(stage="segment V2 on cam", key=f"t{generator}"),
    )
    return record("CAM", seed=seed, steps=steps, **changes)


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([run(0, 0), run(1, 1), run(2, 2)], [[0], [1], [2]]),
        ([run(n, 0, n) for n in range(10)], [list(range(10))]),
        ([run(n, n // 2, n) for n in range(4)], [[0, 1], [2, 3]]),
        ([run(n, n, weights=n // 2) for n in range(4)], [[0, 1], [2, 3]]),
        ([run(n, n, masks="same") for n in range(3)], [[0, 1, 2]]),
        ([run(0, 0, masks="a"), run(1, 1), run(2, 2, masks="a")], [[0, 2], [1]]),
        ([run(0, 0)], [[0]]),
        ([], []),
    ],
    ids=["seeds", "segmentors", "crossed", "weights", "equal", "copied", "one", "none"],
)
def test_a_draw_has_masks_of_its_own(records, expected):
    assert draws_of(records, "V1") == expected


def test_weights_of_a_segmentor_alone_link_no_draws():
    records = [run(n, n, weights=n % 2) for n in range(3)]
    records = [
        r.model_copy(update={"steps": tuple(s.model_copy(update={"inputs": {}}) for s in r.steps)})
        for r in records
    ]
    assert draws_of(records, "V1") == [[0], [1], [2]]


def test_fits_that_learn_from_scores_are_refiners():
    """A generator may build on another one."""
    steps = [
        Step(stage="fit first", key="a", inputs={"data": "d"}),
        Step(stage="fit second", key="b", inputs={"data": "d", "previous": "a"}),
        Step(stage="fit second+crf", key="c", inputs={"data": "d", "scores": "s"}),
        Step(stage="fit second+crf+other", key="e"),
    ]
    axes = [axis for axis, _ in random_steps(record(steps=steps), "")]
    assert axes == ["generator", "generator", "refiner", "refiner"]


def test_a_bound_draws_its_segmentor():
    bounds = [
        record(
            seed=seed,
            control=True,
            steps=(
                Step(stage="bound truth", key="truth"),
                Step(stage="segment V1 on truth", key=f"s{seed}"),
            ),
        )
        for seed in (0, 1)
    ]
    assert draws_of(bounds, "V1") == [[0], [1]]
    assert draws_of(bounds, "") == [[0, 1]]


def test_draws_have_the_mean_of_their_runs_and_the_keys_of_their_steps():
    drawn = draws([run(n, n // 2, n) for n in range(4)], [0.1, 0.3, 0.5, 0.9], "V1")
    assert drawn.values == pytest.approx({(0, 1): 0.2, (2, 3): 0.7})
    assert drawn.runs == [[0, 1], [2, 3]]
    assert drawn.number == pytest.approx(2)
    assert drawn.lineage[0] == (frozenset({"g0"}), frozenset({"g1"}))
    assert drawn.lineage[1] == (frozenset({"s00", "s01"}), frozenset({"s12", "s13"}))


def test_draws_are_in_the_order_of_their_seeds():
    drawn = draws([run(3, 3), run(1, 1)], [0.3, 0.1], "")
    assert list(drawn.values.items()) == [((1,), 0.1), ((3,), 0.3)]
    assert drawn.runs == [[1], [0]]


def test_draws_that_count_more_leave_fewer_equal_ones():
    drawn = draws([run(0, 0), run(1, 1, 1), run(2, 1, 2)], [0.1, 0.2, 0.3], "V1")
    assert drawn.number == pytest.approx(1 / ((1 / 3) ** 2 + (2 / 3) ** 2))


def test_runs_may_count_one_by_one():
    assert list(runs([run(n, 0, n) for n in range(3)], [0.1, 0.2, 0.3], "V1").values) == [
        (0,),
        (1,),
        (2,),
    ]


def test_axes_that_records_state_not_to_vary_are_fixed():
    segmentors = run(0, 0, vary=("segmentor",))
    assert fixed([segmentors], "V1") == {"weights", "generator", "refiner"}
    assert fixed([run(0, 0)], "V1") == fixed([run(0, 0)], "") == frozenset()
    assert fixed([run(0, 0, vary=("weights", "generator", "refiner"))], "") == frozenset()


def test_masks_are_known_by_their_digest_or_key():
    assert masks_of(run(0, 3, masks="digest")) == "digest"
    assert masks_of(record(steps=(Step(stage="mask cam", key="key"),))) == "key"
    assert masks_of(record()) is None


def test_rows_without_steps_are_families_of_their_own():
    assert draws([record("A", steps=())], [0.5], "").lineage == (("A",),)
