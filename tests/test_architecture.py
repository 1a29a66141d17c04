"""Who may import whom, and what the command must not import before it is needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLUGINS = sorted((ROOT / "plugins").glob("*/wsss_*"))
HEAVY = {"torch", "torchvision", "mmengine", "mmseg", "mmcv", "matplotlib", "cv2", "scipy"}


def imported(path):
    """The top-level packages that a source file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def imports_of(package):
    return {name for path in package.rglob("*.py") for name in imported(path)}


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_imports_the_harness_and_no_other_plugin(plugin):
    ours = {name for name in imports_of(plugin) if name.startswith("wsss_")}
    assert ours <= {"wsss_harness", plugin.name}


def test_the_harness_imports_no_plugin():
    """Only the command knows the leaderboard, whose tables it prints."""
    plugins = {plugin.name for plugin in PLUGINS}
    harness = ROOT / "harness" / "wsss_harness"
    assert not imports_of(harness) & plugins
    users = {p.name for p in harness.rglob("*.py") if "wsss_leaderboard" in set(imported(p))}
    assert users <= {"app.py"}


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


def test_no_commit_names_a_machine_or_a_registry():
    """The project speaks of itself alone."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    words = ["/ho" + "me/", "/wo" + "rk/", "/tm" + "p/", "pypi" + ".org", "pythonhosted" + ".org"]
    for name in tracked.stdout.split():
        content = (ROOT / name).read_bytes()
        if (ROOT / name).suffix in (".npz", ".png"):
            continue
        assert not [word for word in words if word.encode() in content], name
