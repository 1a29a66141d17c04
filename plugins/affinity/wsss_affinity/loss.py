"""The loss of AffinityNet."""

from torch import Tensor

from wsss_affinity.labels import Pairs

EPSILON = 1e-5  # in each logarithm and count of jiwoon-ahn/psa, train_aff.py


def affinity_losses(affinities: Tensor, pairs: Pairs) -> dict[str, Tensor]:
    """The three terms of L = L_fg / 4 + L_bg / 4 + L_different / 2.

    Ahn and Kwak, CVPR 2018, section 3.2.2, with weights 1, 1 and 2; the factor of 1/4 is from
    jiwoon-ahn/psa, train_aff.py. Each term is the mean over all pairs of its kind in the batch, 0
    without such pairs.
    """
    alike = -(affinities + EPSILON).log()
    unlike = -(1 + EPSILON - affinities).log()
    return {
        "loss_background": mean_over(alike, pairs.background) / 4,
        "loss_foreground": mean_over(alike, pairs.foreground) / 4,
        "loss_different": mean_over(unlike, pairs.different) / 2,
    }


def mean_over(values: Tensor, pairs: Tensor) -> Tensor:
    weights = pairs.to(values.dtype)
    return (values * weights).sum() / (weights.sum() + EPSILON)
