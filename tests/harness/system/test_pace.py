"""The pace of a stage is that of its steps after the first."""

from itertools import count

from wsss_harness.system import pace
from wsss_harness.system.pace import Pace


def test_pace_leaves_out_what_comes_before_the_first_step(monkeypatch):
    times = iter([10.0, 10.5, 11.5])
    monkeypatch.setattr(pace.time, "monotonic", lambda: next(times))
    reported = []
    steps = Pace(lambda *progress: reported.append(progress))
    for done in range(4):
        steps(done, 3)
    assert reported == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert steps.measured() == [{"steps": 3, "step_seconds": 0.75}]


def test_what_is_counted_with_another_total_has_a_pace_of_its_own(monkeypatch):
    clock = count()
    monkeypatch.setattr(pace.time, "monotonic", lambda: float(next(clock)))
    steps = Pace(lambda *progress: None)
    for done, total in ((1, 1), (1, 9), (5, 9), (9, 9)):
        steps(done, total)
    assert steps.measured() == [
        {"steps": 1, "step_seconds": None},
        {"steps": 9, "step_seconds": 0.25},
    ]
