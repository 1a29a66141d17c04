"""The command in a process of its own, on the small suite; and what runs leave in a store."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import small_suite

from wsss_harness.store.manifest import MANIFEST

PLUGIN = Path(small_suite.__file__).with_name("small_plugin.py")
# No plugin there needs torch, so no process has to import it to look for a GPU.
SMALL = {"WSSS_PLUGIN_PATH": str(PLUGIN), "CUDA_VISIBLE_DEVICES": ""}


def command(folder, *words, executor="local", stdout=subprocess.PIPE, **changes):
    """Start `wsss run` in a folder, with processes that can be killed together.

    A run whose pipe is full waits: give another ``stdout`` where nobody reads its events.
    """
    (folder / "small.json").write_text(json.dumps(small_suite.content(**changes)))
    run = ("run", "small.json", "--executor", executor, "--events", *words)
    return subprocess.Popen(
        [sys.executable, "-m", "wsss_harness", *run],
        cwd=folder,
        env={**os.environ, **SMALL},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def output_of(*words, seconds=3000):
    """What a command prints that finds the modules of this folder; it must succeed."""
    paths = [str(PLUGIN.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [str(word) for word in words],
        env={**os.environ, **SMALL, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def events_of(process):
    """The events that a command told, and its errors, once it has ended."""
    out, err = process.communicate(timeout=600)
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")], err


def products(store):
    """The bytes of all files that stages have made."""
    paths = store.glob(f"*/*/{MANIFEST}")
    manifests = {path.parent: json.loads(path.read_text()) for path in paths}
    return {
        str((folder / name).relative_to(store)): (folder / name).read_bytes()
        for folder, manifest in manifests.items()
        for name in manifest["files"]
    }


def wait_for(condition, seconds=300):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.1)
