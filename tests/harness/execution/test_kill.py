"""A suite that is killed again and again ends with the bytes of one that was not."""

import os
import random
import signal
import subprocess
import time

import pytest
from commands import command, products
from slow import slow_but

LONG = {
    "dataset": {"name": "in_memory", "count": 120},
    "generators": {"R": {"name": "redness", "pause": 0.3}, "S": {"name": "salient", "pause": 0.3}},
    "rows": [
        {"method": "R", "generator": "R", "segmentors": ["one"]},
        {"method": "S", "generator": "S", "refiners": ["half"], "segmentors": ["one"]},
    ],
}
SHORT = {
    "dataset": {"name": "in_memory", "count": 16},
    "generators": LONG["generators"],
    "rows": [{"method": "S", "generator": "S", "refiners": ["half"]}],
}
WORDS = ("--shards", "2")


def files(store):
    """How many files there are; some may vanish while they are counted."""
    return sum(len(names) for _, _, names in os.walk(store))


def kill_after(process, store, new_files, delay):
    """Kill a process group ``delay`` seconds after it has written ``new_files`` more files.

    The delay varies, so that the kill does not always hit the writing of a file. False if the
    process ended before.
    """
    before = files(store)
    while process.poll() is None:
        if files(store) >= before + new_files:
            time.sleep(delay)
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return True
        time.sleep(0.005)
    process.communicate()
    return False


CASES = [(1, SHORT, "inline"), (20, LONG, "local")]


@pytest.mark.parametrize(("kills", "suite", "executor"), slow_but(CASES[0], cases=CASES))
def test_suite_killed_at_random_resumes_to_the_same_bytes(tmp_path, kills, suite, executor):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    uninterrupted = started(whole, "inline", suite)
    _, err = uninterrupted.communicate(timeout=600)
    assert uninterrupted.returncode == 0, err
    files_per_kill = files(whole / "runs") // (2 * kills)
    draw = random.Random(0)
    for _ in range(kills):
        process = started(killed, executor, suite)
        new_files, delay = draw.randint(1, files_per_kill), draw.uniform(0, 0.05)
        assert kill_after(process, killed / "runs", new_files, delay)
    last = started(killed, executor, suite)
    _, err = last.communicate(timeout=600)
    assert last.returncode == 0, err
    assert products(killed / "runs") == products(whole / "runs")
    assert tables(killed) == tables(whole)
    assert not [path for path in killed.rglob("*") if path.name.endswith(".part")]
    assert not (killed / "runs/running").exists()


def started(folder, executor, suite):
    """A run of the suite, whose events nobody reads."""
    return command(folder, *WORDS, executor=executor, stdout=subprocess.DEVNULL, **suite)


def tables(folder):
    results = (folder / "runs/results/small").glob("[!c]*.csv")  # all but the cost
    return {path.name: path.read_bytes() for path in results}
