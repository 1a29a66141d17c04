"""CLIP-ES: class maps of CLIP without any training."""

from collections.abc import Mapping

from wsss_clip_es.clip_es import ClipEs
from wsss_harness import hookimpl, require_extra

__all__ = ["ClipEs"]

require_extra("timm", "vit", "plugin 'clip_es'")


@hookimpl
def wsss_generators() -> Mapping[str, type[ClipEs]]:
    return {"clip_es": ClipEs}
