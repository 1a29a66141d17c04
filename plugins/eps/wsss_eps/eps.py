"""EPS: a classifier whose class and background maps must explain the saliency."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from wsss_harness import ClassMapGenerator, ConfigError, require_option

if TYPE_CHECKING:
    from torch import Tensor, nn

    from wsss_eps.loss import Selection
    from wsss_harness import Batch, Inference, Loss


@dataclass(frozen=True, kw_only=True)
class Eps(ClassMapGenerator):
    """Lee et al., "Railroad is not a Train", CVPR 2021; equations in wsss_eps.loss.

    Defaults are those of halbielee/EPS, script/voc12_eps.sh (without it, its main.py has tau 0.5;
    for MS-COCO lam is 0.9).

    ``tau``: the overlap with the saliency above which a class is foreground. ``lam``: the weight of
    the foreground map in the estimated saliency; the background map has 1 - ``lam``.
    ``selection``: ``adaptive`` by overlap; ``naive`` makes every class foreground;
    ``class_list`` makes ``background_classes`` (names) background.
    An image without a class (``unlabelled``) has no part in the saliency loss.
    ``background``: the background channel is ``ignored`` at inference, as released, or becomes the
    ``explicit`` background map of the scores.
    """

    paper: ClassVar[str] = "Lee et al., CVPR 2021"
    golden: ClassVar[tuple[str, ...]] = ("eps_loss", "cam_inference")
    needs: ClassVar[frozenset[str]] = frozenset({"image_labels", "saliency"})
    at_inference: ClassVar[frozenset[str]] = ClassMapGenerator.at_inference | {"background"}
    activation: ClassVar[str] = "softmax"

    tau: float = 0.4
    lam: float = 0.5
    selection: Literal["adaptive", "naive", "class_list"] = "adaptive"
    background_classes: tuple[str, ...] = ()
    background: Literal["ignored", "explicit"] = "ignored"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("tau", "lam"):
            require_option(self, name, 0 <= getattr(self, name) <= 1, "in [0, 1]")

    def channels(self, classes: int) -> int:
        return classes + 1

    def inference(self) -> Inference:
        return replace(super().inference(), background=self.background)

    def loss(self, classes: tuple[str, ...]) -> Loss:
        """L_total of equation 5: both losses with weight one."""
        from wsss_eps.loss import classification_loss, saliency_loss

        select = self.strategy(classes)

        def losses(network: nn.Module, batch: Batch) -> dict[str, Tensor]:
            maps, pooled = network(batch["image"])
            present, saliency = batch["present"], batch["saliency"]
            # What is salient in an image without a class is of no class, so no map explains it.
            seen = present.any(1) if self.unlabelled == "negative" else slice(None)
            explained = saliency_loss(maps[seen], saliency[seen], present[seen], select, self.lam)
            return {"loss_cls": classification_loss(pooled, present), "loss_sal": explained}

        return losses

    def strategy(self, classes: tuple[str, ...]) -> Selection:
        from wsss_eps.loss import adaptive, class_list, naive

        unknown = [name for name in self.background_classes if name not in classes]
        if unknown:
            raise ConfigError(
                f"background_classes names '{unknown[0]}'; the classes are {', '.join(classes)}"
            )
        indices = tuple(1 + classes.index(name) for name in self.background_classes)
        strategies = {
            "adaptive": adaptive(self.tau),
            "naive": naive,
            "class_list": class_list(indices),
        }
        return strategies[self.selection]
