"""A disk that runs full in any kind of stage costs the rows that need it; then they go on."""

import json
import shutil
import subprocess
import sys

import full_disk
import pytest
import small_suite
from commands import output_of
from slow import slow_but

from wsss_harness.store.stage import upstream
from wsss_harness.suite.suite_rows import known_rows

KINDS = ["data", "saliency", "fit", "score", "refine", "explain", "curve"]
KINDS += ["mask", "measure", "metric", "bound", "segment", "predict"]
MOUNTED = 'mount -t tmpfs -o size=3m tmpfs "$1" && shift && exec "$@"'


def test_suite_has_every_kind_of_stage(tmp_path):
    rows, saliency_stages = known_rows(
        small_suite.suite(**full_disk.SUITE), small_suite.plugins(), small_suite.store(tmp_path)
    )
    kinds = {stage.kind for row in rows for stage in upstream(*row.targets, *saliency_stages)}
    assert kinds < set(KINDS)
    assert set(KINDS) - kinds == {"bound", "saliency"}  # which are known once there is data


def can_mount():
    words = ["unshare", "-m", "true"]
    return shutil.which("unshare") and not subprocess.run(words, check=False).returncode


FEW = ["data", "mask"]


@pytest.mark.parametrize("kinds", slow_but(FEW, cases=[FEW, KINDS]), ids=len)
def test_full_disk_fails_only_what_needs_the_stage(tmp_path, kinds):
    disk = tmp_path / "disk"
    disk.mkdir()
    if not can_mount():
        pytest.skip("no file system can be mounted here; it needs root")
    words = ["unshare", "-m", "sh", "-c", MOUNTED, "sh", disk]
    out = output_of(*words, sys.executable, full_disk.__file__, disk, json.dumps(kinds))
    results = json.loads(out.splitlines()[-1])
    assert list(results) == kinds
    stage_counts = {result["made"] + result["rest"] for result in results.values()}
    assert len(stage_counts) == 1  # nothing was made twice, and nothing is missing
    for kind, result in results.items():
        assert result["failures"], kind
        for error, message in result["failures"].values():
            assert error in ("OSError", "StageError"), message
            assert kind in message
            assert "disk" in message
        assert result["again"] == {}
