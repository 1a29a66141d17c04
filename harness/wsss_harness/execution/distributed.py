"""Train a stage in several processes, which torchrun starts.

Each process runs the whole stage on its share of every batch; only the first one writes what was
learnt. The batch as a whole stays the same, so the number of processes changes results only by
rounding and by losses that divide by a count of their own share. Trained batch normalisation uses
the whole batch on GPUs, and its share of it on the CPU.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import StageError
from wsss_harness.store.stage import Stage
from wsss_harness.store.work import Work
from wsss_harness.system.files import read_json, write_json
from wsss_harness.system.parallel import cores
from wsss_harness.system.workers import THREADS
from wsss_harness.system.write_guard import suspended

WORKER = "wsss_harness.execution.distributed_worker"


def distribute(stage: Stage, task: Mapping[str, Any], path: Path, processes: int) -> Stage:
    """The stage, made by several processes, which read at ``path`` in ``task`` what to make."""
    note = {**stage.note, "processes": processes}  # on record, since rounding depends on it
    return replace(stage, launch=partial(_launch, task, path, processes), note=note)


def _launch(task: Mapping[str, Any], path: Path, processes: int, work: Work) -> Mapping[str, Any]:
    """Start the processes and wait for them. They end with this one, even if it is killed."""
    error = path.with_suffix(".error")
    with suspended():  # these files of the harness lie outside the stage
        error.unlink(missing_ok=True)
        write_json(path, {**task, "error": str(error)})
    threads = str(max(1, cores() // processes))
    launcher = ["torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    launcher.append(f"--log-dir={path.with_suffix('.logs')}")  # by default a folder that stays
    running = subprocess.Popen(
        [sys.executable, "-m", *launcher, "-m", WORKER, str(path)],
        stdin=subprocess.PIPE,  # closed when this process ends, which the others notice
        stdout=sys.stdout,
        stderr=sys.stderr,
        env={**os.environ, **dict.fromkeys(THREADS, threads)},
    )
    try:
        code = running.wait()
    finally:
        running.kill()
        if running.stdin:
            running.stdin.close()
    if error.is_file():
        raise StageError(read_json(error)["message"])
    if code:
        raise StageError(f"a training process ended with exit code {code}; see the log")
    return {}
