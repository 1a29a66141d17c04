"""What the harness gives to ``fit`` and ``prepare``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LOG = "log.txt"  # what a stage prints, in its folder


def _no_progress(done: int, total: int) -> None:
    pass


@dataclass(frozen=True)
class Previous:
    """The fitted generator that another one builds on.

    Attributes:
        generator: the object with its options; ``generator.load(folder, device)`` scores images.
        folder: what its ``fit`` wrote; read it, never write there.
        files: the files by name that its ``load`` wants as ``files``, if it wants any.
    """

    generator: Any
    folder: Path
    files: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """What ``fit`` and ``prepare`` get from the harness.

    Attributes:
        folder: the only place to write to. It still holds the files of an interrupted run, which
            should be continued.
        seed: seeds everything random; the same seed must give the same result.
        device: "cpu" or "cuda".
        weights: a state dict to start from, or None; the same file as ``files["backbone"]``.
        progress: call it with the steps done and in total, as often as you like.
        previous: the generator that the suite names as ``previous``; None unless the class
            ``follows`` one.
        files: the files by name that the class declares as ``wants_weights``.
    """

    folder: Path
    seed: int = 0
    device: str = "cpu"
    weights: Path | None = None
    progress: Callable[[int, int], None] = field(default=_no_progress)
    previous: Previous | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
