"""Digests of the source code that a stage runs, which are part of the stage's cache key.

The code of a stage is the import closure of its body: the modules of the body and of the objects
that it holds, and whatever these import. Of the harness each module counts by itself; a plugin
counts as a whole, with what lies beside a plugin that is a single module.
"""

import ast
import hashlib
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from functools import cache, partial
from importlib.metadata import packages_distributions
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

from wsss_harness.contract.errors import StageError
from wsss_harness.contract.old_paths import new_path

HARNESS = "wsss_harness"
ROOT = Path(__file__).parents[1]
LETTERS = 32  # of a digest in hexadecimal
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
        module = type(value).__module__
        if module.partition(".")[0] not in sys.stdlib_module_names:
            yield module
        if module.startswith(HOLDERS):
            yield from modules_of([getattr(value, field.name) for field in fields(value)])


def is_harness(module: str) -> bool:
    return module.partition(".")[0] == HARNESS


def changed(code: Mapping[str, str]) -> list[str]:
    """The modules and plugins whose source no longer has the digest in ``code``."""
    return [name for name, digest in code.items() if _digest(name) != digest]


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
        closure[name] = _digest(name)
        waiting |= _imported_units(name) - closure.keys()
    return dict(sorted(closure.items()))


@cache
def _imported_units(name: str) -> frozenset[str]:
    modules = {module for path in _files(name) for module in harness_imports(path)}
    return frozenset(modules | (set(_parents(name)) if is_harness(name) else set()))


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


def _digest(name: str) -> str:
    files = _files(name)
    parts = []
    for path in files:
        content = path.read_bytes() if path.is_file() else b""
        parts.append(str(path.relative_to(files[0].parent)).encode() + content)
    return _hash(b"".join(parts))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:LETTERS]


@cache
def _files(name: str) -> tuple[Path, ...]:
    """The source files of a harness module, of a package, or of a module and those beside it.

    Raises:
        StageError: the module has no source file.
    """
    if is_harness(name):
        return (harness_file(name),)
    origin = getattr(sys.modules.get(name), "__file__", None)
    if origin is None or not Path(origin).is_file():
        raise StageError(f"the source of {name} cannot be found; its stages have no cache key")
    path = Path(origin)
    if path.name == "__init__.py":
        return (path, *sorted(other for other in path.parent.rglob("*.py") if other != path))
    return (path, *sorted(beside(path) - {path}))


def harness_file(module: str) -> Path:
    """The file of a harness module, which need not be loaded or exist."""
    path = ROOT.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def beside(origin: Path) -> set[Path]:
    """A top-level module's file and the files of the same folder that it imports, however far.

    Where distributions share a folder, only files of the module's own distribution count.
    """
    owners = _owners()
    own = owners.get(origin.stem, [])
    closure, waiting = set(), {origin}
    while waiting:
        path = waiting.pop()
        closure.add(path)
        for name in {module.partition(".")[0] for module in imported(path)}:
            if owners.get(name, own) == own:
                module, package = origin.parent / f"{name}.py", origin.parent / name
                files = [module] if module.is_file() else sorted(package.rglob("*.py"))
                waiting |= {file for file in files if file not in closure}
    return closure


@cache
def _owners() -> Mapping[str, list[str]]:
    return packages_distributions()


# Imports


def harness_imports(path: Path) -> set[str]:
    """The harness modules that a source file imports, under the names that they have now."""
    modules = set()
    for name in imported(path):
        if is_harness(name):
            name = _home(new_path(name) or name)
            modules |= {name} if harness_file(name).is_file() else set()
    return modules


def _home(name: str) -> str:
    """The module of a name that the harness offers in public, as ``wsss_harness.Sample``."""
    return _public().get(name, name)


@cache
def _public() -> Mapping[str, str]:
    tree = ast.parse((ROOT / "__init__.pyi").read_bytes())
    nodes = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return {
        f"{HARNESS}.{alias.name}": f"{HARNESS}.{node.module}"
        for node in nodes
        for alias in node.names
    }


def imported(path: Path) -> set[str]:
    """The names that a source file imports when it runs, wherever in it: ``a.b``, ``a.b.c``.

    Of ``from a.b import c`` both are given, since c may be a module. What stands under
    ``if TYPE_CHECKING`` never runs. Relative imports stay in a package, which counts as a whole.
    """
    return set(_names(ast.parse(path.read_bytes()).body))


def _names(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and _is_type_checking(node.test):
            yield from _names(node.orelse)
        elif isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _names(ast.iter_child_nodes(node))


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )
