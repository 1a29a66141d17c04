"""SC-CAM: class maps of a network that also learns sub-classes, found by clustering."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from wsss_harness import ClassMapGenerator, require_option

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from wsss_harness import Batch, Extra, Inference, Loss, Run, View
    from wsss_sccam.network import SubClassShape

LABELS = "sub_labels.npy"


@dataclass(frozen=True, kw_only=True)
class ScCam(ClassMapGenerator):
    """Chang et al., "Weakly-Supervised Semantic Segmentation via Sub-category Exploration", 2020.

    One round: the images of each class are clustered by the features of the ``previous`` generator,
    then a fresh network learns classes and clusters. Rounds follow each other in a suite; CAM is
    the round before the first. Clusters are found in wsss_sccam.clusters, losses and scores in
    wsss_sccam.sub_classes. Defaults are those of the third round of Juliachang/SC-CAM,
    train_cls.py: its states after 20,491, 27,101 and 33,711 iterations are used in the three
    rounds, all with the rates of a schedule of 40,321.

    ``clusters``: sub-classes of each class. ``sub_weight``: the weight of their loss. ``head``:
    whose maps are the scores. ``binarise``: give the maps that the released program saves, 1 above
    0.15 and 0 elsewhere (it saves 255).
    """

    paper: ClassVar[str] = "Chang et al., CVPR 2020"
    golden: ClassVar[tuple[str, ...]] = ("sccam", "sccam2")
    needs: ClassVar[frozenset[str]] = frozenset({"image_labels"})
    follows: ClassVar[str] = "cam"
    at_inference: ClassVar[frozenset[str]] = ClassMapGenerator.at_inference | {"head", "binarise"}
    released: ClassVar[Mapping[str, str]] = {
        "fc8_20.weight": "head.weight",
        "fc8_200.weight": "sub_head.weight",
    }
    quick: ClassVar[Mapping[str, Any]] = {
        **ClassMapGenerator.quick,
        **{"clusters": 1, "lr": 1e-4},  # a network without pretrained weights
    }
    rehearsal: ClassVar[Mapping[str, Any]] = {"clusters": 1}  # a class has fewer images than ten
    distributed: ClassVar[bool] = False  # fit writes sub-labels before it trains

    iterations: int = 33_711
    schedule: int = 40_321
    batch: int = 16
    crop: int = 224
    pooling: Literal["head_then_pool", "pool_then_head"] = "pool_then_head"
    dropout: float = 0.5
    clusters: int = 10
    sub_weight: float = 5.0
    head: Literal["classes", "sub_classes"] = "classes"
    binarise: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_option(self, "clusters", self.clusters > 0, "at least 1")
        require_option(self, "sub_weight", self.sub_weight >= 0, "at least 0")
        require_option(self, "pooling", self.pooling == "pool_then_head", "pool_then_head")

    def shape(self, classes: int) -> SubClassShape:
        from wsss_sccam.network import SubClassShape

        return SubClassShape(self.backbone, classes, self.pooling, self.dropout, self.clusters)

    def inference(self) -> Inference:
        from wsss_sccam.network import SubClassInference

        clusters = self.clusters if self.head == "sub_classes" else 0
        return SubClassInference(
            tuple(self.scales),
            self.activation,
            self.normalise,
            clusters=clusters,
            binarise=self.binarise,
        )

    def extra_items(self, data: View, run: Run) -> Extra:
        labels = self.sub_labels(data, run)
        rows = {image_id: number for number, image_id in enumerate(data.ids)}
        return lambda image_id: {"sub_present": labels[rows[image_id]]}

    def sub_labels(self, data: View, run: Run) -> NDArray[np.float32]:
        """(images, C * clusters), from the file of an interrupted run if it came that far."""
        import numpy as np

        from wsss_harness import atomic
        from wsss_sccam.clusters import check_counts, sub_labels
        from wsss_sccam.features import features_of, labels_of, network_of, remove_features

        path = run.folder / LABELS
        if not path.is_file():
            network, labels = network_of(run.previous, run.device), labels_of(data)
            check_counts(labels, data.classes, self.clusters)  # features take long
            features = features_of(network, data, run)
            columns = sub_labels(features, labels, data.classes, self.clusters, run.seed)
            with atomic(path) as temporary, temporary.open("wb") as file:
                np.save(file, columns)
        remove_features(run)
        kept: NDArray[np.float32] = np.load(path, allow_pickle=False)
        return kept

    def loss(self, classes: tuple[str, ...]) -> Loss:
        from wsss_sccam.sub_classes import losses

        def both(network: nn.Module, batch: Batch) -> dict[str, Tensor]:
            _, logits = network(batch["image"])
            first, second = logits[:, : len(classes)], logits[:, len(classes) :]
            return losses(first, second, batch["present"], batch["sub_present"], self.sub_weight)

        return both
