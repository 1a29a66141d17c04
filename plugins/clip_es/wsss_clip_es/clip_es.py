"""CLIP-ES as a generator: nothing is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from wsss_harness import IMAGE_LABELS, LANGUAGE, atomic, require_option

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from wsss_clip_es.scoring import Spreading
    from wsss_harness import ClassScores, Run, Sample, Texts, View
    from wsss_harness.networks.backbones.vit import ViT

TEXTS = "texts.npz"


def clip_vit_base() -> dict[str, Any]:
    return {"name": "clip_vit_base", "positions": "clip_es", "embed": 512}


@dataclass(frozen=True, kw_only=True)
class ClipEs:
    """Lin et al., "CLIP is Also an Efficient Segmenter: A Text-Driven Approach for Weakly
    Supervised Semantic Segmentation", CVPR 2023.

    Classes and background words are the texts of the suite. The file ``text_features`` has the
    features of all prompts, ``backbone`` is CLIP's image tower.

    ``templates``: prompts around a name. ``contexts``: use background words that name a context of
    a class too, as released. ``spread``: spread maps by attention inside of boxes around what
    exceeds ``box_threshold`` of their maximum; ``boxes``: of ``all`` parts or of the ``largest``
    one; ``edges``: boxes leave out the last row and column, as ``released``, or are ``whole``.
    Defaults are those of linyq2117/CLIP-ES: generate_cams_voc12.py.
    """

    paper: ClassVar[str] = "Lin et al., CVPR 2023"
    golden: ClassVar[tuple[str, ...]] = ("clip_es",)
    needs: ClassVar[frozenset[str]] = frozenset({IMAGE_LABELS, LANGUAGE})
    wants_weights: ClassVar[frozenset[str]] = frozenset({"backbone", "text_features"})
    at_inference: ClassVar[frozenset[str]] = frozenset(
        {"backbone", "spread", "box_threshold", "boxes", "edges"}
    )

    backbone: Mapping[str, Any] = field(default_factory=clip_vit_base)
    templates: tuple[str, ...] = ("a clean origami {}.",)
    contexts: bool = True
    spread: bool = True
    box_threshold: float = 0.4
    boxes: Literal["all", "largest"] = "all"
    edges: Literal["released", "whole"] = "released"

    def __post_init__(self) -> None:
        tower = str(self.backbone.get("name", "")).startswith("clip") and self.backbone.get("embed")
        require_option(self, "backbone", bool(tower), "clip_vit_base with the option embed")
        places = bool(self.templates) and all("{}" in template for template in self.templates)
        require_option(self, "templates", places, "at least one, each with {} for the name")
        share = 0 <= self.box_threshold < 1
        require_option(self, "box_threshold", share, "0 or more and below 1")

    def fit(self, data: View, run: Run) -> None:
        """Write the features of classes and background words, (C, E) and (B, E)."""
        import numpy as np

        from wsss_clip_es.text_features import features_of, read_features

        known = read_features(run.files["text_features"])
        texts = data.texts
        classes = features_of(texts.classes, self.templates, known)
        words = features_of([(word,) for word in self.words(texts)], self.templates, known)
        with atomic(run.folder / TEXTS) as temporary, temporary.open("wb") as file:
            np.savez(file, classes=classes, background=words)

    def words(self, texts: Texts) -> tuple[str, ...]:
        """The background words that compete with the classes."""
        if self.contexts:
            return texts.background
        return tuple(word for word in texts.background if word not in texts.context_words)

    def load(
        self, folder: Path, device: str, *, files: Mapping[str, Path]
    ) -> Callable[[Sample], ClassScores]:
        import numpy as np
        import torch

        from wsss_clip_es.scoring import ClipScorer
        from wsss_harness.networks import backbones
        from wsss_harness.networks.backbones.weights import load_weights

        backbone = backbones.build(**self.backbone)
        load_weights(backbone, files["backbone"])
        with np.load(folder / TEXTS, allow_pickle=False) as arrays:
            classes, words = (on(device, arrays[name]) for name in ("classes", "background"))
        tower = cast("ViT", backbone.to(torch.device(device)).eval().requires_grad_(False))
        return ClipScorer(tower, classes, words, self.spreading())

    def spreading(self) -> Spreading | None:
        from wsss_clip_es.scoring import Spreading

        if not self.spread:
            return None
        return Spreading(self.box_threshold, self.boxes == "largest", self.edges == "whole")


def on(device: str, values: NDArray[np.float32]) -> Any:
    import torch

    return torch.from_numpy(values).to(device)
