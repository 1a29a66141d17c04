"""Where one method is tried: each probe of it runs in a fresh process."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from wsss_harness.plugins.entries import PLUGIN_PATH, named_files
from wsss_harness.plugins.offers import Offer
from wsss_harness.system import files
from wsss_harness.testing.probe import ProbeReport, ProbeTask, draw_scenes

CACHES = ("__pycache__", ".cache", ".config", ".matplotlib")


class Bench:
    """A scratch folder in which probes of one method run, each in a fresh process."""

    def __init__(
        self,
        offer: Offer,
        options: Mapping[str, Any],
        limit: float,
        scratch: Path,
        weights: Mapping[str, Path] = MappingProxyType({}),
    ) -> None:
        self.offer, self.options, self.limit, self.scratch = offer, options, limit, scratch
        self.weights = {name: str(Path(path).resolve()) for name, path in weights.items()}
        self.world, self.elsewhere = scratch / "world", scratch / "elsewhere"
        self.elsewhere.mkdir()
        draw_scenes(self.world)
        self.before = self.content

    @property
    def content(self) -> set[str]:
        """The files that a probe must leave alone, with their times."""
        paths = (p for folder in (self.world, self.elsewhere) for p in folder.rglob("*"))
        return {f"{path.relative_to(self.scratch)} {path.stat().st_mtime_ns}" for path in paths}

    def probe(
        self,
        name: str,
        owner: str = "",
        fit: bool = False,
        answer: bool = False,
        kill: bool = False,
        others: Mapping[str, Any] = MappingProxyType({}),
    ) -> ProbeReport:
        """Run the method in the folder of the probe ``owner``, or in one of its own.

        ``others``: other values of some options.
        """
        folder = self.folder(owner or name)
        folder.mkdir(parents=True, exist_ok=True)
        task = ProbeTask(
            self.offer.kind,
            self.offer.name,
            {**self.options, **others},
            world=str(self.world),
            folder=str(folder),
            ledger=str(self.scratch / "ledger"),
            report=str(self.scratch / f"{name}.report.json"),
            answers=str(self.scratch / f"{name}.npz") if answer else "",
            weights=self.weights,
            fit=fit,
            kill=kill,
        )
        return self._run(name, task)

    def folder(self, probe: str) -> Path:
        """Where a probe fits."""
        return self.scratch / "stages" / probe

    def _run(self, name: str, task: ProbeTask) -> ProbeReport:
        path = self.scratch / f"{name}.task.json"
        files.write_json(path, asdict(task))
        command = [sys.executable, "-m", "wsss_harness.testing.probe", str(path)]
        files_of_plugins = os.pathsep.join(str(path.resolve()) for path in named_files())
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", PLUGIN_PATH: files_of_plugins}
        try:
            result = subprocess.run(
                command,
                cwd=self.elsewhere,
                env=environment,
                timeout=self.limit,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
        except subprocess.TimeoutExpired:
            return ProbeReport(
                error=f"it did not end within {self.limit:g} s; look for an endless loop, or give "
                "it quick options"
            )
        if Path(task.report).is_file():
            return ProbeReport(**files.read_json(Path(task.report)))
        return ProbeReport(
            error=f"its process ended with {result.returncode}: {result.stderr[-400:]}"
        )

    @cached_property
    def read(self) -> set[str]:
        return {path.name for path in (self.scratch / "ledger").glob("*")}

    def trespass(self, report: ProbeReport) -> str | None:
        """The files that it wrote outside its folder, opened or left there."""
        added = sorted(self.content - self.before)
        strays = [entry.rpartition(" ")[0] for entry in added]
        strays += [path for path in report.written if not self._harmless(path)]
        if not strays:
            return None
        return f"it wrote {', '.join(strays[:3])}; write in fit alone, below run.folder"

    def _harmless(self, path: str) -> bool:
        """Whether a path is a cache, a temporary file or the record of what was read."""
        scratch = os.path.realpath(self.scratch)
        if path.startswith(scratch):
            return path.startswith(os.path.join(scratch, "ledger"))
        temporary = os.path.realpath(tempfile.gettempdir())
        return path.startswith((temporary, "/dev/", "/proc/")) or any(
            part in CACHES for part in Path(path).parts
        )

    def difference(self, first: str, second: str) -> str | None:
        paths = [self.scratch / f"{name}.npz" for name in (first, second)]
        with np.load(paths[0]) as a, np.load(paths[1]) as b:
            if set(a) != set(b):
                return "it predicts other images or classes"
            worst = max((_distance(a[name], b[name]) for name in a), default=0.0)
        if worst == 0:
            return None
        return (
            f"values differ by up to {worst:.2g}; draw every random number from run.seed, and keep "
            "all that decides the result in run.folder"
        )


def _distance(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    if a.shape != b.shape:
        return float("inf")
    return float(np.abs(a.astype(np.float64) - b).max(initial=0))
