"""One of the processes that torchrun starts to train a stage together.

python -m wsss_harness.execution.distributed_worker TASK.json
"""

import contextlib
import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import distributed

from wsss_harness.contract.hookspecs import StageEvent
from wsss_harness.execution.job import rebuild_stage
from wsss_harness.execution.run_stage import work_of
from wsss_harness.execution.status_files import ProgressFile
from wsss_harness.store.store import Store
from wsss_harness.system.files import read_json
from wsss_harness.system.write_guard import writing_below


def main() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    task = read_json(Path(sys.argv[1]))
    try:
        with _process_group():
            _train(task)
    except Exception as error:  # the first process that fails says why
        with contextlib.suppress(FileExistsError), Path(task["error"]).open("x") as file:
            json.dump({"message": f"{type(error).__name__}: {error}"}, file)
        raise


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


@contextlib.contextmanager
def _process_group() -> Iterator[None]:
    """Make the process group before mmengine does: its own launcher asks for a GPU."""
    gpu = torch.cuda.is_available()
    if gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if gpu else "gloo")
    try:
        yield
        distributed.barrier()
    finally:
        distributed.destroy_process_group()


def _train(task: Mapping[str, Any]) -> None:
    store, report = Store(Path(task["root"])), ProgressFile(Path(task["progress_file"]))
    stage = rebuild_stage(task["suite"], task["key"], store.root)

    def progress(done: int, total: int) -> None:
        if distributed.get_rank() == 0:
            report(StageEvent("progress", stage.title, done, total))

    with writing_below(store.folder(stage), store.root):
        stage.make(work_of(stage, store, progress))


if __name__ == "__main__":
    main()
