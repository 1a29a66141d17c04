"""Run jobs as tasks of a Ray cluster, an existing one or one that is started here."""

import contextlib
import os
import platform
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from wsss_harness.contract.errors import ConfigError, WorkerDied
from wsss_harness.store.layout import create
from wsss_harness.system import parallel, workers
from wsss_harness.system.workers import THREADS

Result = TypeVar("Result")
PACKAGES = ("wsss-bench", "ray", "torch", "numpy", "onedl-mmengine", "onedl-mmsegmentation")
STALE = 5.0  # seconds until the size of the cluster is asked for again


@dataclass(frozen=True)
class Ray:
    """Tasks of a Ray cluster whose nodes all see the store under the same path.

    ``address``: of the cluster; ``auto`` finds the one on this machine, ``local`` starts one here.
    A job with networks gets ``threads`` cores, and ``gpus`` (also a fraction) if the cluster has
    any; ``jobs`` limits how many of them run at once. A task whose node is lost is tried again on
    another node, up to ``retries`` times.
    """

    quick: ClassVar[dict[str, Any]] = {"address": "local"}
    address: str = "auto"
    jobs: int = 0
    threads: int = 4
    gpus: float = 1.0
    retries: int = 3

    def __post_init__(self) -> None:
        workers.refuse_below(0, jobs=self.jobs, gpus=self.gpus, retries=self.retries)
        workers.refuse_below(1, threads=self.threads)

    @contextlib.contextmanager
    def start(self, folder: Path) -> Iterator["RayPool"]:
        """Connect, and check that all nodes see ``folder`` and have the same versions installed."""
        ray = _imported()
        try:
            ray.init(
                address=self.address,
                log_to_driver=False,
                configure_logging=False,
                **({"include_dashboard": False} if self.address == "local" else {}),
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise ConfigError(
                f"no Ray cluster at '{self.address}' ({error}); start one with `ray start --head`, "
                "or use --executor-set address=local"
            ) from None
        try:
            check_nodes(folder)
            yield RayPool(self)
        finally:
            ray.shutdown()


def _imported() -> Any:
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError:
        raise ConfigError(
            "the executor 'ray' needs Ray, which is not installed; install wsss-bench[ray]"
        ) from None
    return ray


# Checks of the nodes


def versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def inspect_node(token: Path) -> tuple[bool, dict[str, str]]:
    """Whether this node sees a file, and its versions; runs on the node."""
    return token.is_file(), versions()


def check_nodes(folder: Path) -> None:
    """Raise ConfigError unless every node sees ``folder`` and has the versions of this machine."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    create(folder, folder)
    token = folder.resolve() / f".cluster-{uuid.uuid4().hex}"
    token.touch()
    try:
        for node in ray.nodes():
            if node["Alive"]:
                where = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                task = ray.remote(num_cpus=0, scheduling_strategy=where)(inspect_node)
                check_node(node["NodeManagerHostname"], folder, *ray.get(task.remote(token)))
    finally:
        token.unlink()


def check_node(node: str, folder: Path, seen: bool, installed: dict[str, str]) -> None:
    if not seen:
        raise ConfigError(
            f"node {node} of the Ray cluster does not see {folder.resolve()}; put the store on a "
            "file system that all nodes share, under one path"
        )
    for name, here in versions().items():
        if installed[name] != here:
            raise ConfigError(
                f"node {node} of the Ray cluster has {name} {installed[name]}, and this machine "
                f"has {here}; install the same versions everywhere"
            )


# Jobs as tasks


class RayPool:
    here = False

    def __init__(self, options: Ray) -> None:
        self._options = options
        self._resources: list[dict[str, float]] = []
        self._asked = -STALE
        self._tasks: dict[Future[Any], Any] = {}

    @property
    def _nodes(self) -> list[dict[str, float]]:
        import ray

        if time.monotonic() - self._asked > STALE:
            self._resources = [node["Resources"] for node in ray.nodes() if node["Alive"]]
            self._asked = time.monotonic()
        return self._resources

    def _largest(self, resource: str) -> float:
        return max((node.get(resource, 0.0) for node in self._nodes), default=0.0)

    def _needs(self, heavy: bool) -> dict[str, float]:
        """The resources of a job, limited so that it fits on some node."""
        if not heavy:
            return {"num_cpus": 1}
        gpus = min(self._options.gpus, self._largest("GPU"))
        cpus = max(1, min(self._options.threads, int(self._largest("CPU"))))
        return {"num_cpus": cpus, **({"num_gpus": gpus} if gpus else {})}

    def width(self, heavy: bool) -> int:
        fit = sum(_fitting(node, self._needs(heavy)) for node in self._nodes)
        return max(1, min(fit, self._options.jobs or fit) if heavy else fit)

    def share(self, heavy: bool) -> float:
        cores = sum(node.get("CPU", 0.0) for node in self._nodes)
        return min(1.0, self._needs(heavy)["num_cpus"] / max(cores, 1.0))

    def submit(self, job: Callable[[], Result], heavy: bool) -> "Future[Result]":
        import ray

        needs = self._needs(heavy)
        task = ray.remote(**needs, max_retries=self._options.retries)(perform)
        reference = task.remote(job, int(needs["num_cpus"]))
        future: Future[Result] = Future()
        self._tasks[future] = reference
        reference.future().add_done_callback(partial(self._pass_on, future))
        return future

    def _pass_on(self, future: "Future[Any]", done: "Future[Any]") -> None:
        self._tasks.pop(future, None)
        workers.pass_on(future, done, _translate)

    def kill(self, future: "Future[Any]") -> None:
        """End a task. Ray does not give out the process of an ended task: ``perform`` ends that."""
        import ray

        reference = self._tasks.get(future)
        if reference is not None:
            ray.cancel(reference, force=True)


def _fitting(node: dict[str, float], needs: dict[str, float]) -> int:
    names = {"num_cpus": "CPU", "num_gpus": "GPU"}
    return min(int(node.get(names[need], 0.0) / amount) for need, amount in needs.items())


def _translate(error: BaseException) -> BaseException:
    """What the job raised, or WorkerDied for an error of Ray."""
    import ray.exceptions as errors

    if isinstance(error, errors.RayTaskError):
        cause: BaseException = error.cause
        return cause
    if isinstance(error, errors.RayError):
        first_line = str(error).strip().partition("\n")[0]
        return WorkerDied(f"its Ray task ended: {first_line or type(error).__name__}")
    return error


def perform(job: Callable[[], Result], threads: int) -> Result:
    """Run a job with a number of threads; runs in the process of a task."""
    if workers.retired:
        os._exit(1)  # Ray then gives the job to another process
    os.environ.update(dict.fromkeys(THREADS, str(threads)))
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
    parallel.grant(threads)
    return job()
