"""Print sentences that hold names and paths."""

from rich.console import Console

from wsss_harness.contract.findings import FAILURE, NOTE, OK, WARNING

COLOURS = {OK: "green", NOTE: "cyan", WARNING: "yellow", FAILURE: "red"}


def print_plain(console: Console, text: str, style: str | None = None) -> None:
    """Print text as it is: without markup, highlighting or line breaks."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def plural(count: int, noun: str) -> str:
    """Such as "1 image" and "1,200 images"."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
