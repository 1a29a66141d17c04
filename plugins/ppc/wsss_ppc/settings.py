"""The options of the contrast. Free of torch, because options are read early."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from wsss_harness import require_option


@dataclass(frozen=True, kw_only=True)
class ContrastSettings:
    """How pixels of two views are contrasted with prototypes of classes; see ``contrast``.

    ``view``: the size of the second view, as a factor (128 of 448 pixels). ``projection``: the
    channels in which pixels are compared. ``contrast``: the weight of each of the three losses.
    ``temperature``: of similarities. ``background_score``: what the background scores everywhere.

    ``clipped``: cut normalised scores off at 0; released, a map that is 0 everywhere becomes -1.
    ``background_positions``: the background scores the same everywhere, so where its prototype
    comes from is left to the sorting of the device; here it is the ``first`` positions of the
    batch, or those with the ``least_foreground``. ``absent``: prototypes of classes that no image
    of the batch has are of arbitrary pixels; ``kept`` as released, or ``left_out``. ``single``: a
    class with one pixel adds nothing to the loss within a view, but is ``counted`` in its mean, as
    released, or ``left_out``.
    """

    paper: ClassVar[str] = "Du et al., CVPR 2022"

    view: float = 2 / 7
    projection: int = 128
    contrast: float = 0.1
    temperature: float = 0.1
    background_score: float = 0.2
    clipped: bool = False
    background_positions: Literal["first", "least_foreground"] = "first"
    absent: Literal["kept", "left_out"] = "kept"
    single: Literal["counted", "left_out"] = "counted"


def check(options: Any) -> None:
    """Raise ConfigError for an option of the contrast that is out of range."""
    require_option(options, "view", 0 < options.view < 1, "between 0 and 1")
    require_option(options, "pooling", options.pooling == "head_then_pool", "head_then_pool")
    require_option(options, "projection", options.projection > 0, "at least 1")
    require_option(options, "contrast", options.contrast >= 0, "at least 0")
    require_option(options, "temperature", options.temperature > 0, "above 0")
    within = 0 <= options.background_score <= 1
    require_option(options, "background_score", within, "in [0, 1]")
