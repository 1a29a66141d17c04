"""Tests run side by side, so each process of them and of what they start has one thread.

Commands make stages in the process of the test, except where a test asks for workers.
"""

import os

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("WSSS_EXECUTOR", "inline")


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory):
    """What is remembered from process to process stays out of the user's folders."""
    os.environ["WSSS_CACHE"] = str(tmp_path_factory.mktemp("cache"))
