"""Which images are looked at together: GuoleiSun/MCIS_wsss, Classifier/utils/LoadData.py."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from wsss_harness import View


@dataclass(frozen=True)
class Partners:
    """Images by class, from which others are drawn uniformly and with replacement.

    ``holding``: the images of each class 1..C that occurs, in the order of the split.
    """

    ids: tuple[str, ...]
    holding: Mapping[int, Sequence[str]]

    @classmethod
    def among(cls, data: View, ids: Collection[str]) -> Self:
        """The images ``ids`` of a view."""
        holding: dict[int, list[str]] = {}
        for image_id in ids:
            for number in data[image_id].present:
                holding.setdefault(number, []).append(image_id)
        return cls(tuple(ids), holding)

    def draw(self, present: Sequence[int], shared: float, rng: np.random.Generator) -> str:
        """The partner of an image with the classes ``present``.

        With the probability ``shared``, one of its classes is drawn, then an image of that class,
        which may be the image itself and is if no other has the class. Else, and for an image
        without classes, any image.
        """
        shares = rng.random() < shared
        candidates = self.holding[int(rng.choice(present))] if shares and present else self.ids
        return candidates[int(rng.integers(len(candidates)))]

    def references(
        self, image_id: str, present: Sequence[int], count: int, seed: int
    ) -> list[list[str]]:
        """``count`` images of each class ``present``, which depend on seed and image alone.

        A class that no image holds, as of an image from elsewhere, has the image itself.
        """
        rng = np.random.default_rng([seed, *image_id.encode()])
        groups = [self.holding.get(number, [image_id]) for number in present]
        return [
            [group[place] for place in rng.integers(len(group), size=count)] for group in groups
        ]
