"""Batches of images of equal size, for inference on a GPU. Imports torch only when it needs it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from wsss_harness.contract.types import Sample

AHEAD = 64  # images that may wait for others of their size
MOST = 8
BYTES = 6 * 10**9  # that ResNet38 needs for a VOC image and its mirror image at scale 2


def at_once(device: str) -> int:
    """How many images go through a network together; 1 on a CPU, where more are not faster.

    Results on a CPU therefore do not depend on where an interrupted run resumes.
    """
    if not device.startswith("cuda"):
        return 1
    import torch

    free, _ = torch.cuda.mem_get_info(device)  # other processes may use the GPU too
    return min(max(free // BYTES, 1), MOST)


def by_size(samples: Iterable[Sample], most: int) -> Iterator[list[Sample]]:
    """Yield groups of up to ``most`` samples whose images have equal size."""
    waiting: dict[tuple[int, ...], list[Sample]] = {}
    for sample in samples:
        group = waiting.setdefault(sample.image.shape, [])
        group.append(sample)
        if len(group) == most or sum(map(len, waiting.values())) == AHEAD:
            yield waiting.pop(max(waiting, key=lambda size: len(waiting[size])))
    yield from waiting.values()


def together(function: Callable[..., Any], *columns: Sequence[Any]) -> list[Any]:
    """``function`` of each row of ``columns``, by one call of its method ``many`` if it has one.

    If the memory of the GPU is too small for all rows together, they are done one by one.
    """
    many = getattr(function, "many", None)
    if many is not None and len(columns[0]) > 1:
        try:
            return list(many(*columns))
        except RuntimeError as error:
            # By name, so that torch need not be there.
            if type(error).__name__ != "OutOfMemoryError":
                raise
    return [function(*row) for row in zip(*columns, strict=True)]
