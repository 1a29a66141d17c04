"""Which environments a suite gives its methods, before any of them is used."""

import json

import pytest
import small_suite

from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.findings import FAILURE, OK
from wsss_harness.plugins.environments import python_for
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.reading import check_suite, read_suite
from wsss_harness.suite.row_files import missing

R = {"name": "redness"}


def read(folder, overrides=(), **changes):
    path = folder / "small.json"
    path.write_text(json.dumps(small_suite.content(**changes)))
    return read_suite(path, overrides)


def generators(environment, **others):
    return {"R": {**R, "environment": environment}, "S": {"name": "salient"}, **others}


def test_interpreter_is_relative_to_the_file_of_the_suite(tmp_path):
    suite = read(tmp_path, generators=generators("envs/old/bin/python"))
    environment = suite.generators["R"].environment
    assert environment.name == "envs/old/bin/python"
    assert environment.python == str(tmp_path / "envs/old/bin/python")
    assert suite.generators["S"].environment is None
    assert suite.generators["R"].options == {}


def test_named_environment_is_that_of_its_table(tmp_path):
    (tmp_path / "lock.txt").write_text("olddep==1.0\n")
    tables = {"old": {"python": "/opt/old/python"}, "locked": {"requirements": "lock.txt"}}
    suite = read(
        tmp_path,
        environments=tables,
        generators=generators("old"),
        refiners={"half": {"name": "halved", "environment": "locked"}},
    )
    assert suite.generators["R"].environment.python == "/opt/old/python"
    locked = suite.refiners["half"].environment
    assert locked.python == str(python_for(tmp_path / "lock.txt"))
    assert locked.requirements == str(tmp_path / "lock.txt")
    assert check_suite(suite.model_dump(mode="json"), "again") == suite


def test_override_names_another_interpreter(tmp_path):
    tables = {"old": {"python": "/opt/old/python"}}
    changes = {"environments": tables, "generators": generators("old")}
    suite = read(tmp_path, ["environments.old.python=/opt/new/python"], **changes)
    assert suite.generators["R"].environment.python == "/opt/new/python"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"generators": generators("old")}, r"'R' is 'old'.*there are none"),
        ({"environments": {"old": {}}}, r"environments\.old is {}; expected python"),
        ({"environments": {"old": {"pyhton": "x"}}}, r"environments\.old .* expected python"),
        ({"environments": {"old": {"python": 3}}}, r"environments\.old .* expected python"),
        ({"environments": {"old": {"requirements": "no.txt"}}}, r"there is no file .*no\.txt"),
        ({"environments": 3}, r"expected \[environments\.NAME\]"),
        ({"generators": generators(3)}, r"generators\.R\.environment"),
        (
            {"dataset": {"name": "in_memory", "environment": {"name": "x", "python": "/x"}}},
            "dataset has an environment",
        ),
        (
            {"generators": generators("./x", D={"name": "dimmed", "previous": "R"})},
            "'D' loads 'redness'.* has another environment",
        ),
    ],
)
def test_environment_that_makes_no_sense_is_refused(tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        read(tmp_path, **changes)


def test_missing_environment_stops_only_rows_that_have_it(tmp_path):
    """On another machine, the other rows of the suite can be run alone."""
    content = {"generators": generators("nowhere/python"), "shared": {"value": 0.5}}
    suite = read(tmp_path, **content)
    graph = Graph(suite, small_suite.plugins(), 0)
    assert graph.row(suite.row("S")).masks.key
    with pytest.raises(ConfigError, match="'nowhere/python'"):
        graph.row(suite.row("R"))
    row_r, row_s = missing(suite, small_suite.plugins(), frozenset({"image_labels", "saliency"}))
    assert (row_s.outcome, row_r.outcome) == (OK, FAILURE)
    assert "'nowhere/python'" in row_r.message
