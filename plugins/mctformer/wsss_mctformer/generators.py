"""MCTformer V1, V2 and MCTformer+ as generators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from wsss_harness import ClassMapGenerator, require_option
from wsss_harness.networks.backbones import VITS

if TYPE_CHECKING:
    from torch import Tensor, nn

    from wsss_harness import Batch, Inference, Loss
    from wsss_mctformer.network import MctShape

QUICK = {"backbone": {"name": "vit_slim", "dim": 16, "depth": 2, "heads": 2, "grid": 4}, "lr": 1e-3}


def deit(**options: Any) -> Mapping[str, Any]:
    """DeiT-S with the stochastic depth of the released training."""
    return {"name": "vit_small", "drop_path": 0.1, **options}


@dataclass(frozen=True, kw_only=True)
class MctformerV2(ClassMapGenerator):
    """Xu et al., "Multi-class Token Transformer for Weakly Supervised Semantic Segmentation", 2022.

    Formulas are in wsss_mctformer.attention and wsss_mctformer.losses. Defaults are those of
    xulianuwa/MCTformer: main.py, run.sh; 60 epochs on the 10,582 images of train_aug.

    ``backbone``: a vision transformer; it gets a token for each class. ``decay``: the weight of a
    patch's logit in its mean, to the power of its rank; 1 is the plain mean of V2.
    ``last_norm``: the normalisation behind the last block is ``unused``, as released, or applied to
    the ``patches``.
    ``maps``: what is scored: the attention of class ``tokens``, the maps of the ``patches``, or
    both ``fused``; ``layers``: how many of the last layers give attention; ``fusion``: ``product``
    with the sum over layers (V2) or ``root`` of that with their mean (MCTformer+); ``affinity``:
    spread maps by the attention among ``patches``, or not. The same attention is left for refiners:
    see wsss_mctformer.left.
    """

    paper: ClassVar[str] = "Xu et al., CVPR 2022"
    golden: ClassVar[tuple[str, ...]] = ("mctformer",)
    needs: ClassVar[frozenset[str]] = frozenset({"image_labels"})
    at_inference: ClassVar[frozenset[str]] = ClassMapGenerator.at_inference | {
        *("maps", "layers", "fusion", "affinity")
    }
    released: ClassVar[Mapping[str, str]] = {}
    leaves: ClassVar[frozenset[str]] = frozenset({"affinity"})
    quick: ClassVar[Mapping[str, Any]] = {**ClassMapGenerator.quick, **QUICK}

    backbone: Mapping[str, Any] = field(default_factory=lambda: deit(positions="dino"))
    iterations: int = 9_900
    batch: int = 64
    crop: int = 224
    resize: tuple[int, int] = (224, 384)
    jitter: tuple[float, float, float, float] = (0.4, 0.4, 0.4, 0.0)
    optimizer: Literal["sgd", "sgd_all", "adamw"] = "adamw"
    lr: float = 6.25e-5
    head_lr: float = 1.0
    weight_decay: float = 0.05
    warmup: int = 825
    scales: tuple[float, ...] = (1.0,)
    normalise: Literal["max", "min_max"] = "min_max"
    decay: float = 1.0
    last_norm: Literal["unused", "patches"] = "unused"
    maps: Literal["fused", "tokens", "patches"] = "fused"
    layers: int = 3
    fusion: Literal["product", "root"] = "product"
    affinity: Literal["patches", "none"] = "patches"

    def __post_init__(self) -> None:
        super().__post_init__()
        sound = self.backbone["name"] in VITS and "class_tokens" not in self.backbone
        vits = ", ".join(VITS)
        require_option(self, "backbone", sound, f"one of {vits}, without class_tokens")
        require_option(self, "pooling", self.pooling == "head_then_pool", "head_then_pool")
        require_option(self, "decay", 0 < self.decay <= 1, "above 0 and up to 1")
        require_option(self, "layers", self.layers > 0, "at least 1")

    def kind(self) -> type[MctShape]:
        from wsss_mctformer.network import MctShape

        return MctShape

    def shape(self, classes: int) -> MctShape:
        return self.kind()(
            {**self.backbone, "class_tokens": classes},
            classes,
            self.pooling,
            self.dropout,
            self.patch_head,
            self.decay,
            self.last_norm == "patches",
        )

    @property
    def patch_head(self) -> bool:
        return True

    def inference(self) -> Inference:
        from wsss_mctformer.inference import MapReading, MapSettings, MctInference

        settings = MapSettings(self.maps, self.layers, self.fusion, self.affinity)
        read = MapReading(settings)
        return MctInference(tuple(self.scales), self.activation, self.normalise, read=read)

    def loss(self, classes: tuple[str, ...]) -> Loss:
        from wsss_mctformer.losses import classification

        def losses(network: nn.Module, batch: Batch) -> dict[str, Tensor]:
            outputs = network(batch["image"])
            return classification(outputs.class_logits, outputs.patch_logits, batch["present"])

        return losses


@dataclass(frozen=True, kw_only=True)
class MctformerV1(MctformerV2):
    """The first of the two networks of that paper: class tokens alone, no patch head.

    Options are those of ``mctformer_v2``; ``decay``, ``last_norm`` and ``fusion`` have no use here.
    """

    maps: Literal["fused", "tokens", "patches"] = "tokens"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_option(self, "maps", self.maps == "tokens", "tokens: it has no patch head")

    @property
    def patch_head(self) -> bool:
        return False


@dataclass(frozen=True, kw_only=True)
class MctformerPlus(MctformerV2):
    """Xu et al., "MCTformer+: Multi-Class Token Transformer for Weakly Supervised Semantic
    Segmentation", TPAMI 2024.

    Defaults are those of the program of that name in xulianuwa/MCTformer: main.py, models.py; 45
    epochs on the 10,582 images of train_aug. Its positions are learnt on a grid of 28 x 28.

    ``contrast``: the weight of the loss that keeps class tokens apart; ``contrast_layers``: how
    many of the last layers have it. The other options are those of ``mctformer_v2``.
    """

    paper: ClassVar[str] = "Xu et al., TPAMI 2024"

    backbone: Mapping[str, Any] = field(
        default_factory=lambda: deit(grid=28, loaded_positions="repeat")
    )
    iterations: int = 14_850
    batch: int = 32
    crop: int = 448
    resize: tuple[int, int] = (448, 768)
    lr: float = 3.125e-5
    warmup: int = 1_650
    scales: tuple[float, ...] = (1.0, 0.75, 1.25)
    decay: float = 0.996
    layers: int = 12
    fusion: Literal["product", "root"] = "root"
    contrast: float = 1.0
    contrast_layers: int = 12

    def __post_init__(self) -> None:
        super().__post_init__()
        require_option(self, "contrast", self.contrast >= 0, "at least 0")
        require_option(self, "contrast_layers", self.contrast_layers > 0, "at least 1")

    def loss(self, classes: tuple[str, ...]) -> Loss:
        from wsss_mctformer.losses import classification, token_contrast

        def losses(network: nn.Module, batch: Batch) -> dict[str, Tensor]:
            outputs, present = network(batch["image"]), batch["present"]
            terms = classification(outputs.class_logits, outputs.patch_logits, present)
            layers = outputs.class_tokens[-self.contrast_layers :]
            return {**terms, "loss_contrast": self.contrast * token_contrast(layers, present)}

        return losses

    def adapt(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Join the positions of class tokens and patches; drop those that nothing uses."""
        import torch

        if "backbone.pos_embed_cls" not in state:
            return state
        parts = [state.pop(f"backbone.pos_embed_{part}") for part in ("cls", "pat")]
        return {**state, "backbone.pos_embed": torch.cat(parts, 1)}
