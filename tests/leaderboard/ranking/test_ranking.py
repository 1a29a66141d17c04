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
from wsss_leaderboard.ranking.ranking import independent_runs, means_of, rank
from wsss_leaderboard.records.counts import Tallies
from wsss_leaderboard.records.provenance import Step
from wsss_leaderboard.statistics.estimates import Estimate
from wsss_leaderboard.statistics.variances import NORMAL

IMAGES = 8
NONE = np.zeros((IMAGES, 1, 3), np.int64)


def entry(method, values, influence=(0.0,) * IMAGES, kind="method", t=NORMAL, ids="abcdefgh"):
    """An entry with a run for each value, seeds 0, 1, ... unless a mapping of seeds says so."""
    values = values if isinstance(values, dict) else dict(enumerate(values))
    tallies = {"": Tallies(tuple(ids), NONE)}
    runs = tuple(LoadedRecord(record(method, seed=seed), method, tallies) for seed in values)
    estimate = Estimate(float(np.mean(list(values.values()))), np.array(influence), t)
    return Entry(method, "", kind, runs, tuple(values.values()), estimate)


def noise(number, error=0.01):
    """Influences of one method, at right angles to those of other numbers: nothing is shared."""
    return error * np.eye(IMAGES)[number]


def shown(entries):
    return {
        one.method: (place.best, place.worst, place.group)
        for one, place in zip(entries, rank(entries).places, strict=True)
        if place
    }


def test_a_clear_order_has_ranks_of_one_place():
    entries = [entry(m, [v], noise(n)) for n, (m, v) in enumerate([("B", 0.5), ("A", 0.7)])]
    entries.append(entry("C", [0.3], noise(2)))
    assert shown(entries) == {"A": (1, 1, 1), "B": (2, 2, 2), "C": (3, 3, 3)}


def test_methods_that_are_all_alike_share_all_ranks():
    entries = [entry(m, [0.5 + n / 1000], noise(n)) for n, m in enumerate("ABC")]
    assert set(shown(entries).values()) == {(1, 3, 1)}


def test_in_a_chain_the_middle_ties_with_both_ends():
    """A and B tie, B and C tie, A is better than C."""
    entries = [
        entry(m, [v], noise(n)) for n, (m, v) in enumerate([("A", 0.54), ("B", 0.52), ("C", 0.5)])
    ]
    assert shown(entries) == {"A": (1, 2, 1), "B": (1, 3, 1), "C": (2, 3, 2)}


def test_equal_methods_without_an_error_tie_and_unequal_ones_do_not():
    entries = [entry("A", [0.5]), entry("B", [0.5]), entry("C", [0.4])]
    assert shown(entries) == {"A": (1, 2, 1), "B": (1, 2, 1), "C": (3, 3, 2)}


def test_an_uncertain_method_far_below_ties_with_the_top():
    unsure = entry("C", [0.3], noise(2, error=0.2))
    entries = [entry("A", [0.5], noise(0)), entry("B", [0.4], noise(1)), unsure]
    assert shown(entries) == {"A": (1, 2, 1), "B": (2, 3, 2), "C": (1, 3, 1)}


def test_pairing_by_image_tells_apart_what_intervals_do_not():
    shared = np.full(IMAGES, 0.02)
    entries = [
        entry(m, [v], shared + noise(n, 0.001))
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
    entries = [entry("A", [0.5], noise(0)), entry("All background", [0.1], noise(1), "control")]
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
    ("entries", "said"),
    [
        ([entry("A", [0.5, 0.6])], ["over images and seeds", "Tie groups"]),
        ([entry("A", [0.5, 0.6]), entry("B", [0.5])], ["images and seeds", "Tie", "Single runs"]),
        ([entry("A", [0.5])], ["images alone, since no method has several seeds", "Tie groups"]),
    ],
)
def test_notes_name_the_sources_of_uncertainty(entries, said):
    notes = rank(entries).notes
    assert len(notes) == len(said)
    assert all(words in note for words, note in zip(said, notes, strict=True))


def test_counts_of_other_images_are_named():
    with pytest.raises(DataError, match="B has counts of other images than A"):
        rank([entry("A", [0.5]), entry("B", [0.5], ids="ijklmnop")])


