"""A board with the rows R and Half, a copy to change, and a correction of R."""

import shutil

import pytest
from sample_boards import renamed
from sample_submissions import check, submitted

from wsss_leaderboard.boards.folder import accept_checked


@pytest.fixture(scope="module")
def filled(ran, good, tmp_path_factory):
    """A board with the rows R and Half, and the submission of Half, that nobody may change."""
    board = tmp_path_factory.mktemp("filled") / "board"
    half = submitted(ran, board.with_name("half"), "Half")
    for folder in (good, half):
        accept_checked(check(folder, ran), board)
    return board


@pytest.fixture
def board(filled, tmp_path):
    shutil.copytree(filled, tmp_path / "board")
    return tmp_path / "board"


@pytest.fixture
def corrected(ran, tmp_path):
    """A submission that corrects R, seed 0: it was made once more, which took another time."""
    folder = submitted(ran, tmp_path / "corrected", seed=0, corrects=True)

    def change(content):
        content["steps"][0]["cost"]["wall_seconds"] += 1.0

    return renamed(folder, change)
