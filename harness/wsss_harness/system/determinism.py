"""Whether torch gives the same bytes each time."""

import os
import sys


def make_deterministic() -> None:
    """Make torch use one thread, and only algorithms that give the same bytes each time."""
    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)


def is_deterministic() -> bool:
    """Whether this process has been made so."""
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.are_deterministic_algorithms_enabled())
