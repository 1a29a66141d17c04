"""Find plugins: entry points of installed distributions, and files that the environment names."""

import importlib
import os
import sys
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from os.path import samefile
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.hookspecs import GROUP

DISTRIBUTION = "wsss-bench"
PLUGIN_PATH = "WSSS_PLUGIN_PATH"
OUTSIDE = "WSSS_OUTSIDE_PLUGINS"


@dataclass(frozen=True)
class FilePlugin:
    """A plugin that is a single module on disk, without a distribution."""

    path: Path
    dist: None = None

    @property
    def name(self) -> str:
        return self.path.stem

    def load(self) -> Any:
        if not self.path.is_file():
            raise ConfigError(f"{PLUGIN_PATH} names {self.path}, which is not a file")
        folder = str(self.path.resolve().parent)
        if folder not in sys.path:
            sys.path.append(folder)  # worker processes inherit it
        module = importlib.import_module(self.name)
        if not samefile(module.__file__ or "", self.path):
            raise ConfigError(
                f"{self.path} has the name of another module, {module.__file__}; rename the file"
            )
        return module


PluginEntry = EntryPoint | FilePlugin


def origin(entry: PluginEntry) -> str:
    """The distribution and version of an entry, or the path of its file."""
    if isinstance(entry, FilePlugin):
        return str(entry.path)
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "unknown"


def entries() -> list[PluginEntry]:
    """All plugins to load, in order: those of wsss-bench, of other distributions, then files.

    The environment variable WSSS_PLUGIN_PATH lists plugin files, separated like folders in PATH;
    WSSS_OUTSIDE_PLUGINS=off leaves out all plugins that are not part of wsss-bench.
    """
    announced: list[PluginEntry] = sorted(entry_points(group=GROUP), key=_own_first)
    outside = os.environ.get(OUTSIDE, "on")
    if outside not in ("on", "off"):
        raise ConfigError(f"{OUTSIDE} is '{outside}'; set it to on or off")
    if outside == "off":
        return [entry for entry in announced if entry.dist and entry.dist.name == DISTRIBUTION]
    return [*announced, *(FilePlugin(path) for path in named_files())]


def named_files() -> list[Path]:
    """The files in WSSS_PLUGIN_PATH, without duplicates."""
    paths = (Path(path) for path in os.environ.get(PLUGIN_PATH, "").split(os.pathsep) if path)
    return list({path.resolve(): path for path in paths}.values())


def _own_first(entry: PluginEntry) -> tuple[bool, str, str]:
    distribution = entry.dist.name if entry.dist else ""
    return distribution != DISTRIBUTION, distribution, entry.name
