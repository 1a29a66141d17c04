"""Stages in worker processes: whatever ends one of them costs one row and no more."""

import json
import os
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import small_suite
from commands import SMALL, command, events_of, products, wait_for
from slow import slow_but

from wsss_harness.contract.errors import StageFailure
from wsss_harness.execution import running_job
from wsss_harness.execution.engine import Engine
from wsss_harness.execution.executors.inline import Inline
from wsss_harness.execution.executors.local import Local
from wsss_harness.execution.job import Policy
from wsss_harness.execution.run import prepare_suite, run_suite
from wsss_harness.execution.status_files import live_runs
from wsss_harness.store.manifest import MANIFEST
from wsss_harness.store.store import Store
from wsss_harness.system.limits import GB, Limits


@pytest.fixture(autouse=True)
def in_workers(monkeypatch):
    for name, value in SMALL.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def run(tmp_path):
    """Run a suite with an executor; gives outcomes by method, and the events by kind."""

    def run(folder=tmp_path / "store", executor=None, limits=None, policy=None, **changes):
        suite, events = small_suite.suite(**changes), []
        store = Store(folder, events.append, limits or Limits())
        engine = Engine(store, executor or Local(jobs=2), policy or Policy())
        plugins = small_suite.plugins()
        with engine.session():
            dataset = prepare_suite(suite, plugins, engine)
            outcomes = run_suite(suite, plugins, engine, dataset)
            return {o.row.row.method: o for o in outcomes}, events

    return run


def test_workers_make_each_stage_once_with_the_bytes_of_one_process(run, tmp_path):
    _, events = run()
    run(tmp_path / "inline", Inline())
    assert products(tmp_path / "store") == products(tmp_path / "inline")
    finished = Counter(event.key for event in events if event.kind == "finished")
    assert set(finished.values()) == {1}
    last = [event for event in events if event.kind == "suite"][-1]
    assert last.done == last.total
    assert not list((tmp_path / "store").rglob("parts"))  # of shards, of which there were two
    for path in (tmp_path / "store").glob(f"score/*/{MANIFEST}"):  # each shard counts once
        assert [part["steps"] for part in json.loads(path.read_text())["cost"]["pace"]] == [4, 4]


@pytest.mark.slow
@pytest.mark.parametrize("shards", [2, 3])
def test_number_of_shards_does_not_change_bytes(run, tmp_path, shards):
    run(policy=Policy(shards=shards))
    run(tmp_path / "inline", Inline())
    assert products(tmp_path / "store") == products(tmp_path / "inline")
    assert not list((tmp_path / "store").rglob("parts"))
    manifests = [json.loads(p.read_text()) for p in (tmp_path / "store").glob(f"*/*/{MANIFEST}")]
    assert not [m["recipe"]["kind"] for m in manifests if m["cost"]["continued"]]


FAILURES = {
    "leaves": ("WorkerDied", "its process ended with exit code 0, though its work was not done"),
    "dies": ("WorkerDied", "its process was killed, perhaps because memory ran out"),
    "hangs": ("TimeLimitReached", "took longer than the time limit of 10 s"),
    "hoards": ("MemoryLimitReached", "of memory, and the limit is 1.5 GB"),
    "fails": ("OSError", "the network is down"),
}
ROWS = [{"method": "bad", "generator": "bad"}, {"method": "R", "generator": "R"}]


def restless(how, **options):
    named = {"name": "restless", "how": how, **options}
    return {"generators": {"R": {"name": "redness"}, "bad": named}, "rows": ROWS}


@pytest.mark.parametrize("how", slow_but("dies", cases=FAILURES))
def test_failure_in_a_worker_is_named_and_fails_one_row(run, monkeypatch, how):
    monkeypatch.setattr(running_job, "GRACE", 0.5)
    limits = Limits(
        by_kind={"fit": 10} if how == "hangs" else {},
        memory=round(1.5 * GB) if how == "hoards" else None,
    )
    outcomes, _ = run(limits=limits, **restless(how))
    kind, message = FAILURES[how]
    assert outcomes["bad"].failure.kind == kind
    assert message in str(outcomes["bad"].failure)
    assert "fit restless" in str(outcomes["bad"].failure)
    assert outcomes["R"].failure is None


TRIED_AGAIN = [("dies", Local(jobs=2)), ("fails", Local(jobs=2)), ("fails", Inline())]


@pytest.mark.parametrize(("how", "executor"), slow_but(("fails", Inline()), cases=TRIED_AGAIN))
def test_stage_is_tried_again_after_a_crash_or_io_error(run, how, executor):
    outcomes, events = run(executor=executor, policy=Policy(retries=1), **restless(how, once=True))
    assert outcomes["bad"].failure is None
    assert [event.stage for event in events if event.kind == "retried"] == ["fit restless"]


