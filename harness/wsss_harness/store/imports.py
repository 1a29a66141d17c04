"""Which modules a source file imports, read from its text."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from wsss_harness.contract.old_paths import new_path

HARNESS = "wsss_harness"
ROOT = Path(__file__).parents[1]


def outermost(module: str) -> str:
    return module.partition(".")[0]


def is_harness(module: str) -> bool:
    return outermost(module) == HARNESS


def harness_file(module: str) -> Path:
    """The file of a harness module, which need not be loaded or exist."""
    path = ROOT.joinpath(*module.split(".")[1:])
    package = path / "__init__.py"
    return package if package.is_file() else path.with_suffix(".py")


def harness_modules(name: str) -> set[str]:
    """The harness modules behind an imported name, under the names that they have now.

    ``wsss_harness`` alone, or ``wsss_harness.*``, may stand for all names that it offers.
    """
    if name in (HARNESS, f"{HARNESS}.*"):
        return set(_public().values())
    name = new_path(name) or name
    name = _public().get(name, name)
    return {name} if harness_file(name).is_file() else set()


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

    ``from a.b import c`` gives both, since c may be a module; ``from wsss_harness import Sample``
    gives ``wsss_harness.Sample`` alone. Imports under ``if TYPE_CHECKING`` never run. Relative
    imports stay in a plugin, which counts as a whole; the harness has none. A file that is not
    Python imports nothing.
    """
    try:
        return set(_names(ast.parse(path.read_bytes()).body))
    except (SyntaxError, ValueError, OSError):
        return set()


def _names(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from () if node.module == HARNESS else (node.module,)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and _is_type_checking(node.test):
            yield from _names(node.orelse)
        elif isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _names(ast.iter_child_nodes(node))


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )
