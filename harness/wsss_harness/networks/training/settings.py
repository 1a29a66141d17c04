"""The training options that plugins share. Free of torch, because options are read early."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.options import require_option
from wsss_harness.networks import backbones
from wsss_harness.system.digests import digest_once
from wsss_harness.system.similar import did_you_mean

Amp = Literal["off", "fp16", "bf16"]


@dataclass(frozen=True)
class Arithmetic:
    """Faster arithmetic; published results were computed without it.

    ``amp``: mixed precision, on accelerators only. ``channels_last``: the memory format that tensor
    cores prefer; dropout is drawn in its order. ``compiled``: use torch.compile.
    """

    amp: Amp = "off"
    channels_last: bool = False
    compiled: bool = False


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How a network is trained. Defaults are those of halbielee/EPS, script/voc12_eps.sh.

    ``backbone``: a name and the options of wsss_harness.networks.backbones.build.
    ``padding`` fills a ``crop`` around a smaller image: with the mean colour, as released for
    classifiers, or with black, as released for AffinityNet.
    ``jitter``: strengths of brightness, contrast, saturation and hue.
    ``iterations`` on ``batch`` images each; ``flip``: the probability of mirroring. In a batch of
    one, a batch normalisation that sees a single pixel uses its running statistics.
    ``optimizer``: ``sgd`` in the four groups of psa; ``sgd_all`` and ``adamw`` train and decay all
    that is not frozen, normalisations too. The ``momentum`` of SGD ``released`` is the weight
    decay, a mistake in all code derived from psa; the papers state 0.9.
    ``lr``: the learning rate, ``weight_decay`` as released.
    ``head_lr``: the factor of the learning rate of layers without pretrained weights.
    ``schedule``: the iterations of the whole schedule, if training ends before it does; else 0.
    ``power``: of the poly schedule; ``warmup``: iterations over which its rate rises from zero.
    ``checkpoint``: a file of released weights to use instead of training; ``selected_on``: the
    split on whose truth their authors selected them among those of several iterations, if they did.
    ``checkpoint_every``: iterations between two states from which training can resume;
    ``checkpoint_seconds``: the time until one is kept at an earlier iteration. Either waits if
    writing would take more than 3 % of the time.
    ``amp``, ``channels_last``, ``compiled``: see Arithmetic.
    ``workers``: the number of processes that load images.
    """

    idle: ClassVar[frozenset[str]] = frozenset(
        {"workers", "checkpoint", "checkpoint_every", "checkpoint_seconds"}
    )
    in_iterations: ClassVar[frozenset[str]] = frozenset({"iterations", "schedule", "warmup"})
    quick: ClassVar[Mapping[str, Any]] = {  # for the training in conformance checks
        "backbone": {"name": "resnet38", "width": 0.0625},
        "iterations": 4,
        "batch": 2,
        "crop": 32,
        "checkpoint_every": 1,
    }

    backbone: Mapping[str, Any] = field(default_factory=lambda: {"name": "resnet38"})
    iterations: int = 20_000
    batch: int = 8
    crop: int = 448
    flip: float = 0.5
    jitter: tuple[float, float, float, float] = (0.3, 0.3, 0.3, 0.1)
    padding: Literal["mean", "black"] = "mean"
    optimizer: Literal["sgd", "sgd_all", "adamw"] = "sgd"
    momentum: float | Literal["released"] = "released"
    lr: float = 0.01
    head_lr: float = 10.0
    weight_decay: float = 5e-4
    schedule: int = 0
    power: float = 0.9
    warmup: int = 0
    amp: Amp = "off"
    channels_last: bool = False
    compiled: bool = False
    checkpoint: str | None = None
    selected_on: Literal["", "train", "val"] = ""
    checkpoint_every: int = 200
    checkpoint_seconds: float = 10.0
    workers: int = 0

    def identity(self) -> dict[str, Any]:
        """The digest of released weights, on which the result depends; not their path."""
        if self.checkpoint is None:
            return {}
        path = Path(self.checkpoint)
        if not path.is_file():
            raise DataError(f"{type(self).__name__}: there is no checkpoint {path}")
        return {"checkpoint": digest_once(path)}

    @property
    def stated(self) -> tuple[str, ...]:
        """The supervision that released weights claim to have used; nothing can check it here."""
        return tuple(sorted(getattr(self, "needs", ()))) if self.checkpoint else ()

    @property
    def arithmetic(self) -> Arithmetic:
        return Arithmetic(self.amp, self.channels_last, self.compiled)

    def __post_init__(self) -> None:
        for name in ("iterations", "batch", "crop", "checkpoint_every"):
            require_option(self, name, getattr(self, name) > 0, "above 0")
        for name in ("workers", "warmup", "checkpoint_seconds", "head_lr", "weight_decay", "power"):
            require_option(self, name, getattr(self, name) >= 0, "at least 0")
        require_option(self, "flip", 0 <= self.flip <= 1, "a probability, from 0 to 1")
        usual = self.momentum == "released" or 0 <= self.momentum < 1
        require_option(self, "momentum", usual, "'released', or a number from 0 to below 1")
        require_option(self, "jitter", min(self.jitter) >= 0, "four strengths, each at least 0")
        ends = self.schedule == 0 or self.schedule >= self.iterations
        require_option(self, "schedule", ends, "0, or at least the option iterations")
        last = not self.selected_on or self.checkpoint is not None
        require_option(self, "selected_on", last, "nothing without a checkpoint: the last is used")
        require_option(self, "lr", self.lr > 0, "above 0")
        require_option(self, "backbone", "name" in self.backbone, "a table with a name")
        name = self.backbone["name"]
        known = did_you_mean(str(name), backbones.NAMES)
        require_option(self, "backbone", name in backbones.NAMES, f"the name of one{known}")
        backbones.require(name)
