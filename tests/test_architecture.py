"""Who may import whom, how large functions are, and what must not be imported at start.

The layers are those of the tables in docs/architecture.md.
"""

import ast
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parents[1]
HARNESS, LEADERBOARD = "wsss_harness", "wsss_leaderboard"
SOURCES = {
    path.name: path
    for folder in ("harness", "leaderboard", "plugins/*")
    for path in sorted(ROOT.glob(f"{folder}/wsss_*"))
}
PLUGINS = sorted(SOURCES.keys() - {HARNESS, LEADERBOARD})
LOOSE = {"__init__", "__main__", "builtin"}  # modules of the harness that are in no package
HEAVY = {"torch", "torchvision", "mmengine", "mmseg", "mmcv", "matplotlib", "cv2", "scipy", "timm"}


def module_name(path, source):
    parts = path.relative_to(source.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path, source): ast.parse(path.read_text())
    for source in SOURCES.values()
    for path in source.rglob("*.py")
}


def imports(tree):
    """The modules of ours that a module imports, in functions and for types as well."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if name in MODULES else node.module for name in names)


IMPORTS = [
    (user, used)
    for user, tree in MODULES.items()
    for used in sorted({name for name in imports(tree) if name in MODULES} - {user})
]


def package(module):
    """The package of the harness or leaderboard that a module is in; otherwise its distribution."""
    top, *rest = module.split(".")
    inside = top in (HARNESS, LEADERBOARD) and rest and rest[0] not in LOOSE
    return f"{top}.{rest[0]}" if inside else top


PACKAGES = sorted({package(module) for module in MODULES})


def layers(distribution):
    """{package: packages that it may import}, from the table of a distribution."""
    page = (ROOT / "docs/architecture.md").read_text()
    title = distribution.removeprefix("wsss_").title()
    section = page.split(f"\n### {title}\n")[1].split("\n#")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line[:1] == "|"]
    below = {}
    for name, _, named in rows[2:]:
        direct = [] if named == "nothing" else named.split(", ")
        below[name] = {name}.union(*(below[lower] for lower in direct))
    return {
        f"{distribution}.{name}": {f"{distribution}.{lower}" for lower in lowers}
        for name, lowers in below.items()
    }


LAYERS = {**layers(HARNESS), **layers(LEADERBOARD)}
OF_PLUGINS = {  # plugins that build on others
    f"wsss_{name.partition('.')[2]}": {f"wsss_{lower.partition('.')[2]}" for lower in lowers}
    for name, lowers in layers("plugins").items()
}


def may_import(user, used):
    """Whether a module of one package may import a module of another."""
    if user == HARNESS:
        return used in LAYERS and used.startswith(HARNESS)
    if user.startswith(LEADERBOARD) and used.startswith(HARNESS):
        return used not in (f"{HARNESS}.cli", f"{HARNESS}.testing") or user.endswith(".cli")
    if user in PLUGINS:
        return used.startswith(HARNESS) or used in OF_PLUGINS.get(user, ())
    return used in LAYERS[user]


@pytest.mark.parametrize("user", PACKAGES)
def test_a_package_imports_only_from_the_layers_below(user):
    wrong = [
        f"{module} imports {used}"
        for module, used in IMPORTS
        if package(module) == user != package(used) and not may_import(user, package(used))
    ]
    assert not wrong


def test_every_package_has_a_row_in_the_table_of_layers():
    assert LAYERS.keys() == {name for name in PACKAGES if "." in name}


@pytest.mark.parametrize("start", PACKAGES)
def test_modules_do_not_import_in_circles(start):
    circles = nx.strongly_connected_components(nx.DiGraph(IMPORTS))
    assert not [
        sorted(circle)
        for circle in circles
        if len(circle) > 1 and any(package(module) == start for module in circle)
    ]


def test_no_module_of_the_harness_is_outside_its_packages():
    assert {path.stem for path in SOURCES[HARNESS].glob("*.py")} == LOOSE
    assert {path.stem for path in SOURCES[LEADERBOARD].glob("*.py")} == {"__init__"}


@pytest.mark.parametrize("distribution", [HARNESS, LEADERBOARD])
def test_tests_are_in_folders_named_as_the_packages(distribution):
    folder = ROOT / "tests" / distribution.removeprefix("wsss_")
    folders = {f"{distribution}.{path.parent.name}" for path in folder.glob("*/test_*.py")}
    assert folders == {name for name in PACKAGES if name.startswith(f"{distribution}.")}


def test_tests_of_plugins_are_in_folders_named_as_the_plugins():
    folders = {f"wsss_{path.parent.name}" for path in (ROOT / "tests/plugins").glob("*/test_*.py")}
    assert folders == set(PLUGINS)


def test_every_distribution_says_that_it_is_typed():
    assert not [name for name, path in SOURCES.items() if not (path / "py.typed").is_file()]


# Sizes in lines, blank ones and docstrings included


def nodes(*kinds):
    for module, tree in MODULES.items():
        for node in ast.walk(tree):
            if isinstance(node, kinds):
                yield f"{module}.{node.name}", node.end_lineno - node.lineno + 1


FUNCTIONS = list(nodes(ast.FunctionDef, ast.AsyncFunctionDef))


def test_most_functions_are_short():
    sizes = sorted(size for _, size in FUNCTIONS)
    assert statistics.median(sizes) <= 8
    assert sizes[int(0.9 * len(sizes))] <= 18


def test_no_function_is_long():
    assert not [(name, size) for name, size in FUNCTIONS if size > 45]


def test_no_class_is_long():
    assert not [(name, size) for name, size in nodes(ast.ClassDef) if size > 150]


def test_no_module_is_long():
    paths = [path for source in SOURCES.values() for path in source.rglob("*.py")]
    sizes = {path.relative_to(ROOT): path.read_text().count("\n") for path in paths}
    assert not {str(path): size for path, size in sizes.items() if size > 300}


def test_no_two_public_classes_have_one_name():
    places = defaultdict(list)
    for module, tree in MODULES.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(module)
    assert not {name: modules for name, modules in places.items() if len(modules) > 1}


# What is loaded at start, and what files must not hold


def loaded_after(statement):
    script = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize(
    "statement",
    [
        "import wsss_leaderboard.cli.app",
        "import wsss_harness.contract.hookspecs, wsss_harness.suite.spec, wsss_harness.store.store",
        "from wsss_harness.plugins.registry import installed; installed()",
    ],
)
def test_nothing_heavy_is_imported_at_start(statement):
    assert not loaded_after(statement) & HEAVY


def test_no_file_names_a_machine_or_a_registry():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    words = ["/ho" + "me/", "/wo" + "rk/", "/tm" + "p/", "pypi" + ".org", "pythonhosted" + ".org"]
    for name in tracked.stdout.split():
        path = ROOT / name
        if path.suffix not in (".npz", ".png") and path.exists():
            assert not [word for word in words if word.encode() in path.read_bytes()], name