def naive_within(entries):
    """Pooled variance of runs about the mean of their entry, and its degrees of freedom."""
    squares = [(v - sum(e.values) / len(e.values)) ** 2 for e in entries for v in e.values]
    df = sum(len(e.values) - 1 for e in entries)
    return sum(squares) / df, df


def naive_blocked(groups):
    """The same about the means of entry and seed, of groups of entries with the same seeds."""
    squares, df = 0.0, 0
    for entries in groups:
        runs = len(entries[0].values)
        grand = sum(v for e in entries for v in e.values) / (runs * len(entries))
        for one in entries:
            for place, value in enumerate(one.values):
                of_seed = sum(e.values[place] for e in entries) / len(entries)
                squares += (value - sum(one.values) / runs - of_seed + grand) ** 2
        df += (runs - 1) * (len(entries) - 1)
    return squares / df, df


def naive_difference(one, other, within, blocked):
    """Error and degrees of freedom of a difference, from its definition."""
    scale = (one.estimate.t + other.estimate.t) / 2 / NORMAL
    images = sum(
        (a - b) ** 2 for a, b in zip(one.estimate.influence, other.estimate.influence, strict=True)
    )
    images *= scale**2
    mine, theirs = ([r.seed for r in x.records] for x in (one, other))
    paired = mine == theirs and len(mine) > 1
    (spread, df), n, m = blocked if paired else within, len(mine), len(theirs)
    seeds = 2 * spread / n if paired else spread / n + spread / m
    return math.sqrt(images + seeds), df * (images + seeds) ** 2 / seeds**2


def test_errors_of_differences_equal_a_loop():
    rng = np.random.default_rng(1)
    seeds = [(0, 1, 2), (0, 1, 2), (0, 1, 2), (3, 4), (3, 4), (0,), (7,)]
    entries = [
        entry(
            str(n),
            {s: rng.normal(0.5, 0.02) for s in own},
            rng.normal(0, 0.01, IMAGES),
            t=2 + n / 10,
        )
        for n, own in enumerate(seeds)
    ]
    within, blocked = naive_within(entries), naive_blocked([entries[:3], entries[3:5]])
    found = means_of(entries).differences()
    for one in range(len(entries)):
        for other in range(len(entries)):
            if one != other:
                expected = naive_difference(entries[one], entries[other], within, blocked)
                assert found.errors[one, other] == pytest.approx(expected[0])
                assert found.freedom[one, other] == pytest.approx(expected[1])


def test_two_methods_with_the_same_seeds_are_compared_by_their_differences():
    """What is left of two methods is the paired test of Student."""
    values = np.array([[0.5, 0.53, 0.49], [0.48, 0.52, 0.5]])
    found = means_of([entry("A", values[0]), entry("B", values[1])]).differences()
    gaps = values[0] - values[1]
    assert found.errors[0, 1] == pytest.approx(gaps.std(ddof=1) / math.sqrt(3))
    assert found.freedom[0, 1] == pytest.approx(2)


def test_the_order_of_entries_does_not_matter():
    runs = simulated.runs({m: n / 20 for n, m in enumerate("ABCDE")}, images=60, segmentors=())
    entries = boards(runs)[0].entries()
    assert shown(entries) == shown(entries[::-1])


def test_segmentors_of_the_same_masks_are_one_run():
    """Two sets of masks with two segmentors each: the spread is that between the masks."""
    made = entry("A", [0.4, 0.42, 0.6, 0.62])
    runs = []
    for number, run in enumerate(made.runs):
        step = Step(stage="mask cam", key=f"masks {number // 2}")
        shared = run.record.model_copy(update={"steps": (step,)})
        runs.append(LoadedRecord(shared, run.path, run.tallies))
    crossed = replace(made, runs=tuple(runs))
    assert independent_runs(crossed) == pytest.approx({0: 0.41, 2: 0.61})
    assert rank([crossed]).places[0].reach == pytest.approx(stats.t.ppf(0.975, 1) * 0.1)
    same = replace(made, runs=tuple(runs[:2]), values=(0.4, 0.42))
    assert independent_runs(same) == {0: 0.4, 1: 0.42}
