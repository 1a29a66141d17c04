"""What the terminal shows while stages run: live progress, or lines where there is none."""

import json
import time
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from wsss_harness.contract.hookspecs import StageEvent, hookimpl

WIDTH_OF_TITLE = 38
QUIET = 5.0  # seconds between two lines of progress in a log


class Display(Protocol):
    """An observer of stages that owns the terminal while it is entered."""

    def __enter__(self) -> "Display": ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    def wsss_stage_event(self, event: StageEvent) -> None: ...


def _place(event: StageEvent) -> str:
    return event.key or event.stage


def _named(event: StageEvent) -> str:
    long = len(event.stage) > WIDTH_OF_TITLE
    return escape(event.stage[: WIDTH_OF_TITLE - 1] + "…" if long else event.stage)


class LiveDisplay:
    """A line for each stage that ended; below, the running ones and the suite, with estimates."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.reused: set[str] = set()
        self._progress = Progress(
            TextColumn(f"{{task.description:<{WIDTH_OF_TITLE}}}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[told]:>7}"),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
        )
        self._suite: TaskID | None = None
        self._running: dict[str, tuple[TaskID, float]] = {}

    def __enter__(self) -> "LiveDisplay":
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    @hookimpl
    def wsss_stage_event(self, event: StageEvent) -> None:
        if event.kind == "started":
            task = self._progress.add_task(_named(event), total=None, told="")
            self._running[_place(event)] = task, time.monotonic()
        elif event.kind == "progress" and _place(event) in self._running:
            told = f"{100 * event.done // max(event.total, 1)}%"
            task, _ = self._running[_place(event)]
            self._progress.update(task, completed=event.done, total=event.total, told=told)
        elif event.kind == "reused":
            self.reused.add(event.stage)
        elif event.kind == "suite":
            self._tell_suite(event)
        elif event.kind in ("waiting", "stopping", "retried"):
            text = f"{event.kind}: {escape(event.stage)}" + (event.message and ", ")
            self.console.print(f"{text}{escape(event.message)}", highlight=False)
        elif event.kind in ("finished", "failed"):
            self._end(event)

    def _tell_suite(self, event: StageEvent) -> None:
        if self._suite is None:
            self._suite = self._progress.add_task(_named(event), total=event.total, told="")
        told = f"{event.done}/{event.total}"
        self._progress.update(self._suite, completed=event.done, total=event.total, told=told)

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
class Turn:
    """What one stage counts at the moment; it may count several things in turn."""

    started: float = field(default_factory=time.monotonic)
    turned: float = field(default_factory=time.monotonic)
    told: float = field(default_factory=time.monotonic)
    tenth: int = 0
    total: int = 0

    def news(self, event: StageEvent) -> str | None:
        """A line on the progress, at tenths that take a while; a new total starts anew."""
        now = time.monotonic()
        if event.total != self.total:
            self.turned, self.tenth, self.total = now, 0, event.total
        tenth = 10 * event.done // max(event.total, 1)
        if tenth <= self.tenth or now - self.told < QUIET:
            return None
        self.tenth, self.told = tenth, now
        left = (now - self.turned) * (event.total - event.done) / event.done
        return f"{event.stage} {event.done}/{event.total}, about {left:.0f} s left"


class LineDisplay:
    """Prints lines, one after another, and so has nothing to do when it is entered or left."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def _print(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)


class PlainDisplay(LineDisplay):
    """Lines for a log file: every start and end, and progress now and then."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self.reused: set[str] = set()
        self._turns: dict[str, Turn] = {}

    @hookimpl
    def wsss_stage_event(self, event: StageEvent) -> None:
        if event.kind == "reused":
            self.reused.add(event.stage)
        elif event.kind == "progress":
            line = self._turns.setdefault(_place(event), Turn()).news(event)
            if line:
                self._print(line)
        elif event.kind != "suite":
            self._tell(event)

    def _tell(self, event: StageEvent) -> None:
        if event.kind == "started":
            self._turns[_place(event)] = Turn()
        ending = ""
        if event.kind in ("finished", "failed"):
            seconds = time.monotonic() - self._turns.pop(_place(event), Turn()).started
            ending = f" after {seconds:.1f} s"
        message = f": {event.message}" if event.message else ""
        self._print(f"{event.kind} {event.stage}{ending}{message}")


class EventDisplay(LineDisplay):
    """Every event as a line of JSON, for programs that watch a run."""

    @hookimpl
    def wsss_stage_event(self, event: StageEvent) -> None:
        self._print(json.dumps({"time": round(time.time(), 3), **asdict(event)}))


def make_display(console: Console) -> LiveDisplay | PlainDisplay:
    return LiveDisplay(console) if console.is_terminal else PlainDisplay(console)
