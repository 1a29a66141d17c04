"""Digests of the source code that a stage runs, which are part of the stage's cache key.

The code of a stage is the import closure of its body: the modules of the body and of the objects
that it holds, and whatever these import. Of the harness each module counts by itself; a plugin
counts as a whole, with all modules beside a plugin that is a single module.
"""

import hashlib
import importlib.util
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache, partial
from importlib.metadata import entry_points, packages_distributions, version
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

from wsss_harness.contract.errors import StageError
from wsss_harness.contract.hookspecs import GROUP
from wsss_harness.store.imports import (
    HARNESS,
    harness_file,
    harness_modules,
    imported,
    is_harness,
    outermost,
)
from wsss_harness.system.digests import last_change

LETTERS = 32  # of a digest in hexadecimal
WRAPPERS = frozenset({"numpy"})  # libraries whose objects may hold a function of a plugin
NETWORKS = f"{HARNESS}.networks."  # plugins reach libraries such as timm through it
# Packages whose dataclasses hold plugins: bodies of stages, and metrics.
HOLDERS = (f"{HARNESS}.stages.", f"{HARNESS}.contract.")


def code_of(body: Any) -> Mapping[str, str]:
    """The digest of each harness module and each plugin that ``body`` runs."""
    return _closure(frozenset(modules_of(body)))


def by_package(code: Mapping[str, str]) -> dict[str, str]:
    """One digest for each package of the harness, and for each plugin, in the code of a stage."""
    packages: dict[str, list[str]] = defaultdict(list)
    for name, digest in sorted(code.items()):
        packages[".".join(name.split(".")[:2])].append(f"{name} {digest}\n")
    return {name: _hash("".join(lines).encode()) for name, lines in packages.items()}


def modules_of(value: Any) -> Iterator[str]:
    """The modules of a stage's body and of the objects that it holds.

    Options of plugins are plain values, so a plugin is not looked into.
    """
    if isinstance(value, partial):
        yield from modules_of((value.func, *value.args, *value.keywords.values()))
    elif isinstance(value, MethodType):
        yield from modules_of(value.__self__)
    elif isinstance(value, FunctionType | type):
        yield value.__module__
    elif isinstance(value, Mapping):
        yield from modules_of(tuple(value.values()))
    elif isinstance(value, tuple | list | set | frozenset):
        for element in value:
            yield from modules_of(element)
    else:
        yield from _modules_of_object(value)


def _modules_of_object(value: Any) -> Iterator[str]:
    """The modules of an object's class, of the plugins that it inherits from, and what it wraps."""
    if is_dataclass(value) and outermost(type(value).__module__) in sys.stdlib_module_names:
        raise StageError(
            f"the class {type(value).__qualname__} does not say which module it is from, so its "
            "source is not in the cache key; write it as a class, or pass module= to make_dataclass"
        )
    for cls in type(value).__mro__:
        if cls is type(value) or outermost(cls.__module__) in {HARNESS, *_plugin_packages()}:
            yield from _outside_the_standard_library(cls.__module__)
    # A function in a wrapper, as of functools.lru_cache or numpy.vectorize.
    yield from _outside_the_standard_library(getattr(value, "__module__", None) or "builtins")
    for wrapped in ("__wrapped__", "pyfunc"):
        if hasattr(value, wrapped):
            yield from modules_of(getattr(value, wrapped))
    if type(value).__module__.startswith(HOLDERS):
        yield from modules_of([getattr(value, field.name) for field in fields(value)])


def _outside_the_standard_library(module: str) -> Iterator[str]:
    if outermost(module) not in sys.stdlib_module_names | WRAPPERS:
        yield module


@cache
def _plugin_packages() -> frozenset[str]:
    """The outermost packages of all installed plugins."""
    return frozenset(outermost(point.module) for point in entry_points(group=GROUP))


def refuse_changed(code: Mapping[str, str]) -> None:
    """Raise StageError if the source of a module or plugin no longer has its digest in ``code``."""
    if modules := [name for name, digest in code.items() if _digest(name) != digest]:
        raise StageError(
            f"the source of {', '.join(modules)} changed while it ran, so nobody knows which "
            "code made its files; run again"
        )


def libraries_of(body: Any) -> dict[str, str]:
    """The version of each distribution that the plugins and networks in its code import."""
    names = [name for name in code_of(body) if not is_harness(name) or name.startswith(NETWORKS)]
    sources = [path for name in names for path in _files(name) if not _is_test(path)]
    modules = {outermost(name) for path in sources for name in imported(path)}
    return {name: version(name) for module in modules for name in _owners().get(module, ())}


def package_digest(package: str) -> str:
    """The digest of all source files of a loaded package."""
    return _digest(package)


@cache
def _closure(roots: frozenset[str]) -> Mapping[str, str]:
    """The digests of ``roots``, of all that they import, and of the packages around these."""
    closure: dict[str, str] = {}
    waiting = {_unit(module) for module in roots}
    while waiting:
        name = waiting.pop()
        closure[name] = _loaded_digest(name)
        waiting |= _imported_units(name) - closure.keys()
    return dict(sorted(closure.items()))


@cache
def _imported_units(name: str) -> frozenset[str]:
    """What the files of a module or plugin import of the harness and of plugins."""
    files = [path for path in _files(name) if not _is_test(path)]
    names = {imported_name for path in files for imported_name in imported(path)}
    units = {module for each in names if is_harness(each) for module in harness_modules(each)}
    units |= {outermost(each) for each in names if outermost(each) in _plugin_packages()}
    return frozenset(units | (set(_parents(name)) if is_harness(name) else set()))


def _is_test(path: Path) -> bool:
    """Whether a file of a plugin is a test, which no stage runs."""
    return path.name.startswith("test_") or "tests" in path.parts[-3:-1]


def _unit(module: str) -> str:
    """What a module counts as: itself in the harness, elsewhere its outermost package."""
    if is_harness(module):
        return module
    parts = module.split(".")
    packages = (".".join(parts[:end]) for end in range(1, len(parts)))
    return next((name for name in packages if _is_regular(name)), module)


def _is_regular(package: str) -> bool:
    return getattr(sys.modules.get(package), "__file__", None) is not None


def _parents(module: str) -> Iterator[str]:
    """The packages that Python loads before a module."""
    while "." in module:
        module = module.rpartition(".")[0]
        yield module


# Files


@cache
def _loaded_digest(name: str) -> str:
    """The digest at first sight: what is edited later is not what this process runs."""
    return _digest(name)


def _digest(name: str) -> str:
    files = _files(name)
    return _digest_once(files, tuple(last_change(path) if path.is_file() else () for path in files))


@cache
def _digest_once(files: tuple[Path, ...], changes: tuple[tuple[int, ...], ...]) -> str:
    """The digest of source files, which are read again only after one has changed."""
    parts = []
    for path, change in zip(files, changes, strict=True):
        content = path.read_bytes() if change else b""
        parts.append(str(path.relative_to(files[0].parent)).encode() + content)
    return _hash(b"".join(parts))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:LETTERS]


@cache
def _files(name: str) -> tuple[Path, ...]:
    """The source files of a harness module, of a plugin package, or of a module and its siblings.

    Raises:
        StageError: the module has no source file.
    """
    if is_harness(name):
        path = harness_file(name)
    else:
        path = Path(getattr(sys.modules.get(name), "__file__", None) or _origin(name))
    if not path.is_file():
        raise StageError(f"the source of {name} cannot be found; its stages have no cache key")
    if is_harness(name):
        return (path,)
    whole_folder = path.name == "__init__.py" or "." in name  # a package, or a namespace package
    others = _sources_below(path.parent) if whole_folder else beside(path)
    return (path, *sorted(set(others) - {path}))


def _origin(name: str) -> str:
    """The file of a module that is not loaded; empty if none is found."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return ""
    return spec.origin or "" if spec else ""


def _sources_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.py") if path.is_file() and path.name[0] != "."]


def beside(origin: Path) -> set[Path]:
    """A top-level module's file, the modules and packages of its folder, and what these import.

    All of them count, since a plugin may import by a name that only running it tells. Tests and
    folders without ``__init__.py`` count where they are imported. Where distributions share a
    folder, only files of the module's own distribution count.
    """
    own = _owners().get(origin.stem, [])
    closure, waiting = set(), {origin, *_neighbours(origin.parent, own)}
    while waiting:
        path = waiting.pop()
        closure.add(path)
        for name in set(map(outermost, imported(path))):
            if _owners().get(name, own) == own:
                files = _of_module(origin.parent, name)
                _check_loaded(name, files)
                waiting |= {file for file in files if file not in closure}
    return closure


def _neighbours(folder: Path, own: Sequence[str]) -> Iterator[Path]:
    """The files of all modules and packages in a folder that are of the distributions ``own``."""
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    for name in packages | {path.stem for path in folder.glob("*.py")}:
        if _owners().get(name, []) == own:
            yield from (
                path for path in _of_module(folder, name) if not _is_test(path.relative_to(folder))
            )


def _of_module(folder: Path, name: str) -> list[Path]:
    """The files of a module or package of this name in a folder; none if there is no such."""
    module = folder / f"{name}.py"
    return [module] if module.is_file() else _sources_below(folder / name)


def _check_loaded(name: str, files: Sequence[Path]) -> None:
    """Raise StageError if Python has loaded a module of this name from another file."""
    loaded = Path(getattr(sys.modules.get(name), "__file__", None) or "")
    if files and loaded.is_file() and not any(loaded.samefile(path) for path in files):
        raise StageError(
            f"{files[0]} has the name of another module that is loaded, {loaded}; rename one, or "
            "Python uses the first for both plugins"
        )


@cache
def _owners() -> Mapping[str, list[str]]:
    return packages_distributions()
