"""Cache keys follow from the code that a stage runs: its own, and all that it imports."""

import importlib
import json
import os
import subprocess
import sys
from dataclasses import make_dataclass
from functools import lru_cache, partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import source_keys

from wsss_harness.contract.errors import StageError
from wsss_harness.contract.hookspecs import Metric
from wsss_harness.stages.fitting import FitGenerator
from wsss_harness.store import imports, source_digest
from wsss_harness.store.source_digest import by_package, code_of

CACHED = (
    source_digest._closure,
    source_digest._imported_units,
    source_digest._loaded_digest,
    source_digest._files,
    source_digest._plugin_packages,
)
PLUGIN = "class Method:\n    def run(self, work):\n        pass\n"


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Writes files of plugins and gives the digest of one, as if the process had just begun."""
    monkeypatch.syspath_prepend(tmp_path)

    def digest(module, **files):
        for name, text in files.items():
            path = tmp_path / f"{name.replace('___', '/')}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        importlib.invalidate_caches()
        source_keys.forget(*CACHED)
        return code_of(importlib.import_module(module).Method())[module]

    yield digest
    for name in [name for name in sys.modules if name.startswith("keyed_")]:
        del sys.modules[name]


def test_every_file_of_a_plugin_package_counts(plugin):
    before = plugin(
        "keyed_package", keyed_package_____init__=PLUGIN, keyed_package___loss="W = 1\n"
    )
    assert plugin("keyed_package", keyed_package___loss="W = 2\n") != before


def test_all_modules_and_packages_beside_a_plugin_module_count(plugin):
    source = f"import keyed_helper\nBY_NAME = ('keyed_other', 'keyed_nested.one')\n{PLUGIN}"
    digests = [
        plugin("keyed_lone", keyed_lone=source, keyed_helper="F = 1\n"),
        plugin("keyed_lone", keyed_helper="F = 2\n"),
        plugin("keyed_lone", keyed_other="G = 1\n"),
        plugin("keyed_lone", keyed_other="G = 2\n"),
        plugin("keyed_lone", keyed_nested_____init__="", keyed_nested___one="H = 1\n"),
        plugin("keyed_lone", keyed_nested___one="H = 2\n"),
    ]
    assert len(set(digests)) == len(digests)


def test_tests_and_other_folders_beside_a_plugin_module_do_not_count(plugin):
    before = plugin("keyed_calm", keyed_calm=PLUGIN)
    assert plugin("keyed_calm", test_keyed="F = 1\n", keyed_folder___one="G = 1\n") == before


def test_imports_of_a_package_beside_a_plugin_count(plugin):
    before = plugin(
        "keyed_deep",
        keyed_deep=f"import keyed_beside\n{PLUGIN}",
        keyed_beside_____init__="",
        keyed_beside___one="import keyed_far\n",
        keyed_far="F = 1\n",
    )
    assert plugin("keyed_deep", keyed_far="F = 2\n") != before


def test_other_distributions_in_the_folder_of_a_plugin_do_not_count(plugin, monkeypatch):
    owners = {"keyed_mine": ["mine"], "keyed_library": ["theirs"]}
    monkeypatch.setattr(source_digest, "_owners", lambda: owners)
    source = f"import json\nimport keyed_library\n{PLUGIN}"
    before = plugin("keyed_mine", keyed_mine=source, keyed_library="F = 1\n")
    assert plugin("keyed_mine", keyed_library="F = 2\n") == before


@pytest.mark.parametrize(
    ("source", "home"),
    [
        ("from wsss_harness import Sample", "wsss_harness.contract.types"),
        ("from wsss_harness.types import Sample", "wsss_harness.contract.types"),
        ("import wsss_harness as wsss", "wsss_harness.networks.training.loop"),
        ("from wsss_harness import *", "wsss_harness.networks.training.loop"),
        ("def f():\n    from wsss_harness.system import files", "wsss_harness.system.files"),
        ("try:\n    import wsss_harness.system.files\nexcept E:\n    pass", "wsss_harness.system"),
    ],
)
def test_what_a_plugin_imports_of_the_harness_counts(plugin, tmp_path, source, home):
    plugin("keyed_user", keyed_user=f"{source}\n{PLUGIN}".replace("except E", "except ImportError"))
    assert home in code_of(sys.modules["keyed_user"].Method())


def test_imports_for_type_checkers_do_not_count(tmp_path):
    path = tmp_path / "typed.py"
    path.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import torch\nelse:\n    import json\n"
    )
    assert imports.imported(path) == {"typing", "typing.TYPE_CHECKING", "json"}


def test_the_code_of_a_body_is_that_of_all_objects_it_holds(plugin):
    plugin("keyed_held", keyed_held=PLUGIN)
    held = sys.modules["keyed_held"].Method()
    for body in (partial(print, held), partial(print, at=[{"here": held}]), held.run):
        assert "keyed_held" in code_of(body)


def test_records_hold_one_digest_for_each_package():
    code = {"wsss_harness.stages.masks": "1", "wsss_harness.stages.scoring": "2", "wsss_eps": "3"}
    packages = by_package(code)
    assert set(packages) == {"wsss_harness.stages", "wsss_eps"}
    edited = by_package({**code, "wsss_harness.stages.scoring": "4"})
    assert edited["wsss_eps"] == packages["wsss_eps"]
    assert edited["wsss_harness.stages"] != packages["wsss_harness.stages"]


def test_an_object_without_a_source_is_refused(plugin):
    plugin("keyed_gone", keyed_gone=PLUGIN)
    method = sys.modules["keyed_gone"].Method()
    Path(sys.modules["keyed_gone"].__file__).unlink()
    source_keys.forget(*CACHED)
    with pytest.raises(StageError, match="source of keyed_gone cannot be found"):
        code_of(method)


def test_a_key_holds_the_source_that_the_process_loaded_not_a_later_edit(plugin, tmp_path):
    plugin("keyed_edited", keyed_edited=PLUGIN)
    first = code_of(sys.modules["keyed_edited"].Method())
    (tmp_path / "keyed_edited.py").write_text(f"{PLUGIN}# edited\n")
    source_digest._closure.cache_clear()
    second = code_of(partial(print, sys.modules["keyed_edited"].Method()))
    assert second["keyed_edited"] == first["keyed_edited"]
    with pytest.raises(StageError, match="source of keyed_edited changed"):
        source_digest.refuse_changed(second)


@pytest.mark.parametrize("wrap", [lru_cache, np.vectorize, lambda function: partial(function, 1)])
def test_a_function_of_a_plugin_counts_in_a_wrapper_too(plugin, wrap):
    plugin("keyed_wrapped", keyed_wrapped=f"{PLUGIN}def count(truth):\n    return 1\n")
    metric = Metric(wrap(sys.modules["keyed_wrapped"].count), print)
    code = code_of(metric)
    assert "keyed_wrapped" in code
    assert not any(name.startswith("numpy") for name in code)


def test_a_plugin_that_another_plugin_inherits_from_counts(plugin, monkeypatch):
    plugin("keyed_base", keyed_base=PLUGIN)
    monkeypatch.setattr(source_digest, "_plugin_packages", lambda: {"keyed_base"})
    derived = type("Derived", (sys.modules["keyed_base"].Method,), {"__module__": "source_keys"})
    assert set(source_digest.modules_of(derived())) == {"source_keys", "keyed_base"}


def test_files_that_are_not_python_import_nothing_and_editors_locks_do_not_count(plugin, tmp_path):
    before = plugin("keyed_odd", keyed_odd_____init__=PLUGIN, keyed_odd___old="print 'two'\n")
    (tmp_path / "keyed_odd" / ".#loss.py").symlink_to("nowhere")
    assert plugin("keyed_odd") == before
    assert plugin("keyed_odd", keyed_odd___old="print 'three'\n") != before


def test_all_files_of_a_namespace_package_count(plugin):
    before = plugin("keyed_space.one", keyed_space___one=PLUGIN, keyed_space___two="F = 1\n")
    assert plugin("keyed_space.one", keyed_space___two="F = 2\n") != before


def test_a_class_without_a_module_is_refused():
    without_module = make_dataclass("Made", [])()
    with pytest.raises(StageError, match=r"Made does not say which module.*pass module="):
        code_of(without_module)


def test_two_plugins_with_helpers_of_one_name_are_refused(plugin, tmp_path):
    plugin("keyed_first", keyed_first=f"import keyed_common\n{PLUGIN}", keyed_common="F = 1\n")
    second = tmp_path / "second"
    second.mkdir()
    (second / "keyed_second.py").write_text(f"import keyed_common\n{PLUGIN}")
    (second / "keyed_common.py").write_text("F = 2\n")
    sys.path.insert(0, str(second))
    sys.modules["keyed_second"] = importlib.import_module("keyed_second")
    sys.path.remove(str(second))
    with pytest.raises(StageError, match=r"has the name of another module that is loaded.*rename"):
        code_of(sys.modules["keyed_second"].Method())


def test_a_leftover_folder_does_not_hide_the_module_of_its_name(tmp_path, monkeypatch):
    monkeypatch.setattr(imports, "ROOT", tmp_path)
    (tmp_path / "moved.py").write_text("")
    (tmp_path / "moved" / "__pycache__").mkdir(parents=True)
    assert imports.harness_file("wsss_harness.moved") == tmp_path / "moved.py"


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copy")
    return folder, source_keys.copy_of_the_sources(folder)


def changed_by(copied, files):
    """For each file of the copy, the stages whose keys an edit of it changes."""
    folder, paths = copied
    done = subprocess.run(
        [sys.executable, source_keys.__file__, *(str(folder / name) for name in files)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    edits = json.loads(done.stdout)
    return {str(Path(name).relative_to(folder)): set(titles) for name, titles in edits.items()}


CAM = {"fit cam", "score cam", "curve cam", "mask cam", "measure cam"}
V1 = {"segment V1", "predict V1", "measure V1"}
AFFINITY = {f"{kind} eps+affinity" for kind in ("fit", "refine", "curve", "mask", "measure")} | {
    "explain eps+affinity"
}
EPS = {"fit eps", "score eps"}
SCORED = {*CAM, *V1, *AFFINITY, *EPS}
EDITS = {
    "harness/wsss_harness/cli/plan_tree.py": set(),
    "harness/wsss_harness/execution/scheduler.py": set(),
    "leaderboard/wsss_leaderboard/site/build.py": set(),
    "plugins/eps/wsss_eps/loss.py": EPS | AFFINITY,
    "plugins/affinity/wsss_affinity/inference.py": AFFINITY,
    "harness/wsss_harness/networks/affinity/walk.py": AFFINITY,
    "harness/wsss_harness/networks/segmentors/networks.py": V1,
    "harness/wsss_harness/networks/classmaps/augment.py": {"pretrain icons", *SCORED},
    "harness/wsss_harness/stages/thresholds.py": {
        *("curve cam", "curve eps+affinity", "mask eps+affinity", "measure eps+affinity")
    },
    "harness/wsss_harness/stages/background_rules.py": {
        *("mask cam", "measure cam", "mask eps+affinity", "measure eps+affinity", *V1)
    },
    "harness/wsss_harness/stages/stage_data.py": {
        *("data railscenes", "data icons", "pretrain icons", *SCORED)
    },
}


# By the suite of these tests, which has no texts, regions, limits, mask refiners and environments.
UNUSED = {
    "bounds",
    "context_words",
    "elsewhere",
    "limited",
    "refining_masks",
    "superpixels",
    "texts",
}


def test_an_edit_changes_the_keys_of_the_stages_that_run_it_and_of_no_other(copied):
    assert changed_by(copied, EDITS) == EDITS


@pytest.mark.slow
def test_only_modules_that_no_stage_runs_change_no_key(copied):
    """Each module of the copy is edited; those of commands, execution and pages decide nothing."""
    folder, _ = copied
    files = [path for path in folder.rglob("*.py") if "configs" not in path.parts]
    edits = changed_by(copied, [str(path.relative_to(folder)) for path in files])
    idle = {"cli", "execution", "leaderboard", "suite", "testing"}
    for name, titles in edits.items():
        if idle & set(Path(name).parts[:4]):
            assert not titles, name
    stages = {Path(name): titles for name, titles in edits.items() if "/stages/" in name}
    assert {path.stem for path, titles in stages.items() if not titles} == UNUSED


def test_all_code_that_a_stage_runs_is_in_its_key(tmp_path):
    """Runs each stage, and compares the functions that are called with the code in its key."""
    harness = imports.ROOT
    plugins = Path(source_keys.ROOT) / "plugins"
    for stage, files in source_keys.run_stages(tmp_path):
        counted = {imports.harness_file(name) for name in code_of(stage.body)}
        ran = {Path(name) for name in files if Path(name).is_relative_to(harness)}
        assert ran <= counted, stage.title
        families = {
            Path(name).relative_to(plugins).parts[1]
            for name in files
            if plugins in Path(name).parents
        }
        assert families <= set(code_of(stage.body)), stage.title


def test_a_package_that_a_neighbour_imports_counts_before_it_is_loaded(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "never_loaded").mkdir()
    (tmp_path / "never_loaded/__init__.py").write_text("VALUE = 1\n")
    assert source_digest._files("never_loaded") == (tmp_path / "never_loaded/__init__.py",)
    with pytest.raises(StageError, match="source of nowhere_at_all cannot be found"):
        source_digest._files("nowhere_at_all")


def test_libraries_are_those_of_plugins_and_of_the_networks_they_use():
    from wsss_eps import Eps

    libraries = source_digest.libraries_of(FitGenerator(Eps(), None))
    assert libraries["torch"] == version("torch")
    assert libraries["numpy"] == version("numpy")
    assert not {"pydantic", "psutil"} & libraries.keys()
