"""A stage that trains in several processes at once, which torchrun starts.

Each process runs the whole stage on its part of every batch; the first one alone writes what was
learnt. The batch stays the whole one, so the number of processes moves a result only by rounding,
and by losses that divide by a count of their own part. Batch normalisation that is trained uses
the whole batch on GPUs, its part on the CPU.

python -m wsss_harness.execution.distributed TASK.json
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import StageError
from wsss_harness.contract.hookspecs import StageEvent
from wsss_harness.store.stage import Stage, Work
from wsss_harness.system.files import read_json, write_json
from wsss_harness.system.parallel import cores
from wsss_harness.system.workers import THREADS
from wsss_harness.system.write_guard import suspended


def spread(stage: Stage, task: Mapping[str, Any], path: Path, processes: int) -> Stage:
    """The stage, made in so many processes; ``task`` names it to them in a file at ``path``."""
    note = {**stage.note, "processes": processes}  # on record, since rounding depends on it
    return replace(stage, make=partial(_launch, task, path, processes), note=note)


def _launch(task: Mapping[str, Any], path: Path, processes: int, work: Work) -> None:
    """Start the processes and wait for them; they end with this one, however it ends."""
    error = path.with_suffix(".error")
    with suspended():  # this is not the plugin's work, and lies outside the stage
        error.unlink(missing_ok=True)
        write_json(path, {**task, "error": str(error)})
    threads = str(max(1, cores() // processes))
    launcher = ["torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    launcher.append(f"--log-dir={path.with_suffix('.logs')}")  # it would leave one in /tmp
    running = subprocess.Popen(
        [sys.executable, "-m", *launcher, "-m", __name__, str(path)],
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


# In the processes that torchrun has started


def main() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    task = read_json(Path(sys.argv[1]))
    try:
        with _group():
            _make(task)
    except Exception as error:
        with contextlib.suppress(FileExistsError), Path(task["error"]).open("x") as file:
            json.dump({"message": f"{type(error).__name__}: {error}"}, file)
        raise


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


@contextlib.contextmanager
def _group() -> Iterator[None]:
    """The process group, made before mmengine does: its own launcher asks for a GPU."""
    import torch
    from torch import distributed

    gpu = torch.cuda.is_available()
    if gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if gpu else "gloo")
    try:
        yield
        distributed.barrier()
    finally:
        distributed.destroy_process_group()


def _make(task: Mapping[str, Any]) -> None:
    from torch import distributed

    from wsss_harness.contract.supervision import Ledger
    from wsss_harness.execution.job import found
    from wsss_harness.execution.status_files import Report
    from wsss_harness.store.manifest import LEDGER
    from wsss_harness.store.store import Store
    from wsss_harness.system import write_guard as guard

    root = Path(task["root"])
    stage = found(task["suite"], task["key"], root)
    report = Report(Path(task["report"]))

    def progress(done: int, total: int) -> None:
        if distributed.get_rank() == 0:
            report(StageEvent("progress", stage.title, done, total))

    store = Store(root, report)
    folder = store.folder(stage)
    inputs = {name: store.folder(needed) for name, needed in stage.inputs.items()}
    with guard.writing_below(folder, root):
        stage.make(Work(folder, inputs, Ledger(folder / LEDGER), progress))


if __name__ == "__main__":
    main()
