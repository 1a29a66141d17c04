"""How what a fit wrote is loaded again."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from wsss_harness.contract.supervision import View
from wsss_harness.contract.weights import wanted_weights


def loaded(
    method: Any, folder: Path, device: str, view: View, files: Mapping[str, Path]
) -> Callable[..., Any]:
    """The function that a method loads; some look at the view of train or at files as well."""
    train = (view,) if getattr(method, "needs_train", False) else ()
    function: Callable[..., Any] = method.load(folder, device, *train, **files_for(method, files))
    return function


def files_for(method: Any, files: Mapping[str, Path]) -> dict[str, Mapping[str, Path]]:
    """The keyword argument of what is loaded of a method that wants files; empty for others."""
    return {"files": files} if wanted_weights(method) else {}


def is_single_stage(generator: Any) -> bool:
    """Whether it segments images without their labels, besides scoring them."""
    return hasattr(generator, "load_segmentor")
