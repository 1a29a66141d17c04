"""A suite that is killed again and again ends with the bytes of one that was not."""

import os
import random
import signal
import time

import pytest
from commands import command, products
from slow import slow_but

SUITE = {
    "dataset": {"name": "in_memory", "count": 120},
    "generators": {
        "R": {"name": "redness", "pause": 0.3},
        "S": {"name": "salient", "pause": 0.3},
    },
    "rows": [
        {"method": "R", "generator": "R", "segmentors": ["one"]},
        {"method": "S", "generator": "S", "refiners": ["half"], "segmentors": ["one"]},
    ],
}
WORDS = ("--shards", "2")


def files(store):
    """How many files there are; some may vanish while they are counted."""
    return sum(len(names) for _, _, names in os.walk(store))


def kill_after(process, store, more, delay):
    """Kill a process and all that it has started once there are ``more`` files; False if it ended.

    ``delay`` seconds later, so that what is killed is not always the writing of a file.
    """
    before = files(store)
    while process.poll() is None:
        if files(store) >= before + more:
            time.sleep(delay)
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return True
        time.sleep(0.005)
    process.communicate()
    return False


@pytest.mark.parametrize("kills", slow_but(3, cases=[3, 20]))
def test_suite_killed_at_random_resumes_to_the_same_bytes(tmp_path, kills):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    done = command(whole, *WORDS, **SUITE)
    _, err = done.communicate(timeout=600)
    assert done.returncode == 0, err
    each = files(whole / "runs") // (2 * kills)
    draw = random.Random(0)
    for _ in range(kills):
        process = command(killed, *WORDS, **SUITE)
        more, delay = draw.randint(1, each), draw.uniform(0, 0.05)
        assert kill_after(process, killed / "runs", more, delay)
    last = command(killed, *WORDS, **SUITE)
    _, err = last.communicate(timeout=600)
    assert last.returncode == 0, err
    assert products(killed / "runs") == products(whole / "runs")
    assert tables(killed) == tables(whole)
    assert not [path for path in killed.rglob("*") if path.name.endswith(".part")]
    assert not (killed / "runs/running").exists()


def tables(folder):
    found = (folder / "runs/results/small").glob("*.csv")
    return {path.name: path.read_bytes() for path in found}
