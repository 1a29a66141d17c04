"""Whose source code decides what a stage writes; its digest is part of the stage's key."""

import ast
import hashlib
import importlib.util
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import StageError


def modules(*names: str) -> tuple[str, ...]:
    return tuple(f"wsss_harness.{name}" for name in names)


# The modules whose source decides what a stage writes; every stage reads data and writes files.
CORE = modules(
    *(
        "stages.work",
        "stages.batches",
        "system.files",
        "contract.types",
        "contract.supervision",
        "system.score_files",
        "system.digests",
    ),
    "datasets.voc_folder",
)
MEASURE_CODE = (*CORE, *modules("metrics"))
NETWORK_CODE = (
    *CORE,
    *modules(
        "networks.backbones",
        "networks.classmaps",
        "networks.training.settings",
        "networks.training.fit",
        "networks.training.loop",
        "networks.checkpoints",
    ),
    *modules("networks.training.optimizers", "networks.mmseg_imports"),
)
CRF_CODE = modules("networks.crf")
SEGMENTOR_CODE = (*NETWORK_CODE, *CRF_CODE, *modules("networks.segmentors", "metrics"))


def package_of(made: Any) -> str:
    """The package that a plugin's class or function comes from; the harness's own by module."""
    module: str = getattr(made, "__module__", None) or type(made).__module__
    package = module.partition(".")[0]
    return module if package == "wsss_harness" else package


_sources: dict[str, tuple[Path, list[Path]]] = {}  # folder and files of each digest


def changed(digests: Mapping[str, str]) -> list[str]:
    """The modules of which a file that was there is no longer as their digest has it."""
    return [name for name, wanted in digests.items() if _digest(*_sources[name]) != wanted]


@cache
def source_digest(module: str) -> str:
    """A digest of a module's source and of what lies beside it, or of a whole package."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise StageError(f"the source of {module} cannot be found")
    origin = Path(spec.origin)
    paths = sorted(origin.parent.rglob("*.py")) if spec.submodule_search_locations else [origin]
    if not spec.submodule_search_locations and "." not in module:
        paths = sorted(beside(origin))
    _sources[module] = origin.parent, paths
    return _digest(origin.parent, paths)


def _digest(folder: Path, paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes() if path.is_file() else b""
        digest.update(str(path.relative_to(folder)).encode() + content)
    return digest.hexdigest()


def beside(origin: Path) -> set[Path]:
    """A top-level module's file and those of the same folder that it imports, however far.

    Where distributions share a folder, what another one installed does not count.
    """
    owners = packages_distributions()
    own = owners.get(origin.stem, [])
    found, new = set(), {origin}
    while new:
        path = new.pop()
        found.add(path)
        for name in imported(path):
            if owners.get(name, own) == own:
                module, package = origin.parent / f"{name}.py", origin.parent / name
                files = [module] if module.is_file() else sorted(package.rglob("*.py"))
                new |= {file for file in files if file not in found}
    return found


def imported(path: Path) -> set[str]:
    """The top-level names that a source file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names
