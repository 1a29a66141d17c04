"""How what a fit wrote is loaded again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from wsss_harness.contract.supervision import View


def loaded(method: Any, folder: Path, device: str, view: View) -> Callable[..., Any]:
    """The function that a generator or refiner loads; some look at the view of train as well."""
    train = (view,) if getattr(method, "needs_train", False) else ()
    function: Callable[..., Any] = method.load(folder, device, *train)
    return function


def is_single_stage(generator: Any) -> bool:
    """Whether it segments images without their labels, besides scoring them."""
    return hasattr(generator, "load_segmentor")
