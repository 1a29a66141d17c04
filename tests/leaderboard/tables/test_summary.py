"""The table that a run ends with."""

import io

import simulated
from rich.console import Console

from wsss_leaderboard.ranking.standings import standings
from wsss_leaderboard.tables.summary import summary_table

QUALITIES = {"CAM": 0.0, "EPS + AffinityNet": 1.5, "SEAM": 0.7}


def summary_of(qualities=QUALITIES, seeds=(0, 1, 2), **changes):
    loaded = simulated.runs(qualities, seeds, 60, **changes)
    return summary_table(loaded, standings(loaded))


def cells(table, column):
    place = [c.name for c in table.columns].index(column)
    return {row.cells[0].split(" (")[0]: row.cells[place] for row in table.rows}


def test_methods_come_best_first_and_controls_below():
    names = list(cells(summary_of(), "sup"))
    assert names[:3] == ["EPS + AffinityNet", "SEAM", "CAM"]
    assert set(names[3:]) == {"Saliency", "All background", "Saliency, true classes"}


def test_masks_have_an_interval_and_ranks_and_each_segmentor_a_column():
    table = summary_of(segmentors=("V1", "V2"))
    names = [column.name for column in table.columns]
    assert names == ["Method", "sup", "masks", "95 %", "V1", "V2", "ranks"]
    assert cells(table, "ranks")["EPS + AffinityNet"] == "1"
    assert cells(table, "95 %")["CAM"].startswith("±")
    assert cells(table, "V1")["Saliency"] == "-"
    assert float(cells(table, "V2")["CAM"]) > 0


def test_a_sentence_for_masks_and_for_each_segmentor_says_who_leads():
    leaders = [note for note in summary_of().notes if " leads with " in note]
    assert [note.partition(":")[0] for note in leaders] == ["Masks", "V1"]
    assert all("EPS + AffinityNet leads" in note for note in leaders)


def test_means_over_seeds_and_single_seeds_are_told_apart():
    assert "Means over 3 seeds." in summary_of().notes
    assert any(note.startswith("One seed: ") for note in summary_of(seeds=(0,)).notes)


def test_thresholds_that_were_chosen_on_truth_are_marked_and_explained():
    table = summary_of()
    marked = any("(h)" in row.cells[0] for row in table.rows)
    assert marked == any(note.startswith("(h) ") for note in table.notes)
    assert marked


def test_table_of_two_segmentors_fits_80_columns():
    out = io.StringIO()
    Console(file=out, width=80).print(summary_of(segmentors=("DeepLab V1", "DeepLab V2")))
    heads = [line for line in out.getvalue().splitlines() if line.startswith("Method")]
    assert len(heads) == 1
