"""Images of one size, which a GPU takes several of at once. Free of torch until it is asked."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from wsss_harness.contract.types import Sample

AHEAD = 64  # images among which those of one size are looked for
MOST = 8
BYTES = 6 * 10**9  # what ResNet38 needs for an image of VOC and its mirror image at scale 2


def at_once(device: str) -> int:
    """How many images go through a network together: one on a CPU, which gains nothing by more.

    So what is made on a CPU does not depend on which images were left when a run went on.
    """
    if not device.startswith("cuda"):
        return 1
    import torch

    free, _ = torch.cuda.mem_get_info(device)  # others may use it too
    return min(max(free // BYTES, 1), MOST)


def by_size(samples: Iterable[Sample], most: int) -> Iterator[list[Sample]]:
    """Groups of up to ``most`` samples whose images are of one size."""
    waiting: dict[tuple[int, ...], list[Sample]] = {}
    for sample in samples:
        group = waiting.setdefault(sample.image.shape, [])
        group.append(sample)
        if len(group) == most or sum(map(len, waiting.values())) == AHEAD:
            yield waiting.pop(max(waiting, key=lambda size: len(waiting[size])))
    yield from waiting.values()


def together(function: Callable[..., Any], *given: Sequence[Any]) -> list[Any]:
    """What a function gives for each of some arguments, by its method ``many`` if it has one.

    Where the memory of a GPU is too small for all of them, perhaps because others use it too, they
    are done one at a time.
    """
    many = getattr(function, "many", None)
    if many is not None and len(given[0]) > 1:
        try:
            return list(many(*given))
        except RuntimeError as error:
            if type(error).__name__ != "OutOfMemoryError":  # torch's, which may not be there
                raise
    return [function(*one) for one in zip(*given, strict=True)]
