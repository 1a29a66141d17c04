"""Functions that run in another interpreter: what comes back, and what may go wrong."""

import json
import os
import platform
import sys
from contextlib import closing
from pathlib import Path, PurePosixPath

import pytest
from environments import interpreter

from wsss_harness.contract.errors import DataError, StageError, WorkerDied
from wsss_harness.system.files import read_json
from wsss_harness.system.interpreters import Interpreter, ending, packed, unpacked


@pytest.fixture
def started(tmp_path):
    with (tmp_path / "log.txt").open("w+b") as log, closing(Interpreter(sys.executable, log)) as it:
        yield it


def test_functions_run_in_a_process_of_their_own(started):
    assert started.call(platform.python_version) == platform.python_version()
    pid = started.call(os.getpid)
    assert pid != os.getpid()
    assert started.call(os.getpid) == pid
    assert started.alive


def test_errors_come_back_as_this_side_knows_them(started, tmp_path):
    with pytest.raises(ValueError, match="invalid literal"):
        started.call(int, "x")
    with pytest.raises(DataError, match=r"none\.json is missing"):
        started.call(read_json, tmp_path / "none.json")
    with pytest.raises(StageError, match=r"JSONDecodeError: Expecting value"):
        started.call(json.loads, "x")
    assert "JSONDecodeError" in (tmp_path / "log.txt").read_text()
    assert started.call(int, "7") == 7


def test_process_that_ends_is_named(started):
    with pytest.raises(WorkerDied, match="exit code 3"):
        started.call(os._exit, 3)
    assert not started.alive


def test_what_is_printed_is_no_reply(tmp_path):
    python = interpreter(tmp_path / "python")
    python.write_text(python.read_text().replace("\n", "\necho loading modules\n", 1))
    with (tmp_path / "log.txt").open("w+b") as log, closing(Interpreter(str(python), log)) as noisy:
        assert noisy.call(print, "hello") is None
        assert noisy.call(int, "7") == 7
    assert "hello" in (tmp_path / "log.txt").read_text()


def test_paths_are_packed_without_the_module_of_their_class():
    """Python 3.13 has it in a module that others lack."""
    content = packed([Path("a/b"), {"c": PurePosixPath("d")}, Path])
    assert b"pathlib" not in content
    assert unpacked(content) == [Path("a/b"), {"c": Path("d")}, Path]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (0, "exit code 0, though"),
        (3, "exit code 3, though"),
        (-9, "was killed, perhaps because memory ran out"),
        (-11, r"crashed (SIGSEGV); the log"),
    ],
)
def test_message_says_how_a_process_ended(code, message):
    assert message in ending(code)
