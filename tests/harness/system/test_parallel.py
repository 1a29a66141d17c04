"""Images in parallel processes: the same bytes, the same errors, nothing left behind."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import fake_data
import numpy as np
import pytest
from commands import wait_for
from worker_refiners import Alone, Meeting, Shifted

from wsss_harness.contract.errors import DataError, PluginError, StageError, SupervisionError
from wsss_harness.contract.supervision import Ledger
from wsss_harness.contract.types import ClassScores
from wsss_harness.stages import refining
from wsss_harness.stages.products import SCORES
from wsss_harness.store.work import LOG, Work
from wsss_harness.system import parallel
from wsss_harness.system.score_files import write_scores

IMAGES = 18  # of which 12 are in train


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr(parallel, "cores", lambda: 2)


@pytest.fixture
def refine(tmp_path):
    dataset = fake_data.FakeDataset(IMAGES)
    scores = tmp_path / "scores"
    scores.mkdir()
    for image_id in dataset.ids("train"):
        present = dataset.present(image_id)
        values = dataset.rng(image_id).random((len(present), 24, 32), np.float32)
        write_scores(scores / f"{image_id}{SCORES}", ClassScores(present, values))

    def run(name, refiner):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        steps = []
        inputs = {"fit": tmp_path, "scores": scores}
        work = Work(folder, inputs, Ledger(folder / "read"), lambda *step: steps.append(step))
        view = fake_data.view(folder, refiner.needs, dataset)
        try:
            refining.refine(work, refiner, view)
        finally:
            run.folder, run.steps = folder, steps
        return folder, steps

    return run


def files(folder):
    return {path.name: path.read_bytes() for path in folder.glob(f"*{SCORES}")}


def processes(folder):
    """The processes that say in the log that they refined an image, and their threads."""
    lines = (folder / LOG).read_text().splitlines()
    return {tuple(line.split()[3:]) for line in lines if line.startswith("refined")}


def test_parallel_and_serial_runs_write_equal_files(refine, two_cores):
    serial, _ = refine("serial", Alone())
    both, steps = refine("parallel", Shifted())
    assert len(files(both)) == 12
    assert files(both) == files(serial)
    assert steps == [(done, 12) for done in range(13)]
    assert {threads for _, threads in processes(both)} == {"1"}
    assert str(os.getpid()) not in {process for process, _ in processes(both)}


def test_two_processes_work_at_the_same_time(tmp_path):
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    done = []
    ids = [f"image_{i}" for i in range(2 * parallel.FEW)]
    parallel.run(Meeting(str(meeting)), ids, 2, tmp_path / LOG, lambda: done.append(1))
    assert len(done) == len(ids)
    assert len(list(meeting.iterdir())) == 2


def test_workers_check_and_record_supervision(refine, two_cores):
    folder, _ = refine("plain", Shifted())
    assert Ledger(folder / "read").read() == ("image_labels",)
    with pytest.raises(SupervisionError, match=r"read 'saliency' of image image_005"):
        refine("reaching", Shifted("undeclared", ("image_005",)))


@pytest.mark.parametrize("refiner", [Shifted, Alone])
@pytest.mark.parametrize(
    ("trouble", "error", "message"),
    [
        ("data", DataError, "^the map of image_004 is missing$"),
        ("bug", PluginError, "the test failed on image image_004: ZeroDivisionError: nothing"),
    ],
)
def test_error_names_the_first_failed_image(refine, two_cores, refiner, trouble, error, message):
    """Of two errors the first in the order of the images, whichever came first in time."""
    with pytest.raises(error, match=message):
        refine("failed", refiner(trouble, ("image_004", "image_005")))
    kept = files(refine.folder)
    assert {f"image_{i:03d}.scores" for i in range(4)} <= set(kept)
    assert not list(refine.folder.glob("*.part"))
    again, steps = refine("failed", Shifted())
    assert steps[0] == (len(kept), 12)
    assert files(again) == files(refine("whole", Alone())[0])


def test_killed_worker_is_an_error_and_finished_images_are_kept(refine, two_cores):
    with pytest.raises(StageError, match=r"a worker process ended .* run again"):
        refine("killed", Shifted("killed", ("image_009",)))
    assert files(refine.folder)
    again, _ = refine("killed", Shifted())
    assert files(again) == files(refine("whole", Alone())[0])


def test_one_core_or_few_images_start_no_process(refine, monkeypatch):
    monkeypatch.setattr(parallel, "_spread", None)
    monkeypatch.setattr(parallel, "cores", lambda: 1)
    assert len(files(refine("one core", Shifted())[0])) == 12
    monkeypatch.setattr(parallel, "cores", lambda: 8)
    done = []
    few = [f"image_{i}" for i in range(2 * parallel.FEW - 1)]
    parallel.run(lambda: done.append, few, parallel.cores(), Path("log"), lambda: None)
    assert done == few


def test_unpicklable_work_is_done_in_this_process(tmp_path):
    done, ids = [], [f"image_{i}" for i in range(20)]
    parallel.run(lambda: done.append, ids, 2, tmp_path / LOG, lambda: None)
    assert done == ids


SLOW = """
    import signal, sys, time
    from functools import partial
    from pathlib import Path
    from wsss_harness.system import parallel

    def work(image_id):
        Path(sys.argv[1], image_id).touch()
        time.sleep(0.2)

    def start():
        return work

    def done():
        Path(sys.argv[1], "one").touch()

    if __name__ == "__main__":
        # A shell that starts the tests in the background has SIGINT ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        ids = [f"image_{i}" for i in range(1000)]
        parallel.run(start, ids, 2, Path(sys.argv[1], "log.txt"), done)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_stopping_the_command_stops_the_workers(tmp_path, how):
    script = tmp_path / "slow.py"
    script.write_text(textwrap.dedent(SLOW))
    folder = tmp_path / "work"
    folder.mkdir()
    command = [sys.executable, str(script), str(folder)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True) as process:
        wait_for((folder / "one").is_file)
        if how == signal.SIGINT:
            os.killpg(process.pid, how)  # as a terminal does
        else:
            process.kill()
        assert process.wait(600) != 0
        # The workers share the pipe: it ends when the last of them has.
        assert b"KeyboardInterrupt" in process.stderr.read() or how == signal.SIGKILL
    reached = len(list(folder.glob("image_*")))
    time.sleep(0.5)
    assert reached == len(list(folder.glob("image_*"))) < 1000
