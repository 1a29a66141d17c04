"""What the terminal shows while stages run: live progress, or plain lines where there is none."""

import time
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from wsss_harness.hookspecs import StageEvent, hookimpl

WIDTH_OF_TITLE = 38
QUIET = 5.0  # seconds between two lines of progress in a log


class LiveDisplay:
    """One line for each stage that ran; the running one with a bar and an estimate."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.reused: set[str] = set()
        self._progress = Progress(
            TextColumn(f"{{task.description:<{WIDTH_OF_TITLE}}}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
        )
        self._task: TaskID | None = None
        self._started = 0.0

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
            self._started = time.monotonic()
            self._task = self._progress.add_task(escape(event.stage), total=None)
        elif event.kind == "progress" and self._task is not None:
            self._progress.update(self._task, completed=event.done, total=event.total)
        elif event.kind == "reused":
            self.reused.add(event.stage)
        elif event.kind == "waiting":
            self.console.print(f"waiting: {escape(event.stage)}, {event.message}", highlight=False)
        elif event.kind in ("finished", "failed"):
            self._end(event)

    def _end(self, event: StageEvent) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
        seconds = time.monotonic() - self._started
        mark = "[green]done  [/]" if event.kind == "finished" else "[red]failed[/]"
        line = f"{mark} {escape(event.stage):<{WIDTH_OF_TITLE}} {seconds:7.1f} s"
        self.console.print(line, highlight=False)
        if event.message:
            self.console.print(f"     {escape(event.message)}", style="red", highlight=False)


class PlainDisplay:
    """Lines for a log file: every start and end, and progress at tenths that take a while.

    A stage may count several things in turn; a new total starts anew.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.reused: set[str] = set()
        self._started = self._turned = self._told = 0.0
        self._tenth = self._total = 0

    def __enter__(self) -> "PlainDisplay":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    @hookimpl
    def wsss_stage_event(self, event: StageEvent) -> None:
        if event.kind == "reused":
            self.reused.add(event.stage)
        elif event.kind == "progress":
            self._tell_progress(event)
        else:
            self._tell(event)

    def _tell(self, event: StageEvent) -> None:
        seconds = time.monotonic() - self._started
        if event.kind == "started":
            self._started = self._told = time.monotonic()
            self._total = 0
        ending = "" if event.kind in ("started", "waiting") else f" after {seconds:.1f} s"
        message = f": {event.message}" if event.message else ""
        self._print(f"{event.kind} {event.stage}{ending}{message}")

    def _tell_progress(self, event: StageEvent) -> None:
        if event.total != self._total:
            self._turned, self._tenth, self._total = time.monotonic(), 0, event.total
        tenth = 10 * event.done // max(event.total, 1)
        if tenth <= self._tenth or time.monotonic() - self._told < QUIET:
            return
        self._tenth, self._told = tenth, time.monotonic()
        elapsed = time.monotonic() - self._turned
        left = elapsed * (event.total - event.done) / event.done
        self._print(f"{event.stage} {event.done}/{event.total}, about {left:.0f} s left")

    def _print(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)


def make_display(console: Console) -> LiveDisplay | PlainDisplay:
    return LiveDisplay(console) if console.is_terminal else PlainDisplay(console)
