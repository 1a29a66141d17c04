"""The tables of generators crossed with refiners."""

import simulated

from wsss_leaderboard.ranking.entries import boards
from wsss_leaderboard.tables.factorial import factorial_of, factorial_tables

CROSSED = {
    ("CAM", ()): 0.0,
    ("CAM", ("CRF",)): 0.4,
    ("EPS", ()): 1.0,
    ("EPS", ("CRF",)): 1.0,
    ("EPS", ("IRN",)): 1.5,
}


def loaded(cells=CROSSED, seeds=(0, 1, 2)):
    names = {" + ".join((g, *chain)): (g, chain) for g, chain in cells}
    runs = simulated.runs({name: cells[key] for name, key in names.items()}, seeds, 80, ())
    for run in runs:
        if run.record.method in names:
            generator, chain = names[run.record.method]
            run.record.recipe.update(generator=generator, refiners=list(chain))
    return runs


def test_only_complete_crossings_are_used():
    (board,) = boards(loaded())
    factorial = factorial_of(board)
    assert factorial.generators == ("CAM", "EPS")
    assert factorial.chains == ((), ("CRF",))
    assert factorial.crossing.values.shape == (2, 2, 3)


def test_tables_show_cells_effects_and_interactions():
    effects, interactions = factorial_tables(loaded())
    assert [column.name for column in effects.columns] == ["Generator", "alone", "CRF", "Effect"]
    assert [row.cells[0] for row in effects.rows] == ["CAM", "EPS", "Effect of refiners"]
    cam, eps, refiners = (row.cells for row in effects.rows)
    assert cam[-1].startswith("-")
    assert eps[-1].endswith("*")
    assert refiners[1].startswith("-")
    assert refiners[2].startswith("+")
    assert [row.cells[0] for row in interactions.rows] == ["CAM", "EPS"]
    assert interactions.rows[0].cells[2].startswith("+")


def test_cells_of_other_seeds_are_no_crossing():
    runs = [run for run in loaded() if run.record.seed != 2 or run.record.method != "EPS + CRF"]
    assert factorial_tables(runs) is None


def test_one_generator_is_no_crossing():
    cells = {key: value for key, value in CROSSED.items() if key[0] == "EPS"}
    assert factorial_tables(loaded(cells)) is None
