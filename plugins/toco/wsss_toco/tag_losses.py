"""The contrasts of SeCo between tagged crops: with remembered keys, and with prototypes.

Yang et al., CVPR 2024, section 3.3, equations 5 to 8; zwyang6/SeCo: model/losses.py.
"""

from torch import Tensor

KEYS_TEMPERATURE, PROTOTYPES_TEMPERATURE = 0.08, 0.1
NOISE = 10  # below-average columns for each other one, above which a row is noise
TINY = 1e-12


def queue_loss(
    queries: Tensor, tags: Tensor, keys: Tensor, key_tags: Tensor
) -> tuple[Tensor, Tensor]:
    """The loss of queries (B, d) with keys (M, d), and the tags (B,) after noise was found.

    Tags are classes, 0 for the background and -1 for none. A row whose positives stand out from
    few columns is noise: its tag becomes 0 and it has no positive. As released, a logit of exactly
    0 counts as absent and the sum of a row runs over all keys, negatives included.
    """
    logits = queries @ keys.T / KEYS_TEMPERATURE
    logits = logits - logits.detach().amax(1, keepdim=True)
    logits = logits * (tags != -1)[:, None]
    positive = (tags[:, None] == key_tags) & (tags != -1)[:, None]
    similar = logits * positive
    noisy = is_noise(similar.detach())
    similar = similar * ~noisy[:, None]
    sums = sum_of_powers(logits * (key_tags != -1))
    count = (similar.detach() != 0).sum().clamp(min=1)
    rows = (similar - (sums + TINY).log()[:, None]).sum(1) / count
    counted = (sums.detach() > 0) & (rows.detach() < 0) & bool((similar.detach() != 0).any())
    return -(rows * counted).sum() / len(queries), tags.where(~noisy, 0)


def is_noise(similar: Tensor) -> Tensor:
    """(B,) rows with more than ten columns below their mean for each that is not."""
    below = (similar < similar.mean(1, keepdim=True)).sum(1)
    return below / (similar.shape[1] - below + 1e-6) > NOISE


def sum_of_powers(logits: Tensor) -> Tensor:
    """(B,) the sums of exp(logits) without those that are exactly 1."""
    powers = logits.exp()
    return (powers * (powers != 1)).sum(1)


def prototype_loss(queries: Tensor, tags: Tensor, prototypes: Tensor) -> Tensor:
    """The mean cross-entropy of queries with a class, among the classes of the batch."""
    classes = tags[tags > 0].long()
    if not len(classes):
        return queries.sum() * 0
    logits = queries[tags > 0] @ prototypes.T / PROTOTYPES_TEMPERATURE
    sums = sum_of_powers(logits[:, classes.bincount().nonzero()[:, 0] - 1])
    own = logits.gather(1, classes[:, None] - 1)[:, 0]
    return ((sums + TINY).log() - own).mean()
