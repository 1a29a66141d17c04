"""Ranks on constructed cases, and each formula against a loop."""

import math
from dataclasses import replace

import numpy as np
import pytest
import simulated
from sample_records import record
from scipy import stats

from wsss_harness.contract.errors import DataError
from wsss_leaderboard.ranking import ranking
from wsss_leaderboard.ranking.entries import Entry, LoadedRecord, boards
from wsss_leaderboard.ranking.ranking import differences, means_of, rank
from wsss_leaderboard.records.counts import Tallies
from wsss_leaderboard.records.provenance import Step
from wsss_leaderboard.statistics.estimates import Estimate, mean_of
from wsss_leaderboard.statistics.variances import NORMAL

EACH = 100  # images that only one method is unsure of
IMAGES = 8 * EACH
NONE = np.zeros((IMAGES, 1, 3), np.int64)


def entry(
    method, values, influence=(0.0,) * IMAGES, kind="method", t=NORMAL, ids=None, family=None
):
    """An entry with a run for each value, seeds 0, 1, ... unless a mapping of seeds says so.

    Entries of a ``family`` share their generator.
    """
    values = values if isinstance(values, dict) else dict(enumerate(values))
    tallies = {"": Tallies(tuple(ids or map(str, range(IMAGES))), NONE)}
    runs = tuple(
        LoadedRecord(record(method, seed=s, steps=steps(family or method, s)), method, tallies)
        for s in values
    )
    influence = np.array(influence)
    estimate = Estimate(float(np.mean(list(values.values()))), influence, influence, t)
    estimate = mean_of([replace(estimate, value=value) for value in values.values()])
    return Entry(method, "", kind, runs, tuple(values.values()), estimate)


def steps(generator, seed):
    return (Step(stage=f"fit {generator}", key=f"{generator} {seed}"),)


def noise(number, error=0.01):
    """Influences of one method, at right angles to those of other numbers: nothing is shared."""
    return np.kron(np.eye(8)[number], np.full(EACH, error / EACH**0.5))


def shown(entries):
    return {
        entry.method: (place.best, place.worst, place.group)
        for entry, place in zip(entries, rank(entries).places, strict=True)
        if place
    }


def test_a_clear_order_has_ranks_of_one_place():
    entries = [entry(m, [v] * 3, noise(n)) for n, (m, v) in enumerate([("B", 0.5), ("A", 0.7)])]
    entries.append(entry("C", [0.3] * 3, noise(2)))
    assert shown(entries) == {"A": (1, 1, 1), "B": (2, 2, 2), "C": (3, 3, 3)}


def test_methods_that_are_all_alike_share_all_ranks():
    entries = [entry(m, [0.5 + n / 1000] * 3, noise(n)) for n, m in enumerate("ABC")]
    assert set(shown(entries).values()) == {(1, 3, 1)}


def test_in_a_chain_the_middle_ties_with_both_ends():
    """A and B tie, B and C tie, A is better than C."""
    entries = [
        entry(m, [v] * 3, noise(n))
        for n, (m, v) in enumerate([("A", 0.54), ("B", 0.52), ("C", 0.5)])
    ]
    assert shown(entries) == {"A": (1, 2, 1), "B": (1, 3, 1), "C": (2, 3, 2)}


def test_equal_methods_without_an_error_tie_and_unequal_ones_do_not():
    entries = [entry("A", [0.5] * 3), entry("B", [0.5] * 3), entry("C", [0.4] * 3)]
    assert shown(entries) == {"A": (1, 2, 1), "B": (1, 2, 1), "C": (3, 3, 2)}


def test_an_uncertain_method_far_below_ties_with_the_top():
    unsure = entry("C", [0.3] * 3, noise(2, error=0.2))
    entries = [entry("A", [0.5] * 3, noise(0)), entry("B", [0.4] * 3, noise(1)), unsure]
    assert shown(entries) == {"A": (1, 2, 1), "B": (2, 3, 2), "C": (1, 3, 1)}


