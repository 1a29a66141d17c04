"""Tests run side by side, so each process of them and of what they start has one thread.

Commands make stages in the process of the test, except where a test asks for workers.
"""

import gc
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = [str(ROOT / "harness"), str(ROOT / "leaderboard"), *map(str, ROOT.glob("plugins/*"))]

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("WSSS_EXECUTOR", "inline")

# The code beside the tests is tested, whichever folder is installed.
sys.path[:0] = SOURCES
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [*SOURCES, os.environ.get("PYTHONPATH")]))


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Modules and tests stay: looking for garbage among them took half the time of collecting."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory):
    """What is remembered from process to process stays out of the user's folders."""
    os.environ["WSSS_CACHE"] = str(tmp_path_factory.mktemp("cache"))
