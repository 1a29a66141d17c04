"""CLIP-ES: class maps of CLIP without any training."""

from collections.abc import Mapping

from wsss_clip_es.clip_es import ClipEs
from wsss_harness import hookimpl

__all__ = ["ClipEs"]


@hookimpl
def wsss_generators() -> Mapping[str, type[ClipEs]]:
    return {"clip_es": ClipEs}
