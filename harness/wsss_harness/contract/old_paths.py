"""Old module paths that documentation and templates named before ``wsss_harness`` had the names."""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import MappingProxyType, ModuleType

PACKAGE = "wsss_harness"
MOVED: Mapping[str, str] = MappingProxyType(
    {
        "classmaps": "networks.classmaps",  # with all its modules
        "crf": "networks.crf",
        "errors": "contract.errors",
        "files": "system.old_files",
        "hookspecs": "contract.hookspecs",
        "settings": "networks.training.settings",
        "supervision": "contract.supervision",
        "training": "networks.training.loop",
        "types": "contract.types",
    }
)


def new_path(name: str) -> str | None:
    """The present path of a module that moved; None for any other module."""
    package, _, path = name.partition(".")
    first, dot, rest = path.partition(".")
    if package != PACKAGE or first not in MOVED:
        return None
    return f"{PACKAGE}.{MOVED[first]}{dot}{rest}"


class OldPaths:
    """Import a module by its old path: the same module object, not a copy."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(name, self) if new_path(name) else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """Return None: Python creates an empty module, which ``exec_module`` replaces."""

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = import_module(new_path(module.__name__) or "")


def install() -> None:
    # First: otherwise Python would find ``classmaps.generator`` in its package and load a copy.
    sys.meta_path.insert(0, OldPaths())
