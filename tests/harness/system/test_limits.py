"""A stage that never ends is stopped; one that ends is not."""

import contextlib
import threading
import time

import pytest
from worker_starts import NeverEnds

from wsss_harness.system import limits, parallel
from wsss_harness.system.limits import TimeLimitReached, time_limit


def test_endless_body_is_stopped():
    message = r"limit of 0\.05 s.*raise --time-limit"
    with pytest.raises(TimeLimitReached, match=message), time_limit(0.05):
        never_end()


def never_end():
    while True:
        pass


def test_body_that_catches_the_signal_fails_at_its_end():
    with pytest.raises(TimeLimitReached), time_limit(0.05), contextlib.suppress(BaseException):
        never_end()


def test_except_exception_does_not_catch_the_signal():
    with pytest.raises(TimeLimitReached), time_limit(0.05):
        never_end_and_catch()


def never_end_and_catch():
    while True:
        with contextlib.suppress(Exception):
            never_end()


def test_signal_is_repeated_after_it_was_caught(monkeypatch):
    monkeypatch.setattr(limits, "REPEAT", 0.05)
    with pytest.raises(TimeLimitReached), time_limit(0.05):
        never_end_twice()


def never_end_twice():
    try:
        never_end()
    except BaseException:
        never_end()


def test_body_that_ended_is_not_stopped_later():
    with time_limit(0.5):
        pass
    time.sleep(0.6)


def test_none_is_no_limit():
    with time_limit(None):
        time.sleep(0.01)


def test_other_threads_have_no_limit():
    ended = []

    def body():
        with time_limit(0.01):
            time.sleep(0.05)
            ended.append(True)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert ended == [True]


def test_endless_workers_are_killed(tmp_path):
    ids = [str(n) for n in range(2 * parallel.FEW)]
    started = time.monotonic()
    with pytest.raises(TimeLimitReached), time_limit(3):
        parallel.run(NeverEnds(), ids, 2, tmp_path / "log.txt", lambda: None)
    assert time.monotonic() - started < 300
