"""Modules that plugins imported before ``wsss_harness`` itself offered their names."""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import MappingProxyType, ModuleType

MOVED: Mapping[str, str] = MappingProxyType(
    {
        "wsss_harness.classmaps": "wsss_harness.networks.classmaps",
        "wsss_harness.classmaps.generator": "wsss_harness.networks.classmaps.generator",
        "wsss_harness.classmaps.settings": "wsss_harness.networks.classmaps.settings",
        "wsss_harness.crf": "wsss_harness.networks.crf",
        "wsss_harness.errors": "wsss_harness.contract.errors",
        "wsss_harness.files": "wsss_harness.system.files",
        "wsss_harness.hookspecs": "wsss_harness.contract.hookspecs",
        "wsss_harness.settings": "wsss_harness.networks.training.settings",
        "wsss_harness.supervision": "wsss_harness.contract.supervision",
        "wsss_harness.training": "wsss_harness.networks.training.loop",
        "wsss_harness.types": "wsss_harness.contract.types",
    }
)


class OldPaths:
    """Finds a module under its old name: the same module object, not a copy."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name in MOVED else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """None: Python makes an empty module, which ``exec_module`` replaces."""

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = import_module(MOVED[module.__name__])


def install() -> None:
    # First: otherwise Python would find ``classmaps.generator`` in its package and load a copy.
    sys.meta_path.insert(0, OldPaths())
