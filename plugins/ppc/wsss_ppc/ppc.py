"""PPC as generators: SEAM and EPS with the contrast beside their own losses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from wsss_cam_baselines import Seam
from wsss_eps import Eps
from wsss_ppc import settings
from wsss_ppc.settings import ContrastSettings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from wsss_harness import Batch, Loss
    from wsss_ppc.network import ContrastSeamShape, ContrastShape


@dataclass(frozen=True, kw_only=True)
class PpcSeam(ContrastSettings, Seam):
    """Du et al., "Weakly Supervised Semantic Segmentation by Pixel-to-Prototype Contrast", 2022.

    SEAM, whose second view is a smaller one than SEAM's, and the three losses of
    wsss_ppc.contrast; defaults are those of usr922/wseg: contrast_train.py. An image without a
    class (``unlabelled``) has the classification loss alone.
    """

    golden: ClassVar[tuple[str, ...]] = ("ppc",)
    released: ClassVar[Mapping[str, str]] = {**Seam.released, "fc_proj.weight": "projection.weight"}
    quick: ClassVar[Mapping[str, Any]] = {**Seam.quick, "projection": 4}

    def __post_init__(self) -> None:
        super().__post_init__()
        settings.check(self)

    def kind(self) -> type[ContrastSeamShape]:
        from wsss_ppc.network import ContrastSeamShape

        return ContrastSeamShape

    def shape(self, classes: int) -> ContrastSeamShape:
        return self.kind()(
            self.backbone,
            classes,
            self.pooling,
            self.dropout,
            self.taps,
            self.widths,
            self.projection,
        )

    def loss(self, classes: tuple[str, ...]) -> Loss:
        """The losses of SEAM and, with their weight, those of the contrast."""
        from wsss_cam_baselines import equivariance
        from wsss_ppc.training import seam_losses

        negatives = self.unlabelled == "negative"
        own = equivariance.losses_with_negatives if negatives else equivariance.losses

        def losses(network: nn.Module, batch: Batch) -> dict[str, Tensor]:
            terms = seam_losses(network, batch, own, self)
            if self.min_pooling == "none":
                del terms["loss_min"]
            return terms

        return losses


@dataclass(frozen=True, kw_only=True)
class PpcEps(ContrastSettings, Eps):
    """The same contrast on EPS. Its code is not published, so what the paper leaves open is ours.

    The losses of EPS are the mean of both views, as those of SEAM are there; the scores of the
    contrast are the softmax maps of the classes.
    """

    golden: ClassVar[tuple[str, ...]] = ("ppc",)
    quick: ClassVar[Mapping[str, Any]] = {**Eps.quick, "projection": 4}

    def __post_init__(self) -> None:
        super().__post_init__()
        settings.check(self)

    def kind(self) -> type[ContrastShape]:
        from wsss_ppc.network import ContrastShape

        return ContrastShape

    def shape(self, classes: int) -> ContrastShape:
        channels = self.channels(classes)
        return self.kind()(self.backbone, channels, self.pooling, self.dropout, self.projection)

    def loss(self, classes: tuple[str, ...]) -> Loss:
        """The losses of EPS and, with their weight, those of the contrast."""
        from wsss_ppc.training import eps_losses

        own = super().loss(classes)

        def losses(network: nn.Module, batch: Batch) -> dict[str, Tensor]:
            return eps_losses(network, batch, own, self)

        return losses
