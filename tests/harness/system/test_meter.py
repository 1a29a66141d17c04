"""What a stage cost is measured, its workers included."""

import mmap
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from wsss_harness.system.meter import Meter, resident

MEGABYTE = 1 << 20


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr("wsss_harness.system.meter.INTERVAL", 0.01)


def test_memory_at_its_peak_not_at_the_end():
    before = resident()
    # A fresh mapping, since an array may take memory that was held before.
    with Meter() as meter, mmap.mmap(-1, 100 * MEGABYTE) as held:
        held.write(b"1" * len(held))
        time.sleep(0.2)
    assert meter.resource_use().peak_memory > before + 90 * MEGABYTE


def test_workers_count():
    program = (
        f"held = b'1' * {100 * MEGABYTE}\nimport time\nwhile time.process_time() < 0.3: pass\n"
    )
    before = resident()
    with Meter() as meter:
        subprocess.run([sys.executable, "-c", program], check=True)
    used = meter.resource_use()
    assert used.peak_memory > before + 90 * MEGABYTE
    assert used.cpu_seconds >= 0.3
    assert used.wall_seconds >= 0.3


def test_waiting_takes_no_cpu():
    with Meter() as meter:
        time.sleep(0.3)
    assert meter.resource_use().cpu_seconds < meter.resource_use().wall_seconds / 2


def test_no_gpu_is_none_not_zero(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    with Meter() as meter:
        pass
    assert meter.resource_use().gpu_seconds is None
    assert meter.resource_use().gpu_peak_memory is None


def test_a_gpu_is_asked_for_its_peak_of_this_stage(monkeypatch):
    peaks = [999]
    cuda = SimpleNamespace(
        is_available=lambda: True,
        reset_peak_memory_stats=lambda: peaks.clear(),
        max_memory_allocated=lambda: max(peaks, default=0),
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    with Meter() as meter:
        peaks.append(7)
    assert meter.resource_use().gpu_peak_memory == 7
    assert meter.resource_use().gpu_seconds == meter.resource_use().wall_seconds
