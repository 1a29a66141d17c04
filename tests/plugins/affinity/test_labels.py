"""Labels of nodes, against a loop and golden numbers."""

import numpy as np
import pytest
import torch
from golden_files import golden

from wsss_affinity.labels import sure_labels


def loop_label(careful, eager):
    """The label of a node by the scores of its channels, background first."""
    if max(*careful, *eager) < 1e-5:
        return 255
    if max(range(len(eager)), key=lambda k: eager[k]) == 0:
        return 0
    best = max(range(len(careful)), key=lambda k: careful[k])
    return best or 255


def test_labels_are_those_of_a_loop():
    careful, eager = torch.rand(2, 2, 4, 6, 9, dtype=torch.float64)
    careful[0, :, :3, :3] = eager[0, :, :3, :3] = 0
    careful[:, 0] *= 1.5
    labels = sure_labels(careful, eager, 3)
    assert labels.shape == (2, 2, 3)
    for b, y, x in np.ndindex(2, 2, 3):
        square = np.s_[b, :, 3 * y : 3 * y + 3, 3 * x : 3 * x + 3]
        means = [stack[square].mean((1, 2)).tolist() for stack in (careful, eager)]
        assert labels[b, y, x] == loop_label(*means)
    assert labels[0, 0, 0] == 255


def test_equal_stacks_leave_nothing_unknown():
    stack = torch.rand(3, 8, 8) + 0.1
    labels = sure_labels(stack, stack, 2)
    assert torch.equal(labels, torch.nn.functional.avg_pool2d(stack, 2).argmax(0))


@pytest.mark.golden
def test_labels_are_the_released_ones():
    numbers = golden("affinity_pairs.npz")
    scores = torch.from_numpy(numbers["merge_scores_cropped"]).permute(0, 3, 1, 2)
    half = scores.shape[1] // 2
    stride = scores.shape[2] // numbers["merge_label"].shape[1]
    labels = sure_labels(scores[:, :half], scores[:, half:], stride)
    assert np.array_equal(labels, numbers["merge_label"])