def test_supervision_error_is_not_tried_again(run):
    changes = restless("leaves")
    changes["generators"]["bad"] = {"name": "truthful"}
    outcomes, events = run(executor=Inline(), policy=Policy(retries=3), **changes)
    assert outcomes["bad"].failure.kind == "SupervisionError"
    assert not [event for event in events if event.kind == "retried"]


def test_same_engine_does_not_try_a_failed_stage_again(tmp_path):
    suite, plugins = small_suite.suite(**restless("fails")), small_suite.plugins()
    engine = Engine(small_suite.store(tmp_path))
    dataset = prepare_suite(suite, plugins, engine)
    for _ in range(2):
        failures = [o.failure for o in run_suite(suite, plugins, engine, dataset)]
        assert len([failure for failure in failures if failure]) == 2  # its row, and its control
    started = [event.stage for event in engine.store.events if event.kind == "started"]
    assert started.count("fit restless") == 1


def test_worker_refuses_code_that_changed_since_the_run_began(run, monkeypatch):
    """The keys that the worker rebuilds differ from the keys of this process."""
    monkeypatch.setattr("wsss_harness.store.stage.code_of", lambda body: {"module": "earlier"})
    with pytest.raises(StageFailure, match=r"source code .* is not as it was"):
        run()


# Two runs, and runs that are stopped


SLOW = {
    "seeds": [0],
    "generators": {"R": {"name": "redness", "pause": 0.5}, "S": {"name": "salient", "pause": 0.5}},
}


@pytest.mark.parametrize("executor", slow_but("inline", cases=["inline", "local"]))
def test_two_runs_on_one_store_share_the_work(run, tmp_path, monkeypatch, executor):
    ran = tmp_path / "ran.txt"
    monkeypatch.setenv(small_suite.RAN_FILE, str(ran))
    process = command(tmp_path, executor=executor, **SLOW)
    with ThreadPoolExecutor() as pool:  # a run whose pipe is full waits, and keeps its locks
        told = pool.submit(events_of, process)
        wait_for(ran.is_file)
        _, events = run(tmp_path / "runs", Inline(), **SLOW)
        told_events, _ = told.result()
    assert process.returncode == 0
    kinds = {event.kind for event in events} | {event["kind"] for event in told_events}
    assert kinds & {"waiting", "reused"}
    fits = ran.read_text().splitlines()
    assert len(fits) == 2 * len(SLOW["seeds"])
    assert len(set(fits)) == len(fits)
    run(tmp_path / "inline", Inline(), **SLOW)
    assert products(tmp_path / "runs") == products(tmp_path / "inline")
    manifests = list((tmp_path / "runs").glob(f"*/*/{MANIFEST}"))
    assert len(manifests) == len(list((tmp_path / "inline").glob(f"*/*/{MANIFEST}")))


def test_interrupt_leaves_no_process_and_says_how_to_resume(tmp_path):
    slow = {"generators": {"R": {"name": "redness", "pause": 60}}, "rows": ROWS[1:]}
    process = command(tmp_path, **slow)
    wait_for(lambda: any(fitting(run) for run in live_runs(tmp_path / "runs")))
    process.send_signal(signal.SIGINT)
    events, err = events_of(process)
    assert process.returncode == 130
    assert "run the same command again to go on" in err
    assert "stopping" in {event["kind"] for event in events}
    assert not list((tmp_path / "runs").glob("running/*"))
    wait_for(lambda: not group_lives(process.pid))


def fitting(run):
    """Whether a run told that a fit has begun."""
    stages = [job for job in run["running"] if job["stage"] == "fit redness"]
    return bool(stages) and stages[0]["seconds"] > 0


def group_lives(leader):
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
def test_sigterm_stops_a_run_like_ctrl_c(tmp_path):
    slow = {"generators": {"R": {"name": "redness", "pause": 60}}, "rows": ROWS[1:]}
    process = command(tmp_path, **slow)
    wait_for(lambda: any(fitting(run) for run in live_runs(tmp_path / "runs")))
    os.killpg(process.pid, signal.SIGTERM)  # as a cluster does at its time limit
    events, err = events_of(process)
    assert process.returncode == 130
    assert "failed" not in {event["kind"] for event in events}
    assert "run the same command again to go on" in err
    assert not (tmp_path / "runs/running").exists()


def test_process_that_a_limit_cut_off_gets_no_further_stage(run):
    """The process that was cut off is ended, and must not be given another stage meanwhile."""
    generators = {f"G{n}": {"name": "redness", "pause": 60, "value": n / 9} for n in range(3)}
    rows = [{"method": name, "generator": name} for name in generators]
    limits = Limits(by_kind={"fit": 3})
    outcomes, _ = run(executor=Local(), limits=limits, generators=generators, rows=rows)
    kinds = {name: outcomes[name].failure.kind for name in generators}
    assert set(kinds.values()) == {"TimeLimitReached"}
