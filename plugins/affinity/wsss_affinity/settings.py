"""The options of AffinityNet. Free of torch, because options are read early."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from wsss_affinity.backgrounds import Background, Evidence
from wsss_harness import NetworkMethod, require_option
from wsss_harness.networks.crf import PARAMETERS
from wsss_harness.system.similar import did_you_mean

if TYPE_CHECKING:
    from wsss_affinity.network import AffinityShape

RELEASED_STEPS = 256
RELEASED_NODES = 47 * 63  # the grid of a VOC image of 375 x 500 at stride 8


@dataclass(frozen=True)
class Form:
    """What two descriptions of AffinityNet disagree on."""

    widths: tuple[int, int, int]
    careful: Background
    eager: Background
    crf: str


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "psa": Form((64, 128, 256), Background(alpha=4), Background(alpha=32), "psa"),
        "report": Form(
            (128, 256, 512), Background(kind="constant"), Background(kind="constant"), "none"
        ),
    }
)


@dataclass(frozen=True, kw_only=True)
class AffinitySettings(NetworkMethod):
    """How AffinityNet is trained, and how scores walk along its affinities.

    ``form``: ``psa`` follows jiwoon-ahn/psa with ResNet38: labels come from scores that a CRF has
    sharpened under a low and a high alpha; taps are compressed to 64, 128 and 256 channels.
    ``report`` takes the generator's masks as labels, and 128, 256 and 512 channels. An option that
    is None takes the value of the form.

    ``taps``: names of three taps of the backbone; empty for its last three. ``norm``, ``border``:
    see affinities. ``radius``: nodes closer than this are pairs.
    ``careful``, ``eager``: the strong and the weak background that labels come from; see
    labels.sure_labels. ``crf``: the name of the CRF's parameters, or "none"; ``crf_scale`` divides
    its widths, for images smaller than those of VOC.
    ``walking``: the background that walks with the classes. ``beta``, ``steps``: see
    walk.propagate; "grid" scales the released 256 steps by the number of nodes of the grid relative
    to that of a VOC image, because a walk reaches as far as the square root of its steps.

    Training defaults are those of psa for ResNet38.
    """

    needs: ClassVar[frozenset[str]] = frozenset()
    at_inference: ClassVar[frozenset[str]] = frozenset({"border", "walking", "beta", "steps"})
    forms: ClassVar[tuple[str, ...]] = tuple(FORMS)
    released: ClassVar[Mapping[str, str]] = {
        f"{name}.weight": f"head.{name}.weight" for name in ("f8_3", "f8_4", "f8_5", "f9")
    }
    quick: ClassVar[Mapping[str, Any]] = {**NetworkMethod.quick, "widths": (4, 8, 16), "steps": 8}

    form: Literal["psa", "report"] = "report"
    taps: tuple[str, ...] = ()
    widths: tuple[int, int, int] | None = None
    norm: Literal["mean", "sum"] = "mean"
    radius: int = 5
    border: Literal["released", "linked"] = "released"
    careful: Background | None = None
    eager: Background | None = None
    crf: str | None = None
    crf_scale: float = 1.0
    walking: Background = field(default_factory=Background)
    beta: float = 8.0
    steps: int | Literal["grid"] = RELEASED_STEPS
    iterations: int = 10_576
    padding: Literal["mean", "black"] = "black"

    def __post_init__(self) -> None:
        super().__post_init__()
        names = ("none", *PARAMETERS)
        near = did_you_mean(str(self.crf), names)
        require_option(self, "crf", self.crf in (None, *names), f"the name of one{near}")
        require_option(self, "radius", self.radius >= 2, "at least 2")
        for name in ("beta", "crf_scale"):
            require_option(self, name, getattr(self, name) > 0, "above 0")
        counted = self.steps == "grid" or self.steps >= 0
        require_option(self, "steps", counted, "at least 0, or 'grid'")

    def evidence(self) -> Evidence:
        form = FORMS[self.form]
        name = self.crf or form.crf
        parameters = None if name == "none" else PARAMETERS[name].at_scale(self.crf_scale)
        return Evidence(self.careful or form.careful, self.eager or form.eager, parameters)

    def steps_on(self, nodes: int) -> int:
        """The number of steps on a grid of ``nodes`` nodes; "grid" takes at least one."""
        if isinstance(self.steps, int):
            return self.steps
        return max(1, round(RELEASED_STEPS * nodes / RELEASED_NODES))

    def shape(self, classes: int) -> AffinityShape:
        """The same for any number of classes."""
        from wsss_affinity.network import AffinityShape

        return AffinityShape(self.backbone, self.taps, self.widths or FORMS[self.form].widths)
