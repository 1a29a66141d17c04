"""Initial weights for a backbone, from a classifier of images with a single class each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.options import require_option
from wsss_harness.networks import backbones
from wsss_harness.networks.classmaps.settings import ClassifierSettings

if TYPE_CHECKING:
    from wsss_harness.contract.hookspecs import Run
    from wsss_harness.contract.supervision import View

WEIGHTS = "backbone.pth"


@dataclass(frozen=True, kw_only=True)
class Pretraining(ClassifierSettings):
    """Train all of a backbone on softmax cross-entropy and write its state dict, backbone.pth.

    No part of the backbone is frozen, whatever its options say, so batch normalisations learn.
    After training their statistics are recomputed on ``recalibration`` batches without dropout, so
    that they fit the final weights. Defaults suit a slim network and icons.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"image_labels"})
    in_iterations: ClassVar[frozenset[str]] = ClassifierSettings.in_iterations | {"recalibration"}

    iterations: int = 300
    batch: int = 16
    crop: int = 48
    resize: tuple[int, int] = (40, 64)
    optimizer: Literal["sgd", "adamw"] = "adamw"
    lr: float = 3e-3
    head_lr: float = 1.0
    weight_decay: float = 1e-4
    recalibration: int = 50

    def __post_init__(self) -> None:
        super().__post_init__()
        one_class = self.unlabelled != "negative"
        require_option(self, "unlabelled", one_class, "'error', since each image has one class")

    def fit(self, data: View, run: Run) -> None:
        from wsss_harness.networks.classmaps import fitting, network
        from wsss_harness.networks.training.loop import finish

        refuse_several_classes(data, self.unlabelled == "skip")
        shape = network.ClassMapsShape(self.unfrozen(), len(data.classes), "head_then_pool", 0.0)
        maps = shape.build(run.seed)
        fitting.fit_classifier(maps, fitting.single_label_loss, data, run, self)
        draws = fitting.draws(maps, data, run, self)
        fitting.recalibrate(maps, draws, self.recalibration, self.batch)
        finish(maps.backbone, run.folder / WEIGHTS, run)

    def unfrozen(self) -> dict[str, Any]:
        """The options of the backbone, with those that freeze parts of it set to none."""
        known = backbones.option_names(self.backbone["name"])
        free = {"frozen": "none", "frozen_stages": 0}
        return {**self.backbone, **{name: free[name] for name in free if name in known}}


def refuse_several_classes(data: View, skips_none: bool) -> None:
    for image_id in data:
        present = data[image_id].present
        if len(present) != 1 and not (skips_none and not present):
            raise DataError(
                f"image {image_id} has {len(present)} classes; pretraining needs images with "
                "exactly one, so remove it from the list"
            )
