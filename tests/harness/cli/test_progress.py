"""What the terminal shows while stages run."""

import io

from rich.console import Console

from wsss_harness.cli import progress as display_module
from wsss_harness.cli.progress import LiveDisplay, PlainDisplay, make_display
from wsss_harness.contract.hookspecs import StageEvent


def shown(terminal, events):
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=80, color_system=None)
    with make_display(console) as display:
        for event in events:
            display.wsss_stage_event(event)
    return out.getvalue(), display


EVENTS = [
    StageEvent("reused", "data small"),
    StageEvent("started", "fit [cam]"),
    *(StageEvent("progress", "fit [cam]", done, 100) for done in range(1, 101)),
    StageEvent("finished", "fit [cam]"),
    StageEvent("started", "score cam"),
    StageEvent("failed", "score cam", message="image [7] is damaged"),
]


def test_a_log_file_gets_plain_lines_at_each_tenth(monkeypatch):
    monkeypatch.setattr(display_module, "QUIET", 0)
    text, display = shown(False, EVENTS)
    assert isinstance(display, PlainDisplay)
    lines = text.splitlines()
    assert lines[0] == "started fit [cam]"
    assert len([line for line in lines if "about" in line]) == 10
    assert lines[-1].startswith("failed score cam after")
    assert lines[-1].endswith(": image [7] is damaged")
    assert "data small" not in text


def test_a_stage_that_takes_no_time_tells_no_progress():
    text, _ = shown(False, EVENTS)
    assert "about" not in text


def test_what_a_stage_counts_next_starts_anew(monkeypatch):
    monkeypatch.setattr(display_module, "QUIET", 0)
    turns = [
        StageEvent("progress", "fit", done, total) for total in (20, 40) for done in (0, total)
    ]
    text, _ = shown(False, [StageEvent("started", "fit"), *turns, StageEvent("finished", "fit")])
    lines = [line.partition(",")[0] for line in text.splitlines() if "about" in line]
    assert lines == ["fit 20/20", "fit 40/40"]


def test_a_terminal_gets_a_line_for_each_stage_that_ended():
    text, display = shown(True, EVENTS)
    assert isinstance(display, LiveDisplay)
    assert "done   fit [cam]" in text
    assert "failed score cam" in text
    assert "image [7] is damaged" in text
    assert "━━━" in text


def test_a_stage_that_reports_nothing_is_shown_too():
    text, _ = shown(True, [StageEvent("started", "fit cam"), StageEvent("finished", "fit cam")])
    assert "done   fit cam" in text