def test_pairing_by_image_tells_apart_what_intervals_do_not():
    shared = np.full(IMAGES, 0.02)
    entries = [
        entry(m, [v] * 3, shared + noise(n, 0.001))
        for n, (m, v) in enumerate([("A", 0.5), ("B", 0.49)])
    ]
    first, second = rank(entries).places
    assert first.low < second.high
    assert (first.worst, second.best) == (1, 2)


def test_pairing_by_seed_tells_apart_what_moves_together():
    up = np.array([-0.05, 0, 0.05])
    together = [entry("A", 0.52 + up, noise(0, 1e-4)), entry("B", 0.5 + up, noise(1, 1e-4))]
    assert shown(together) == {"A": (1, 1, 1), "B": (2, 2, 2)}
    others = dict(zip((3, 4, 5), 0.5 + up, strict=True))
    assert shown([together[0], entry("B", others, noise(1, 1e-4))]) == {
        "A": (1, 2, 1),
        "B": (1, 2, 1),
    }


def test_controls_and_bounds_have_an_interval_and_no_rank():
    entries = [
        entry("A", [0.5] * 3, noise(0)),
        entry("All background", [0.1] * 3, noise(1), "control"),
    ]
    method, control = rank(entries).places
    assert (method.best, method.worst) == (1, 1)
    assert (control.best, control.worst, control.group) == (None, None, None)
    assert control.reach == pytest.approx(NORMAL * 0.01)


def test_an_entry_without_an_estimate_has_no_place():
    blank = Entry("B", "", "method", (), (), None)
    ranked = rank([blank, entry("A", [0.5])])
    assert ranked.places[0] is None
    assert ranked.places[1].worst == 1
    assert rank([blank]) == ranking.Ranking((None,))


def test_a_single_run_borrows_the_spread_of_others():
    several = entry("A", [0.48, 0.5, 0.52])
    single, alone = entry("B", [0.6]), entry("B", [0.6])
    mine, borrowed = rank([several, single]).places
    assert (mine.single, borrowed.single) == (False, True)
    assert borrowed.reach == pytest.approx(stats.t.ppf(0.975, 2) * 0.02)
    assert mine.reach == pytest.approx(stats.t.ppf(0.975, 2) * 0.02 / math.sqrt(3))
    assert rank([alone]).places[0].reach == 0


@pytest.mark.parametrize(
    ("entries", "phrases"),
    [
        ([entry("A", [0.5, 0.6])], ["over scored images and seeds", "Tie", "two"]),
        ([entry("A", [0.5, 0.6]), entry("B", [0.5])], ["images and seeds", "Tie", "Single", "two"]),
        ([entry("A", [0.5])], ["images alone. No method repeats its generator", "Tie groups"]),
    ],
)
def test_notes_name_the_sources_of_uncertainty(entries, phrases):
    notes = rank(entries).notes
    assert len(notes) == len(phrases)
    assert all(words in note for words, note in zip(phrases, notes, strict=True))


def test_counts_of_other_images_are_named():
    with pytest.raises(DataError, match="B has counts of other images than A"):
        rank([entry("A", [0.5]), entry("B", [0.5], ids=range(1, IMAGES + 1))])


def test_two_methods_with_the_same_seeds_are_compared_by_their_differences():
    """What is left of two methods is the paired test of Student."""
    values = np.array([[0.5, 0.53, 0.49], [0.48, 0.52, 0.5]])
    differences = means_of([entry("A", values[0]), entry("B", values[1])]).differences()
    gaps = values[0] - values[1]
    assert differences.errors[0, 1] == pytest.approx(gaps.std(ddof=1) / math.sqrt(3))
    assert differences.freedom[0, 1] == pytest.approx(2)


def test_the_order_of_entries_does_not_matter():
    runs = simulated.runs({m: n / 20 for n, m in enumerate("ABCDE")}, images=60, segmentors=())
    entries = boards(runs)[0].entries()
    assert shown(entries) == shown(entries[::-1])


def test_segmentors_of_the_same_masks_are_one_draw():
    """Two sets of masks with two segmentors each: the spread is that between the masks."""
    crossed = segmented([0.4, 0.42, 0.6, 0.62], masks=[0, 0, 1, 1])
    assert rank([crossed]).places[0].reach == pytest.approx(stats.t.ppf(0.975, 1) * 0.1)


