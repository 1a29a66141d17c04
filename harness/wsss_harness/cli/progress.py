"""What is shown while stages run: live progress in a terminal, else lines."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from wsss_harness.cli.messages import print_plain
from wsss_harness.contract.hookspecs import StageEvent, hookimpl
from wsss_harness.plugins.registry import Plugins

WIDTH_OF_TITLE = 38
QUIET = 5.0  # seconds between two lines of progress in a log


class Display:
    """An observer of stages that prints to a console, which it owns while it is entered."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the console to others."""


def _place(event: StageEvent) -> str:
    return event.key or event.stage


def _named(event: StageEvent) -> str:
    long = len(event.stage) > WIDTH_OF_TITLE
    return escape(event.stage[: WIDTH_OF_TITLE - 1] + "…" if long else event.stage)


class LiveDisplay(Display):
    """A line for each stage that ended; below them running stages and the suite."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._progress = Progress(
            TextColumn(f"{{task.description:<{WIDTH_OF_TITLE}}}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[share]:>7}"),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
        )
        self._suite: TaskID | None = None
        self._running: dict[str, tuple[TaskID, float]] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    @hookimpl
    def wsss_stage_event(self, event: StageEvent) -> None:
        if event.kind == "started":
            task = self._progress.add_task(_named(event), total=None, share="")
            self._running[_place(event)] = task, time.monotonic()
        elif event.kind == "progress" and _place(event) in self._running:
            percent = f"{100 * event.done // max(event.total, 1)}%"
            task, _ = self._running[_place(event)]
            self._progress.update(task, completed=event.done, total=event.total, share=percent)
        elif event.kind == "suite":
            self._tell_suite(event)
        elif event.kind in ("waiting", "stopping", "retried"):
            text = f"{event.kind}: {escape(event.stage)}" + (event.message and ", ")
            self.console.print(f"{text}{escape(event.message)}", highlight=False)
        elif event.kind in ("finished", "failed"):
            self._end(event)

    def _tell_suite(self, event: StageEvent) -> None:
        if self._suite is None:
            self._suite = self._progress.add_task(_named(event), total=event.total, share="")
        share = f"{event.done}/{event.total}"
        self._progress.update(self._suite, completed=event.done, total=event.total, share=share)

    def _end(self, event: StageEvent) -> None:
        seconds = 0.0
        if _place(event) in self._running:
            task, started = self._running.pop(_place(event))
            self._progress.remove_task(task)
            seconds = time.monotonic() - started
        mark = "[green]done  [/]" if event.kind == "finished" else "[red]failed[/]"
        line = f"{mark} {escape(event.stage):<{WIDTH_OF_TITLE}} {seconds:7.1f} s"
        self.console.print(line, highlight=False)
        if event.message:
            self.console.print(f"     {escape(event.message)}", style="red", highlight=False)


@dataclass
class StagePace:
    """How fast a stage goes on; it may count several things, one after another."""

    started: float = field(default_factory=time.monotonic)
    restarted: float = field(default_factory=time.monotonic)
    printed: float = field(default_factory=time.monotonic)
    tenth: int = 0
    total: int = 0

    def news(self, event: StageEvent) -> str | None:
        """A line on each tenth, at most every QUIET seconds; a new total starts again."""
        now = time.monotonic()
        if event.total != self.total:
            self.restarted, self.tenth, self.total = now, 0, event.total
        tenth = 10 * event.done // max(event.total, 1)
        if tenth <= self.tenth or now - self.printed < QUIET:
            return None
        self.tenth, self.printed = tenth, now
        seconds = (now - self.restarted) * (event.total - event.done) / event.done
        return f"{event.stage} {event.done}/{event.total}, about {seconds:.0f} s left"


class PlainDisplay(Display):
    """Lines for a log file: each start and end, and progress from time to time."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._paces: dict[str, StagePace] = {}

    @hookimpl
    def wsss_stage_event(self, event: StageEvent) -> None:
        if event.kind == "progress":
            line = self._paces.setdefault(_place(event), StagePace()).news(event)
            if line:
                print_plain(self.console, line)
        elif event.kind not in ("suite", "reused"):
            self._tell(event)

    def _tell(self, event: StageEvent) -> None:
        if event.kind == "started":
            self._paces[_place(event)] = StagePace()
        ending = ""
        if event.kind in ("finished", "failed"):
            seconds = time.monotonic() - self._paces.pop(_place(event), StagePace()).started
            ending = f" after {seconds:.1f} s"
        message = f": {event.message}" if event.message else ""
        print_plain(self.console, f"{event.kind} {event.stage}{ending}{message}")


class EventDisplay(Display):
    """Each event as a line of JSON, for programs that watch a run."""

    @hookimpl
    def wsss_stage_event(self, event: StageEvent) -> None:
        print_plain(self.console, json.dumps({"time": round(time.time(), 3), **asdict(event)}))


def make_display(console: Console) -> LiveDisplay | PlainDisplay:
    return LiveDisplay(console) if console.is_terminal else PlainDisplay(console)


@contextmanager
def observed(plugins: Plugins, as_json: bool = False, events: bool = False) -> Iterator[None]:
    """Show the stages that run, on stderr if JSON goes to stdout; ``events``: as lines of JSON.

    The display is bound to the terminal now; what libraries print later goes to a stage's log.
    """
    console = Console(file=sys.stderr if as_json else sys.stdout)
    display = EventDisplay(console) if events else make_display(console)
    with display:
        plugins.manager.register(display)
        try:
            yield
        finally:
            plugins.manager.unregister(display)
