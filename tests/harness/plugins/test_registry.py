"""Plugins are found by name; a broken one is set aside and never breaks the command."""

import os
import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from wsss_harness.contract.errors import ConfigError, PluginError
from wsss_harness.contract.hookspecs import CONTRACT, StageEvent, hookimpl
from wsss_harness.plugins.options import construct
from wsss_harness.plugins.registry import installed, load
from wsss_harness.plugins.scaffold import distribution
from wsss_harness.system.limits import LimitSignal
from wsss_harness.system.write_guard import writing_below

THIRD_PARTY = Path(__file__).parents[2] / "third_party"


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A function that writes a module and gives its entry point."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
        return EntryPoint(name, name, "wsss")

    return write


GENERATOR = """
from wsss_harness import hookimpl
class Method:
    needs = ()
@hookimpl
def wsss_generators():
    return {{"{name}": Method}}
"""


def test_in_tree_plugins_are_announced_like_any_other():
    offers = installed().offers["generator"]
    assert {"cam", "eps"} <= set(offers)
    assert offers["eps"].plugin == "eps"
    assert not installed().broken


def test_what_a_plugin_offers_is_found(plugin):
    plugins = load((plugin("wsss_good", GENERATOR.format(name="good")),))
    assert plugins.find("generator", "good").plugin == "wsss_good"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import no_such_module_at_all", "No module named 'no_such_module_at_all'"),
        ("x = 1", "announces nothing"),
        ("1 / 0", "division by zero"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        (GENERATOR.format(name="x").replace("wsss_generators", "wsss_generator"), "wsss_generator"),
        (GENERATOR.format(name="x").replace("generators()", "generators(pm)"), "pm"),
        (GENERATOR.format(name="x").replace("return", "raise ValueError #"), "ValueError"),
        (GENERATOR.format(name="x").replace("()", "('truth',)", 1), "declares 'truth'"),
        (GENERATOR.format(name="x").replace("needs = ()", "pass"), "must declare its supervision"),
    ],
)
def test_a_broken_plugin_is_set_aside_with_its_traceback(plugin, text, reason):
    good = plugin("wsss_good", GENERATOR.format(name="good"))
    plugins = load((plugin("wsss_bad", text), good))
    assert [broken.name for broken in plugins.broken] == ["wsss_bad"]
    assert reason in plugins.broken[0].reason
    assert "good" in plugins.offers["generator"]
    with pytest.raises(ConfigError, match="Set aside as broken: wsss_bad"):
        plugins.find("generator", "bad")


def test_a_plugin_without_its_extra_is_set_aside_with_the_line_that_installs_it(plugin):
    text = "from wsss_harness import require_extra\nrequire_extra('no_such', 'vit', 'the plugin')"
    (set_aside,) = load((plugin("wsss_needy", text),)).broken
    assert set_aside.optional
    assert "pip install 'wsss-bench[vit]'" in set_aside.reason
    assert not set_aside.traceback


def test_an_unknown_name_lists_what_is_installed():
    with pytest.raises(ConfigError, match=r"no generator is named 'epss'; did you mean 'eps'\?"):
        installed().find("generator", "epss")


def test_of_two_offers_of_one_name_the_first_has_it(plugin):
    twins = tuple(plugin(name, GENERATOR.format(name="same")) for name in ("wsss_a", "wsss_b"))
    plugins = load(twins)
    assert plugins.find("generator", "same").plugin == "wsss_a"
    assert re.search(
        r"generator named 'same', which wsss_a .* rename it, or uninstall", plugins.broken[0].reason
    )


def test_nobody_can_take_the_name_of_a_built_in_method(plugin):
    plugins = load(
        (
            plugin(
                "wsss_taker",
                GENERATOR.format(name="x")
                .replace("generators", "datasets")
                .replace('"x"', '"railscenes"'),
            ),
        )
    )
    assert plugins.find("dataset", "railscenes").plugin == "built in"
    assert "railscenes" in plugins.broken[0].reason


def test_a_plugin_for_another_contract_says_so(plugin):
    old = plugin("wsss_old", f"wsss_contract = {CONTRACT + 1}" + GENERATOR.format(name="old"))
    same = plugin("wsss_same", f"wsss_contract = {CONTRACT}" + GENERATOR.format(name="same"))
    plugins = load((old, same))
    assert "same" in plugins.offers["generator"]
    assert re.search(
        rf"contract {CONTRACT + 1}; .* has contract {CONTRACT}: install", plugins.broken[0].reason
    )