def segmented(values, masks, method="A"):
    """An entry of segmentors on the masks of these numbers."""
    plain = entry(method, values)
    runs = [
        replace(run, record=run.record.model_copy(update={"steps": steps(method, number)}))
        for run, number in zip(plain.runs, masks, strict=True)
    ]
    return on_v1(replace(plain, runs=tuple(runs)))


def on_v1(entry):
    runs = [replace(run, tallies={"V1": run.tallies[""]}) for run in entry.runs]
    return replace(entry, target="V1", runs=tuple(runs))


def test_ten_segmentors_on_one_set_of_masks_are_one_draw_among_methods_of_several():
    repeated = on_v1(entry("B", [0.48, 0.5, 0.52]))
    fixed = segmented([0.6, 0.61] * 5, masks=[0] * 10)
    of_fixed, _ = rank([fixed, repeated]).places
    assert of_fixed.single
    assert of_fixed.reach == pytest.approx(stats.t.ppf(0.975, 2) * 0.02)


def test_where_nothing_repeats_a_generator_the_notes_say_so():
    ranking = rank([segmented([0.6, 0.62], [0, 0]), segmented([0.5, 0.54], [0, 0], "B")])
    assert "No method repeats its generator" in ranking.notes[0]
    assert ranking.places[0].reach > 0


def test_where_nothing_repeats_a_generator_ranks_are_open():
    """However large a difference is: nobody knows the luck of one generator."""
    segmentors = [segmented([0.9, 0.91], [0, 0]), segmented([0.1, 0.11], [0, 0], "B")]
    assert set(shown(segmentors).values()) == {(1, 2, 1)}
    assert set(shown([entry("A", [0.9]), entry("B", [0.1])]).values()) == {(1, 2, 1)}


def test_rows_of_one_generator_add_no_degrees_of_freedom():
    """Two generators of three seeds, whose differences have two, however many rows they have."""
    rng = np.random.default_rng(2)
    drawn = rng.normal(0, 0.02, (2, 3))
    entries = [
        entry(f"{family}{n}", 0.5 + drawn[place] + rng.normal(0, 0.001, 3), family=family)
        for place, family in enumerate("AB")
        for n in range(6)
    ]
    freedom = means_of(entries).differences().draws.df
    assert freedom[:6, 6:] == pytest.approx(2, rel=0.01)
    assert freedom[0, 1] <= 4
    assert rank(entries).places[0].reach > 0.02


def test_an_unsteady_method_has_its_own_interval():
    steady = [entry(m, [0.49, 0.5, 0.51]) for m in "ABCDEFG"]
    unsteady = entry("H", [0.3, 0.5, 0.7])
    places = rank([*steady, unsteady]).places
    assert places[-1].reach == pytest.approx(stats.t.ppf(0.975, 2) * 0.2 / math.sqrt(3))
    assert places[0].reach < places[-1].reach


def test_a_difference_that_rests_on_three_images_is_not_significant():
    """Its error would tell the rows apart if it rested on many images."""
    few = np.zeros(IMAGES)
    few[:3] = 0.01 / 3**0.5
    many = np.full(IMAGES, 0.01 / IMAGES**0.5)
    narrow, wide = ([entry("A", [0.525] * 3, own), entry("B", [0.5] * 3)] for own in (many, few))
    assert shown(narrow)["A"] == (1, 1, 1)
    assert shown(wide)["A"] == (1, 2, 1)
    assert differences(wide).images[0, 1] == pytest.approx(3)


def test_methods_and_bounds_pool_their_spreads_apart():
    rows = [entry("A", [0.48, 0.5, 0.52]), entry("B", [0.6])]
    bounds = [entry("Truth", [0.8, 0.9], kind="bound"), entry("None", [0.1], kind="control")]
    together = differences([*rows, *bounds])
    assert together.reaches[0, 1] == differences(rows).reaches[0, 1]
    assert together.reaches[2, 3] == differences(bounds).reaches[0, 1]
    assert set(together.scopes.ravel()) == {"draws"}
    assert differences([rows[1]]).scopes[0, 0] == "images"
