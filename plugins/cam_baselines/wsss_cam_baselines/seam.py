"""SEAM: class maps that must agree between two sizes of an image, refined by correlation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from wsss_harness import ClassMapGenerator, require_option

if TYPE_CHECKING:
    from torch import Tensor, nn

    from wsss_cam_baselines.seam_network import SeamShape
    from wsss_harness import Batch, Inference, Loss


@dataclass(frozen=True, kw_only=True)
class Seam(ClassMapGenerator):
    """Wang et al., "Self-supervised Equivariant Attention Mechanism", CVPR 2020.

    The losses are in wsss_cam_baselines.equivariance, the network in seam_network. Defaults are
    those of YudeWang/SEAM, train_SEAM.py (8 epochs of 10,582 images are 10,576 iterations).

    ``view``: the size of the second view, as a factor. ``taps``: two features of the backbone for
    the correlation module, by default those before the last; ``widths``: the numbers of channels to
    which they are compressed. ``min_pooling``: a loss of the released code that the paper does not
    have. ``output``: take maps after the correlation module, as released, or before it. The second
    view differs in size alone, as released, although the paper's figures name rotation and
    translation too. An image without a class (``unlabelled``) has the classification loss alone.
    """

    paper: ClassVar[str] = "Wang et al., CVPR 2020"
    golden: ClassVar[tuple[str, ...]] = ("seam", "cam_inference")
    needs: ClassVar[frozenset[str]] = frozenset({"image_labels"})
    at_inference: ClassVar[frozenset[str]] = ClassMapGenerator.at_inference | {"output"}
    released: ClassVar[Mapping[str, str]] = {
        **ClassMapGenerator.released,
        **{f"{name}.weight": f"correlation.{name}.weight" for name in ("f8_3", "f8_4", "f9")},
    }
    quick: ClassVar[Mapping[str, Any]] = {**ClassMapGenerator.quick, "widths": (4, 8)}

    iterations: int = 10_576
    resize: tuple[int, int] = (448, 768)
    dropout: float = 0.5
    normalise: Literal["max", "min_max"] = "min_max"
    view: float = 0.3
    taps: tuple[str, ...] = ()
    widths: tuple[int, int] = (64, 128)
    min_pooling: Literal["released", "none"] = "released"
    output: Literal["refined", "cam"] = "refined"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_option(self, "view", 0 < self.view < 1, "between 0 and 1")
        require_option(self, "pooling", self.pooling == "head_then_pool", "head_then_pool")

    def shape(self, classes: int) -> SeamShape:
        from wsss_cam_baselines.seam_network import SeamShape

        return SeamShape(self.backbone, classes, self.pooling, self.dropout, self.taps, self.widths)

    def inference(self) -> Inference:
        from wsss_cam_baselines.seam_network import READERS

        return replace(super().inference(), read=READERS[self.output])

    def adapt(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Drop the head's first channel, the background, which no loss and no output uses."""
        if "head.weight" not in state:
            return state
        return state | {"head.weight": state["head.weight"][1:]}

    def loss(self, classes: tuple[str, ...]) -> Loss:
        """The sum of all losses with weight one."""
        from wsss_cam_baselines import equivariance
        from wsss_cam_baselines.seam_network import resized

        negatives = self.unlabelled == "negative"
        weigh = equivariance.losses_with_negatives if negatives else equivariance.losses

        def losses(network: nn.Module, batch: Batch) -> dict[str, Tensor]:
            images = batch["image"]
            smaller = [max(int(side * self.view), 1) for side in images.shape[2:]]
            views = network(images), network(resized(images, smaller))
            terms = weigh(*views, batch["present"])
            if self.min_pooling == "none":
                del terms["loss_min"]
            return terms

        return losses
