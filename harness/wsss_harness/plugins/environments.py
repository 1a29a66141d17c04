"""Python environments beside this one, each of which has a harness of the same version."""

import contextlib
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import IO

from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.hookspecs import CONTRACT
from wsss_harness.plugins.entries import DISTRIBUTION
from wsss_harness.plugins.registry import installed
from wsss_harness.system import locks
from wsss_harness.system.digests import cache_folder, digest_file
from wsss_harness.system.files import write_text
from wsss_harness.system.interpreters import Interpreter
from wsss_harness.system.models import StrictModel

COMPLETE = "complete.txt"  # in the folder of an environment whose packages are all there


class Environment(StrictModel):
    """``name``: in the suite, the label of its table or the path of its interpreter.

    ``python``: the absolute path of the interpreter. ``requirements``: the file of packages that
    are installed there; without one, somebody has made the environment already.
    """

    name: str
    python: str
    requirements: str | None = None

    @property
    def place(self) -> str:
        """Where the suite says which interpreter it is, as for ``--set``."""
        return f"environments.{self.name}.python"

    def error(self, problem: object) -> str:
        return f"environment '{self.name}' ({self.python}): {problem}"


def python_for(requirements: Path) -> Path:
    """The interpreter of the environment that has the packages in a file, in the cache."""
    folder = cache_folder() / "environments" / digest_file(requirements)
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def started(environment: Environment, log: IO[bytes]) -> Interpreter:
    """A process in an environment, which is made first if it is described by its packages.

    Raises:
        ConfigError: there is no such interpreter, or its harness is not that of this process.
    """
    if environment.requirements is not None:
        _make(environment, Path(environment.requirements))
    try:
        process = Interpreter(environment.python, log)
    except OSError as error:
        problem = f"it cannot be started ({error.strerror}); correct {environment.place}"
        raise ConfigError(environment.error(problem)) from None
    with contextlib.ExitStack() as failing:
        failing.callback(process.close)
        _check_harness(environment, process, log)
        failing.pop_all()
    return process


def harness() -> tuple[str, int]:
    """The version and the contract of the harness in this process, with all its plugins loaded."""
    installed()  # a file of a plugin can be imported only once it is
    return version(DISTRIBUTION), CONTRACT


def _check_harness(environment: Environment, process: Interpreter, log: IO[bytes]) -> None:
    own, contract = harness()
    remedy = f"install {DISTRIBUTION} {own} there, with Python 3.11 or later"
    try:
        there = process.call(harness)
    except Exception as error:  # whatever its interpreter does instead
        reason = _last_line(log) or f"{type(error).__name__}: {error}"
        problem = f"it does not start the harness ({reason}); {remedy}"
        raise ConfigError(environment.error(problem)) from None
    if there != (own, contract):
        problem = f"it has {DISTRIBUTION} {there[0]} with contract {there[1]}; {remedy}"
        raise ConfigError(environment.error(f"{problem}, which has contract {contract}"))


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


# Environments that are made of a file of packages


def _make(environment: Environment, requirements: Path) -> None:
    """Make the environment of a file of packages, unless it is there.

    Raises:
        ConfigError: the file has changed since the suite was read, or pip failed.
    """
    folder = Path(environment.python).parents[1]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locks.exclusive(folder.with_suffix(".lock"), wait=True):
        if (folder / COMPLETE).is_file():
            return
        if not requirements.is_file() or python_for(requirements) != Path(environment.python):
            problem = f"{requirements} was changed or removed since the suite was read; run again"
            raise ConfigError(environment.error(problem))
        say = f"making the environment '{environment.name}' of {requirements}, once"
        print(say, file=sys.__stderr__)
        pip = ("pip", "install", "--disable-pip-version-check", "--no-input")
        _run(environment, sys.executable, "-m", "venv", "--clear", str(folder))
        _run(environment, environment.python, "-m", *pip, "-r", str(requirements))
        write_text(folder / COMPLETE, str(requirements))


def _run(environment: Environment, *command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines() or [f"exit {done.returncode}"]
        said = next((line for line in reversed(lines) if "ERROR" in line), lines[-1])
        problem = (
            f"it could not be made of {environment.requirements}: {said}; correct the file or "
            "connect to the network and run again, or make an environment yourself and name its "
            f"interpreter as {environment.place}"
        )
        raise ConfigError(environment.error(problem))
