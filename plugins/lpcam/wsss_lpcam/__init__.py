"""LPCAM: maps of the local features that a trained classifier has of a class and its context."""

from collections.abc import Mapping

from wsss_harness import hookimpl
from wsss_lpcam.lpcam import Lpcam

__all__ = ["Lpcam"]


@hookimpl
def wsss_generators() -> Mapping[str, type[Lpcam]]:
    return {"lpcam": Lpcam}
