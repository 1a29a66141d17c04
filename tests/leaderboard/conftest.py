"""One small run for all tests of submissions and boards."""

import pytest
import sample_submissions as submissions


@pytest.fixture(scope="session")
def ran(tmp_path_factory):
    return submissions.run(tmp_path_factory.mktemp("ran"))


@pytest.fixture(scope="session")
def good(ran, tmp_path_factory):
    """A submission of the row R that nobody may change."""
    return submissions.submitted(ran, tmp_path_factory.mktemp("good") / "submission")


@pytest.fixture
def folder(good, tmp_path):
    """A copy of it that can be tampered with."""
    return submissions.copied(good, tmp_path / "submission")
