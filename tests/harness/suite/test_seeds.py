"""Seeds: which stages a repetition shares, and how repetitions are counted."""

from collections import Counter

import pytest
import small_suite

from wsss_harness.contract.errors import ConfigError
from wsss_harness.execution.engine import Engine
from wsss_harness.execution.run import prepare_suite, run_suite
from wsss_harness.store.stage import upstream
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.reading import check_suite
from wsss_harness.suite.spec import Suite
from wsss_leaderboard.records.collect import Collector
from wsss_leaderboard.records.record import distinct
from wsss_leaderboard.tables import notes
from wsss_leaderboard.tables.builtin import mask_table


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
def test_each_seed_repeats_what_varies_and_what_follows(vary, expected):
    assert fits(vary)[0] == expected


def test_stage_that_does_not_vary_has_the_first_seed():
    _, stages = fits(["segmentor"])
    seeds = {
        kind: {s.options["seed"] for s in stages if s.kind == kind} for kind in ("fit", "segment")
    }
    assert seeds == {"fit": {3}, "segment": {3, 4, 5}}


CROSS = {"generator": [4, 7], "segmentor": [0, 1, 2]}


def crossed(**changes):
    rows = [{"method": "R", "generator": "R", "refiners": ["half"], "segmentors": ["one"]}]
    return small_suite.suite(rows=rows, **{"cross": CROSS, **changes})


def test_crossed_seeds_repeat_each_combination_and_share_stages():
    suite, plugins = crossed(), small_suite.plugins()
    rows = [Graph(suite, plugins, seed).row(suite.rows[0]) for seed in suite.seeds]
    used = [
        (row.seed, *(s.options["seed"] for s in upstream(*row.targets) if "seed" in s.options))
        for row in rows
    ]
    assert used == [
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


def test_crossed_suite_survives_json():
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
        ({"cross": {}, "seeds": [-1]}, "is -1; expected at least 0"),
    ],
)
def test_invalid_seeds_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        crossed(**changes)


def test_unknown_combination_of_seeds_is_refused():
    with pytest.raises(ConfigError, match=r"has the number 6; .* 0 to 5"):
        Graph(crossed(), small_suite.plugins(), 6)


@pytest.fixture
def recorded(tmp_path):
    """The records of the row R, a repetition each."""

    def recorded(**changes):
        plugins = small_suite.plugins()
        store, suite = small_suite.store(tmp_path), small_suite.suite(**changes)
        engine = Engine(store)
        dataset = prepare_suite(suite, plugins, engine)
        outcomes = list(run_suite(suite, plugins, engine, dataset))
        collector = Collector(suite, store, dataset, Graph(suite, plugins, suite.seeds[0]))
        outcomes.sort(key=lambda outcome: outcome.number)
        return [collector.record(o) for o in outcomes if o.row.row.method == "R"]

    return recorded


def test_note_of_a_table_names_axes_that_were_not_repeated(recorded):
    records = recorded(seeds=[0, 1], vary=["segmentor"])
    note, drawn = notes.seeds(records, "one")
    assert note.endswith("2 seeds; the same seed throughout: generator, refiner, weights.")
    assert drawn == "R: 2 runs share masks or weights and count as 1 draw."
    assert notes.seeds(records) == []  # the masks are there once


def test_masks_shared_by_combinations_of_seeds_count_once(recorded):
    records = recorded(cross={"generator": [4, 7], "segmentor": [0, 1, 2]})
    assert [record.seed for record in records] == [0, 1, 2, 3, 4, 5]
    assert records[5].seeds == {"weights": 0, "generator": 7, "refiner": 0, "segmentor": 2}
    assert [len(distinct(records, target)) for target in ("", "one")] == [2, 6]
    same = "; the same seed throughout: refiner, weights."
    assert notes.seeds(records)[0] == f"Mean ± standard deviation over 2 seeds{same}"
    assert notes.seeds(records, "one")[0] == f"Mean ± standard deviation over 6 seeds{same}"
    text = [row.cells for row in mask_table(records).rows]
    assert text[0][4].endswith("±0.0")  # two masks, equal since Redness draws nothing
