"""The command `wsss data prepare voc12`."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from wsss_harness.datasets.voc12.prepare import AUGMENTED, PUBLISHED, VocRequest, prepare

COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    TaskProgressColumn(),
    TimeRemainingColumn(),
)


def prepare_and_report(root: Path, request: VocRequest, console: Console) -> None:
    hidden = not console.is_terminal
    with Progress(*COLUMNS, console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task("")

        def progress(step: str, done: int, total: int) -> None:
            bar.update(task, description=step, completed=done, total=total or None)

        numbers = prepare(root, request, progress)
    for name, number in numbers.items():
        console.print(f"{name:12} {number:>6,}{_published(name, numbers)}", highlight=False)
    console.print(
        f"\nwrote {root}. Next:\n\n"
        f"  wsss data check {root} --set dataset.train=train_aug --set dataset.scored=train "
        f"--set dataset.truth={AUGMENTED}",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )


def _published(name: str, numbers: Mapping[str, int]) -> str:
    expected = PUBLISHED.get(name, numbers[name])
    return "" if numbers[name] == expected else f"   expected {expected:,}"
