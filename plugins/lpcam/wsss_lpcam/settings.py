"""The options of LPCAM. Free of torch, because options are read early."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wsss_harness import require_option


@dataclass(frozen=True, kw_only=True)
class LpcamSettings:
    """How local features are clustered, and how maps are made of their centres.

    ``images``: at most so many images of a class are clustered, drawn by the seed; 0 for all.
    ``threshold``: the score that separates high from low. ``clusters`` and ``tolerance``: see
    clusters.cluster. ``sure``: an object centre is more probable than this; ``context``: bounds of
    the probability of a context centre. ``fallback``: what stands in if no centre of a class is
    sure: its ``best`` centre, its weights in the ``classifier``, or an ``error``. Without any
    feature above the threshold ``best`` takes the weights too.
    ``scales``: of the image. ``sums``: maps are averaged at the size of the image (``full``) or on
    its grid of stride 4 (``strided``), as in cam_irn.
    """

    images: int = 0
    threshold: float = 0.1
    clusters: int = 12
    tolerance: float = 5.0
    sure: float = 0.9
    context: tuple[float, float] = (0.05, 0.9)
    fallback: Literal["best", "classifier", "error"] = "best"
    scales: tuple[float, ...] = (1.0, 0.5, 1.5, 2.0)
    sums: Literal["full", "strided"] = "full"

    def __post_init__(self) -> None:
        low, high = self.context
        positive = bool(self.scales) and min(self.scales) > 0
        require_option(self, "images", self.images >= 0, "at least 0")
        require_option(self, "threshold", 0 <= self.threshold < 1, "at least 0 and below 1")
        require_option(self, "clusters", self.clusters > 0, "at least 1")
        require_option(self, "tolerance", self.tolerance > 0, "above 0")
        require_option(self, "sure", 0 <= self.sure <= 1, "in [0, 1]")
        require_option(self, "context", 0 <= low <= high <= 1, "two in [0, 1], the smaller first")
        require_option(self, "scales", positive, "at least one, all above 0")
