"""What all stages of images share."""

import sys

from wsss_harness.stages.products import device


def test_where_no_gpu_is_visible_torch_is_not_imported(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setitem(sys.modules, "torch", None)
    assert device() == "cpu"
