"""The losses of MCTformer V1, V2 and MCTformer+, and the pooling of its patch head.

xulianuwa/MCTformer: models.py, engine.py. Xu et al., CVPR 2022, section 3; for the ranks and the
contrast Xu et al., "MCTformer+: Multi-Class Token Transformer for Weakly Supervised Semantic
Segmentation", TPAMI 2024.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

EPSILON = 1e-8


def ranked_pool(maps: Tensor, decay: float) -> Tensor:
    """(B, C): means of (B, C, h, w) weighted by ``decay`` to the power of a value's rank.

    sum_j decay^j s_j / sum_j decay^j with s_0 >= s_1 >= ...; a ``decay`` of 1 is the plain mean.
    """
    ranked = maps.flatten(2).sort(-1, descending=True).values
    weights = decay ** torch.arange(ranked.shape[2], dtype=maps.dtype, device=maps.device)
    return (ranked * weights).sum(-1) / weights.sum()


def token_contrast(layers: Sequence[Tensor], present: Tensor) -> Tensor:
    """How alike the class tokens of one image are, over layers of (B, C, D); ``present`` (B, C).

    For each layer and image the cosines of all pairs of tokens are logits, and the token of each
    present class must be found among all C:

        mean over images of mean over layers of
            sum over present c of -log softmax_k(cos(t_c, t_k))_c / (number present + 1e-8)

    An image without classes adds 0 and counts in the mean.
    """
    tokens = F.normalize(torch.stack(tuple(layers)), dim=-1, eps=1e-12)
    cosines = tokens @ tokens.transpose(2, 3)
    own = cosines.log_softmax(-1).diagonal(dim1=2, dim2=3)  # (L, B, C)
    of_images = -(own * present).sum(-1) / (present.sum(-1) + EPSILON)
    return of_images.mean()


def classification(
    class_logits: Tensor, patch_logits: Tensor | None, present: Tensor
) -> dict[str, Tensor]:
    """Multilabel soft margin losses of the class tokens and, in V2 and +, of the patch head."""
    losses = {"loss_cls": F.multilabel_soft_margin_loss(class_logits, present)}
    if patch_logits is not None:
        losses["loss_patch"] = F.multilabel_soft_margin_loss(patch_logits, present)
    return losses
