"""What docs/submit.md promises in numbers."""

from pathlib import Path

from wsss_leaderboard.boards.verification import TOLERANCES
from wsss_leaderboard.submissions.hostile import NAME

PAGE = " ".join((Path(__file__).parents[3] / "docs/submit.md").read_text().split())


def test_tolerances_and_lengths_are_those_of_the_code():
    inference, training = (f"{100 * TOLERANCES[tier]:g}" for tier in (3, 4))
    assert f"by {inference} points in tier 3 and by {training} point in tier 4" in PAGE
    assert f"at most {NAME} characters" in PAGE
