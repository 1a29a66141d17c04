"""What methods cost: which ones no other beats for less, and on what axis they stand."""

from dataclasses import replace

import pytest
import simulated
from site_pages import board_of, parsed

from wsss_leaderboard.ranking.entries import boards
from wsss_leaderboard.records.provenance import Cost, Step
from wsss_leaderboard.site.board_table import board_tables
from wsss_leaderboard.site.build import build
from wsss_leaderboard.site.cost import chart_of

QUALITIES = {"CAM": 0.0, "EPS": 1.5, "SEAM": 0.7}
MINUTES = {"CAM": 1.0, "EPS": 10.0, "SEAM": 100.0}


def runs(minutes=MINUTES, **more):
    """Runs whose methods took so many CPU minutes, in two stages."""
    for run in simulated.runs(QUALITIES, (0, 1), 60):
        half = 30.0 * minutes.get(run.record.method, 0)
        cost = Cost(wall_seconds=1, cpu_seconds=half, peak_memory=2**20, **more)
        steps = tuple(Step(stage=f"fit {n}", key=str(n), cost=cost) for n in range(2))
        yield replace(run, record=run.record.model_copy(update={"steps": steps}))


def table_of(loaded):
    (board,) = boards(loaded)
    return board_tables(board, {None: None})[0]


def test_the_line_runs_through_methods_that_no_other_beats_for_less():
    chart = chart_of(table_of(runs()))
    assert [(p.row.method, p.best) for p in chart.points] == [
        *(("CAM", True), ("EPS", True), ("SEAM", False))
    ]
    assert [p.minutes for p in chart.points] == pytest.approx([1, 10, 100])
    assert chart.front.startswith(f"{chart.points[0].x},{chart.points[0].y} ")


def test_minutes_are_on_a_logarithmic_axis_with_round_ticks():
    chart = chart_of(table_of(runs()))
    first, second, third = (point.x for point in chart.points)
    assert second - first == pytest.approx(third - second, abs=0.2)
    assert [value for value, _ in chart.across] == [1, 2, 5, 10, 20, 50, 100]


def test_gpu_time_counts_where_all_methods_have_it():
    assert chart_of(table_of(runs(gpu_seconds=6.0))).processor == "GPU"
    assert chart_of(table_of(runs())).processor == "CPU"


def test_without_two_known_costs_there_is_no_chart():
    assert chart_of(table_of(runs({"CAM": 1.0}))) is None


def test_page_lists_cost_of_each_method(tmp_path):
    results = simulated.write(tmp_path / "results", list(runs()))
    build([results], tmp_path / "out")
    page = board_of(tmp_path / "out") / "cost.html"
    text = " ".join("".join(parsed(page).itertext()).split())
    assert "CPU minutes" in text
    assert "What methods cost" in text
