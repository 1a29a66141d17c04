"""EPS: saliency as pseudo-pixel supervision."""

from wsss_eps.eps import Eps
from wsss_harness import hookimpl

__all__ = ["Eps"]


@hookimpl
def wsss_generators() -> dict[str, type[Eps]]:
    return {"eps": Eps}
