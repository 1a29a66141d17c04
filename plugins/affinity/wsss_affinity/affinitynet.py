"""AffinityNet as a refiner: scores walk along affinities that are learnt from the scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from wsss_affinity.backgrounds import Background
from wsss_harness import ConfigError, TrainingSettings
from wsss_harness.networks.crf_parameters import PARAMETERS

if TYPE_CHECKING:
    from torch import Tensor

    from wsss_affinity.inference import Explained
    from wsss_affinity.items import Evidence
    from wsss_affinity.network import AffinityFeatures, Shape
    from wsss_harness import ClassScores, Run, Sample, View

RELEASED_STEPS = 256
RELEASED_NODES = 47 * 63  # the grid of a VOC image of 375 x 500 at stride 8


@dataclass(frozen=True)
class Form:
    """What two descriptions of AffinityNet differ in."""

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
class AffinityNet(TrainingSettings):
    """Ahn and Kwak, "Learning Pixel-level Semantic Affinity with Image-level Supervision for
    Weakly Supervised Semantic Segmentation", CVPR 2018, before any generator.

    ``form``: ``psa`` is jiwoon-ahn/psa with ResNet38: labels from scores that a CRF has sharpened
    under a low and a high alpha, taps compressed to 64, 128 and 256 channels. ``report`` takes the
    generator's masks as labels, and 128, 256 and 512 channels. Options that are None are those
    of the form.

    ``taps``: names of three taps of the backbone; empty for its last three. ``norm``, ``border``:
    see affinities. ``radius``: nodes closer than this are pairs.
    ``careful``, ``eager``: the strong and the weak background that labels come from; see
    labels.sure_labels. ``crf``: the name of the CRF's parameters, or "none"; ``crf_scale`` divides
    its widths, for images smaller than those of VOC.
    ``walking``: the background that walks beside the classes. ``beta``, ``steps``: see
    walk.propagate; "grid" takes as many of the released 256 steps as the grid has of the nodes of a
    VOC image, since a walk reaches as far as the square root of its steps.

    Defaults of training are those of psa for ResNet38. The scores bring an explicit background, so
    the background rule "explicit" gives the released masks.
    """

    paper: ClassVar[str] = "Ahn and Kwak, CVPR 2018"
    needs: ClassVar[frozenset[str]] = frozenset()
    at_inference: ClassVar[frozenset[str]] = frozenset({"border", "walking", "beta", "steps"})
    forms: ClassVar[tuple[str, ...]] = tuple(FORMS)
    released: ClassVar[Mapping[str, str]] = {
        f"{name}.weight": f"head.{name}.weight" for name in ("f8_3", "f8_4", "f8_5", "f9")
    }
    quick: ClassVar[Mapping[str, Any]] = {
        **TrainingSettings.quick,
        "widths": (4, 8, 16),
        "steps": 8,
    }

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
        if self.crf not in (None, "none", *PARAMETERS):
            known = ", ".join(("none", *PARAMETERS))
            raise ConfigError(f"AffinityNet: no CRF named '{self.crf}'; there are {known}")
        if self.radius < 2 or self.beta <= 0 or (self.steps != "grid" and self.steps < 0):
            raise ConfigError(
                f"AffinityNet: radius {self.radius}, beta {self.beta} and steps {self.steps}; "
                "expected a radius of at least 2, beta above 0, steps of at least 0 or 'grid'"
            )

    def evidence(self) -> Evidence:
        from wsss_affinity.items import Evidence

        form = FORMS[self.form]
        name = self.crf or form.crf
        parameters = None if name == "none" else PARAMETERS[name].at_scale(self.crf_scale)
        return Evidence(self.careful or form.careful, self.eager or form.eager, parameters)

    def steps_on(self, nodes: int) -> int:
        """Steps of the walk on a grid of so many nodes; at least one."""
        if isinstance(self.steps, int):
            return self.steps
        return max(1, round(RELEASED_STEPS * nodes / RELEASED_NODES))

    def shape(self) -> Shape:
        from wsss_affinity.network import Shape

        return Shape(self.backbone, self.taps, self.widths or FORMS[self.form].widths)

    def network(self, classes: int, seed: int = 0) -> AffinityFeatures:
        """Its network before training, which is the same for any number of classes."""
        return self.shape().build(seed)

    def adapt(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """A released checkpoint has the form of the network here."""
        return state

    def fit(self, data: View, scores: Callable[[str], ClassScores], run: Run) -> None:
        """Train, and write weights.pth and network.json."""
        from wsss_affinity import fitting

        fitting.fit(self, data, scores, run)

    def load(self, folder: Path, device: str) -> Callable[[Sample, ClassScores], ClassScores]:
        from wsss_affinity import inference, network

        return inference.Walker(network.load(folder, device), self)

    def explain(
        self, folder: Path, device: str
    ) -> Callable[[Sample, ClassScores], Sequence[Explained]]:
        """What decides the walk of an image; see inference.explainer."""
        from wsss_affinity import inference, network

        return inference.explainer(network.load(folder, device), self)
