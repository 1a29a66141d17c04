"""The sentence that says who leads a board."""

import simulated
from site_pages import board_of, parsed

from wsss_leaderboard.ranking.entries import boards
from wsss_leaderboard.ranking.ranking import rank
from wsss_leaderboard.site.build import build
from wsss_leaderboard.tables.lead import lead_of

QUALITIES = {"CAM": 0.0, "EPS": 1.5, "SEAM": 0.7}


def lead(qualities, seeds):
    (board,) = boards(simulated.runs(qualities, seeds, 60))
    return lead_of(board.entries(), rank(board.entries()).places)


def test_leader_is_named_with_its_lead_and_interval():
    sentence = lead(QUALITIES, (0, 1, 2))
    assert sentence.startswith("EPS leads with ")
    assert " over SEAM (95 % interval +" in sentence
    assert "not significantly worse" not in sentence
    assert "seeds not covered" not in sentence


def test_ties_of_single_seeds_are_counted():
    sentence = lead(QUALITIES, (0,))
    assert "seeds not covered" in sentence
    assert sentence.endswith("2 other methods are not significantly worse.")


def test_only_method_leads_nobody():
    assert lead({"EPS": 0.1}, (0,)).startswith("EPS has ")


def test_first_page_and_board_say_who_leads(tmp_path):
    runs = simulated.runs({"CAM": 0.0, "EPS": 1.5}, (0, 1, 2), 60)
    build([simulated.write(tmp_path / "results", runs)], tmp_path / "out")
    for page in (tmp_path / "out" / "index.html", board_of(tmp_path / "out") / "index.html"):
        assert "EPS leads with" in "".join(parsed(page).itertext())
