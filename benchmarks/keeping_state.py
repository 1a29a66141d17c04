"""The share of a training's time that goes into keeping its state, on a slow disk.

python benchmarks/keeping_state.py [--gib 0.8] [--mb-per-second 100] [--step 0.2] [--seconds 120]

A training of steps of 0.2 s has a state of 0.8 GiB, and the disk takes 100 MB a second. Compared
are the rule of before (in the loop, 10 s after the last write began) and the one in use. The steps
are sleeps, as of a process that waits for its GPU, so that the copy, the thread and the disk are
all that can cost time.
"""

import argparse
import contextlib
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import torch

from wsss_harness.networks import checkpoints
from wsss_harness.networks.training import state

BEFORE_SECONDS = 10.0


class Throttled:
    """A stream of a disk that takes ``rate`` bytes a second."""

    def __init__(self, stream, rate):
        self.stream, self.rate = stream, rate

    def write(self, content):
        started = time.monotonic()
        size = memoryview(content).nbytes
        self.stream.write(content)
        time.sleep(max(0.0, size / self.rate - (time.monotonic() - started)))
        return size

    def flush(self):
        self.stream.flush()


@contextlib.contextmanager
def slow_disk(rate):
    real = torch.save
    torch.save = lambda content, stream: real(content, Throttled(stream, rate))
    try:
        yield
    finally:
        torch.save = real


def content(gib):
    """A runner whose weights and momenta have ``gib`` together, in forty tensors."""
    size = int(gib * 2**30 / 4 / 80)
    weights = {f"layer_{index}": torch.zeros(size) for index in range(40)}
    momenta = {index: {"momentum_buffer": torch.zeros(size)} for index in range(40)}
    return SimpleNamespace(
        model=SimpleNamespace(state_dict=lambda: weights),
        optim_wrapper=SimpleNamespace(state_dict=lambda: {"state": momenta}),
        param_schedulers=[],
        max_iters=10**9,
    )


def lost(keep, step, seconds):
    """The share of time inside ``keep``, that by which steps were late, and the longest pause."""
    started, kept, late, longest = time.monotonic(), 0.0, 0.0, 0.0
    iteration = 0
    while time.monotonic() - started < seconds:
        begun = time.monotonic()
        time.sleep(step)
        late += time.monotonic() - begun - step
        iteration += 1
        before = time.monotonic()
        keep(iteration)
        pause = time.monotonic() - before
        kept, longest = kept + pause, max(longest, pause)
    total = time.monotonic() - started
    return kept / total, late / total, longest


def before(runner, path):
    """Writes in the loop; the clock starts before the write."""
    kept = time.monotonic()

    def keep(iteration):
        nonlocal kept
        if time.monotonic() - kept >= BEFORE_SECONDS:
            kept = time.monotonic()
            weights = runner.model.state_dict()
            assert all(value.isfinite().all() for value in weights.values())
            optimizer = runner.optim_wrapper.state_dict()
            checkpoints.write_state(path, {"weights": weights, "optimizer": optimizer})

    return keep


def now(runner, hook):
    return lambda iteration: hook.after_train_iter(runner, iteration - 1)


def measured(options):
    runner, losses = content(options.gib), SimpleNamespace(means=[], sums={})
    with tempfile.TemporaryDirectory() as folder, slow_disk(options.mb_per_second * 1e6):
        path = Path(folder) / "state.pth"
        yield "without", *lost(lambda iteration: None, options.step, options.seconds)
        yield "before", *lost(before(runner, path), options.step, options.seconds)
        path.unlink(missing_ok=True)
        with state.KeepState(path, losses, every=200) as hook:
            yield "now", *lost(now(runner, hook), options.step, options.seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--gib", type=float, default=0.8)
    parser.add_argument("--mb-per-second", type=float, default=100)
    parser.add_argument("--step", type=float, default=0.2)
    parser.add_argument("--seconds", type=float, default=120)
    options = parser.parse_args()
    for rule, kept, late, longest in measured(options):
        text = f"{100 * kept:.1f} % of the time in keeping states, the longest time {longest:.2f} s"
        print(f"{rule}: {text}; steps are late for {100 * late:.1f} %", flush=True)


if __name__ == "__main__":
    main()
