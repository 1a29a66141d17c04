"""Other Python environments: which are refused, and how one is made of a file of packages."""

import io
import os
import sys
import zipfile

import pytest
from environments import install, interpreter

from wsss_harness.contract.errors import ConfigError
from wsss_harness.plugins import environments
from wsss_harness.plugins.environments import Environment, python_for, started


def start(python, requirements=None):
    environment = Environment(name="old", python=str(python), requirements=requirements)
    with (python.parent / "log.txt").open("w+b") as log:
        started(environment, log).close()


def test_interpreter_that_is_missing_is_named_with_its_place_in_the_suite(tmp_path):
    with pytest.raises(ConfigError, match=r"'old' .*python.*correct environments\.old\.python"):
        start(tmp_path / "python")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 3", "exit code 3"),
        (f"PYTHONPATH= exec {sys.executable} -S -c 'import wsss_harness'", "No module named"),
    ],
)
def test_interpreter_without_the_harness_is_refused(tmp_path, script, reason):
    python = interpreter(tmp_path / "python")
    python.write_text(f"#!/bin/sh\n{script}\n")
    with pytest.raises(ConfigError, match=rf"'old' .*{reason}.*install wsss-bench"):
        start(python)


def test_harness_of_another_version_is_refused(tmp_path):
    install(tmp_path / "site", "wsss_bench", "99.0", "")
    with pytest.raises(ConfigError, match=r"it has wsss-bench 99\.0 .*; install wsss-bench"):
        start(interpreter(tmp_path / "python", tmp_path / "site"))


def test_harness_of_another_contract_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(environments, "CONTRACT", 99)
    with pytest.raises(ConfigError, match=r"with contract 1; .* has contract 99"):
        start(interpreter(tmp_path / "python"))


# Made of a file of packages


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("WSSS_CACHE", str(tmp_path / "cache"))


def test_each_content_of_the_file_has_an_environment_of_its_own(tmp_path, cache):
    lock = tmp_path / "lock.txt"
    lock.write_text("olddep==1.0\n")
    before = python_for(lock)
    lock.write_text("olddep==1.1\n")
    assert python_for(lock) != before
    with pytest.raises(ConfigError, match=r"lock\.txt was changed or removed"):
        environments._make(Environment(name="old", python=str(before)), lock)


@pytest.mark.slow
def test_packages_that_cannot_be_installed_are_named_and_tried_again(tmp_path, cache):
    lock = tmp_path / "lock.txt"
    lock.write_text("--no-index\nnot-there==1.0\n")
    environment = Environment(name="old", python=str(python_for(lock)), requirements=str(lock))
    for _ in range(2):
        with pytest.raises(
            ConfigError, match=r"'old' .*not-there==1\.0.*environments\.old\.python"
        ):
            started(environment, io.BytesIO())


@pytest.mark.slow
def test_environment_is_made_once_of_a_file_of_packages(tmp_path, cache, monkeypatch, capsys):
    wheel = tmp_path / "olddep-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("olddep.py", "")
        info = "olddep-1.0.dist-info"
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: olddep\nVersion: 1.0\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
    lock = tmp_path / "lock.txt"
    lock.write_text(f"--no-index\n{wheel}\n")
    environment = Environment(name="old", python=str(python_for(lock)), requirements=str(lock))
    for _ in range(2):
        with pytest.raises(ConfigError, match="install wsss-bench"), open(os.devnull, "w+b") as log:
            started(environment, log)
    folder = python_for(lock).parents[1]
    assert list(folder.glob("lib/*/site-packages/olddep.py"))
    monkeypatch.setattr(environments, "_run", None)  # nothing is made again
    environments._make(environment, lock)
