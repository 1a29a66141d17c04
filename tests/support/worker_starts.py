"""What worker processes of tests load; a module of its own, so that they can import it."""

import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class WritesBelow:
    """Work that writes a file named by the id below ``folder``."""

    folder: Path

    def __call__(self):
        return lambda name: (self.folder / name).write_text("x")


class NeverEnds:
    def __call__(self):
        return lambda name: time.sleep(600)
