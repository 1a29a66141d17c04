"""SEPL as a refiner of masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from wsss_harness import require_option

if TYPE_CHECKING:
    from wsss_harness import Mask, Sample
    from wsss_sepl.regions import Counts, RegionSet


@dataclass(frozen=True, kw_only=True)
class Sepl:
    """Chen et al., "Segment Anything Model (SAM) Enhanced Pseudo Labels", 2023; see ``rule``.

    Works after any method, on pseudo-masks and on predictions, with any regions. Defaults are those
    of cskyl/SAM_WSSS: merge/max_iou_imp2.py.

    ``half``: a class takes a region of which it has a larger share. ``most``: it also takes one
    that covers at least this share of the class. ``conflicts``: of classes that claim one region,
    the ``lowest`` number takes it, or the one with the ``largest`` part in it. ``cover``: a pixel
    of a class is lost where an untaken region covers it; released, regions that a lower class took
    do not cover (``not_taken_before``); ``all`` do in the other form, whose result does not depend
    on the order of classes but where taken regions overlap. ``open_pixels``: what 255 becomes
    outside of taken regions: ``background``, as released, or 255 (``kept``).
    """

    paper: ClassVar[str] = "Chen et al., 2023 (SAM-enhanced pseudo labels)"
    golden: ClassVar[tuple[str, ...]] = ("sepl",)
    needs: ClassVar[frozenset[str]] = frozenset({"regions"})
    parallel: ClassVar[bool] = True

    half: float = 0.5
    most: float = 0.85
    conflicts: Literal["lowest", "largest"] = "lowest"
    cover: Literal["not_taken_before", "all"] = "not_taken_before"
    open_pixels: Literal["background", "kept"] = "background"

    def __post_init__(self) -> None:
        for name in ("half", "most"):
            require_option(self, name, 0 <= getattr(self, name) <= 1, "in [0, 1]")

    def load(self, device: str) -> Callable[[Sample, Mask], Mask]:
        return self.refine

    def refine(self, sample: Sample, mask: Mask) -> Mask:
        """The mask (H, W) of classes and 255, by the regions of the sample."""
        from wsss_sepl import rule
        from wsss_sepl.regions import regions_of

        regions, classes = regions_of(sample), rule.classes_of(mask)
        taken_by = self.taken_by(mask, regions, classes) if classes else np.zeros(0, np.int64)
        result = rule.refined(mask, regions, taken_by, classes, self.cover)
        return result if self.open_pixels == "background" else rule.with_open_pixels(result, mask)

    def taken_by(self, mask: Mask, regions: RegionSet, classes: Sequence[int]) -> Counts:
        """(M,): the class, of one or more, that takes each region; 0 for none."""
        from wsss_sepl import rule

        inside = rule.pixels_in(mask, regions, classes)
        areas = np.array([np.count_nonzero(mask == number) for number in classes], np.int64)
        sizes = regions.count(np.ones(mask.shape, bool))
        claimed = rule.claims(inside, areas, sizes, self.half, self.most)
        return rule.takers(claimed, inside, classes, self.conflicts)