def test_an_observer_that_fails_is_not_called_again(plugin, capfd):
    kinds = []

    class Good:
        @hookimpl
        def wsss_stage_event(self, event):
            kinds.append(event.kind)

    class Bad:
        @hookimpl
        def wsss_stage_event(self):
            raise ValueError("no")

    plugins = load(())
    plugins.manager.register(Good(), name="good")
    plugins.manager.register(Bad(), name="bad")
    for kind in ("started", "finished"):
        plugins.tell(StageEvent(kind, "fit"))
    assert kinds == ["started", "finished"]
    output = capfd.readouterr().err
    assert output.count("the observer 'bad' failed and is not called again: ValueError: no") == 1


def test_a_limit_that_is_reached_while_an_observer_is_told_is_not_its_fault():
    class Slow:
        @hookimpl
        def wsss_stage_event(self, event):
            raise LimitSignal

    plugins = load(())
    plugins.manager.register(Slow(), name="slow")
    with pytest.raises(LimitSignal):
        plugins.tell(StageEvent("started", "fit"))


BUILT = """
from __future__ import annotations
from dataclasses import dataclass
from typing import TYPE_CHECKING
from wsss_harness import hookimpl
if TYPE_CHECKING:
    from pathlib import Path

@dataclass(frozen=True)
class Method:
    needs = ()
    size: int = 1
    def fit(self, data, run): ...
    def load(self, folder, device): ...

@hookimpl
def wsss_generators():
    return {"built": Method}
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("@dataclass(frozen=True)\n", "", "is no dataclass; decorate its class"),
        ('"built": Method', '"built": Method()', "is no dataclass; .* announce the class, not an"),
        ("size: int", "size: Path", "cannot be built: NameError: .*looked up at run time"),
        ("fit(self, data, run)", "fit(self, data)", r"cannot be called as fit\(data, run\)"),
        ("def load", "def lode", r"has no method load\(folder, device\)"),
    ],
)
def test_a_class_that_cannot_work_is_named_before_anything_runs(plugin, old, new, message):
    assert old in BUILT
    plugins = load((plugin("wsss_built", BUILT.replace(old, new)),))
    with pytest.raises(PluginError, match=rf"generator 'built'.*{message}"):
        plugins.build("generator", "built", {"size": 1} if "Path" in new else {})


def test_a_class_that_can_work_is_built(plugin):
    plugins = load((plugin("wsss_built", BUILT),))
    assert plugins.build("generator", "built", {"size": 3}).size == 3


def test_a_hook_that_gives_a_list_says_what_it_should_give(plugin):
    text = GENERATOR.format(name="x").replace('{"x": Method}', "[Method]")
    (broken,) = load((plugin("wsss_list", text),)).broken
    assert "its wsss_generators returned list; return a dict" in broken.reason


def test_a_name_that_was_set_aside_comes_with_the_reason(plugin):
    plugins = load((plugin("wsss_bad", "raise RuntimeError('no licence')"),))
    with pytest.raises(ConfigError, match=r"Set aside as broken: wsss_bad \(RuntimeError: no lic"):
        plugins.find("generator", "mine")


def test_an_observer_may_write_a_log_into_the_store(tmp_path):
    class Logs:
        @hookimpl
        def wsss_stage_event(self, event):
            with (tmp_path / "events.log").open("a") as log:
                log.write(event.kind + "\n")

    plugins = load(())
    plugins.manager.register(Logs(), name="logs")
    with writing_below(tmp_path / "fit" / "one", tmp_path):
        plugins.tell(StageEvent("started", "fit"))
    assert (tmp_path / "events.log").read_text() == "started\n"


def test_an_observer_that_fails_with_an_error_of_ours_is_left_out_too(capfd):
    class Bad:
        @hookimpl
        def wsss_stage_event(self, event):
            raise ConfigError("mine")

    plugins = load(())
    plugins.manager.register(Bad(), name="bad")
    plugins.tell(StageEvent("started", "fit"))
    assert "ConfigError: mine" in capfd.readouterr().err


def test_a_second_plugin_of_one_name_leaves_the_first_alone(plugin):
    first = plugin("wsss_first", GENERATOR.format(name="first"))
    plugin("wsss_second", GENERATOR.format(name="second"))
    second = EntryPoint(first.name, "wsss_second", "wsss")
    plugins = load((first, second))
    assert "first" in plugins.offers["generator"]
    assert plugins.manager.has_plugin(first.name)
    assert f"another plugin is named '{first.name}' already" in plugins.broken[0].reason


# Plugins without a distribution


@pytest.fixture
def by_environment(tmp_path, monkeypatch):
    """A function that writes a module, names it in the environment, and loads what is installed."""
    monkeypatch.setattr(sys, "path", list(sys.path))

    def install(name, text):
        path = tmp_path / f"{name}.py"
        if text:
            path.write_text(text)
        monkeypatch.setenv("WSSS_PLUGIN_PATH", str(path))
        return installed.__wrapped__()

    yield install
    for name in ("wsss_by_path", "tomllib"):
        if str(tmp_path) in str(getattr(sys.modules.get(name), "__file__", "")):
            del sys.modules[name]


def test_a_module_is_loaded_from_its_path(by_environment, tmp_path):
    plugins = by_environment("wsss_by_path", GENERATOR.format(name="near"))
    assert plugins.find("generator", "near").distribution == str(tmp_path / "wsss_by_path.py")
    assert {"cam", "eps"} <= set(plugins.offers["generator"])


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("missing", "", "which is not a file"),
        ("tomllib", "x = 1", "has the name of another module"),
        ("wsss_by_path", "x = 1", "announces nothing"),
    ],
)
def test_a_path_that_is_no_plugin_is_set_aside(by_environment, name, text, reason):
    plugins = by_environment(name, text)
    assert [broken.name for broken in plugins.broken] == [name]
    assert reason in plugins.broken[0].reason


def test_outside_plugins_can_be_left_out(by_environment, monkeypatch):
    monkeypatch.setenv("WSSS_OUTSIDE_PLUGINS", "off")
    plugins = by_environment("wsss_by_path", "raise SystemExit")
    assert not plugins.broken
    assert {"cam", "eps"} <= set(plugins.offers["generator"])
    monkeypatch.setenv("WSSS_OUTSIDE_PLUGINS", "no")
    with pytest.raises(ConfigError, match="WSSS_OUTSIDE_PLUGINS is 'no'; set it to on or off"):
        installed.__wrapped__()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tao": 0.4}, r"generator 'eps' has no option 'tao'; did you mean 'tau'"),
        ({"tau": "high"}, r"option 'tau' of generator 'eps' is 'high'; expected"),
        ({"iterations": "600"}, r"option 'iterations' of generator 'eps' is '600'; expected"),
        ({"iterations": 0.5}, r"option 'iterations' of generator 'eps' is 0.5; expected"),
        ({"tau": True}, r"option 'tau' of generator 'eps' is True; expected"),
    ],
)
def test_wrong_options_are_named(options, message):
    eps = installed().find("generator", "eps").announced
    with pytest.raises(ConfigError, match=message):
        construct("generator 'eps'", eps, options)


@pytest.mark.parametrize(("option", "value"), [("train", 2012), ("scored", 1464), ("train", 1.5)])
def test_a_name_that_looks_like_a_number_is_told_to_be_quoted(option, value):
    options = {"root": ".", option: value}
    with pytest.raises(ConfigError, match=rf'expected .*: {option} = "{value}", or --set'):
        installed().build("dataset", "voc_folder", options)


def test_a_missing_option_is_named():
    with pytest.raises(ConfigError, match="dataset 'voc_folder' needs the option 'root'"):
        installed().build("dataset", "voc_folder", {})


@pytest.mark.slow
def test_an_outside_plugin_installs_is_found_and_passes_its_tests(tmp_path):
    """A stranger's distribution, installed as pip would: the example of the documentation."""
    install = ("pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation")
    run_module(*install, "--target", str(tmp_path), str(THIRD_PARTY))
    script = (
        "from wsss_harness.plugins.registry import installed\n"
        "print(installed().find('generator', 'colours').distribution)\n"
    )
    (tmp_path / "find.py").write_text(script)
    assert run_module("find", path=tmp_path).strip() == "wsss-colours 0.1"
    own = str(THIRD_PARTY / "tests" / "check_colours.py")
    assert "2 passed" in run_module("pytest", "-p", "no:cacheprovider", own, path=tmp_path)


def run_module(*words, path=""):
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=THIRD_PARTY,
        env={**os.environ, "PYTHONPATH": str(path)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_suite_of_the_example_is_that_of_a_new_plugin():
    """But for the initial weights, which it has no use for."""
    written = dict(distribution("colours", "generator"))["colours.toml"]
    expected = written.replace('name = "colours"\nweights = "icons"\n', 'name = "colours"\n')
    assert (THIRD_PARTY / "colours.toml").read_text() == expected
