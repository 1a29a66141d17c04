"""The walk of IRN between boundaries: sparse and by polynomials, against a dense matrix."""

import time
from itertools import groupby

import torch
from random_walk import smooth
from timing import Result, interleave
from torch.nn.functional import pad

from wsss_harness.networks.affinity.neighbours import half_plane
from wsss_irn import Irn
from wsss_irn.inference import walk
from wsss_irn.paths import path

SQUARINGS = 8
RELEASED = Irn()
RADIUS = RELEASED.walk_radius


def edge_walk(quick):
    size, repeats = ((12, 16), 3) if quick else ((47, 63), 5)
    generator = torch.Generator().manual_seed(0)
    edge = torch.sigmoid(8 * smooth(torch.randn(1, *size, generator=generator))[0])
    scores = torch.rand(3, *size, generator=generator)

    def ours():
        return walk(scores, edge, RELEASED)

    def peer():
        before = (scores * (1 - edge)).flatten(1)
        return (before @ dense_power(edge)).reshape(scores.shape)

    expected = peer()
    worst = ((expected - ours()).abs().max() / expected.abs().max()).item()
    assert worst < 5e-4, worst
    note = (
        f"{size[0]}x{size[1]} nodes, from boundaries to walked maps of 3 classes, one thread, "
        f"equal to {worst:.0e} of the largest value; peer: the largest boundary of each path by "
        f"index, a dense matrix squared {SQUARINGS} times (the algorithm of irn, misc/indexing.py)"
    )
    return Result("edge_walk", *interleave(ours, peer, repeats, time.process_time), "s", note)


def dense_power(edge):
    """T ** (2 ** SQUARINGS) of all nodes, as the released code builds it."""
    height, width = edge.shape
    walled = pad(edge, (RADIUS, RADIUS, 0, RADIUS), value=1.0)
    starts = torch.arange(walled.numel()).reshape(walled.shape)
    starts = starts[:height, RADIUS : RADIUS + width].flatten()
    nodes = torch.full(walled.shape, -1)
    nodes[:height, RADIUS : RADIUS + width] = torch.arange(height * width).reshape(height, width)
    matrix = torch.eye(height * width)
    ordered = sorted(half_plane(RADIUS), key=lambda offset: len(path(offset)))
    for _, group in groupby(ordered, key=lambda offset: len(path(offset))):
        offsets = list(group)
        steps = [[y * walled.shape[1] + x for y, x in path(offset)] for offset in offsets]
        indices = torch.tensor(steps)[:, :, None] + starts
        affinities = 1 - walled.flatten()[indices].amax(1)
        ends = nodes.flatten()[indices[:, 0]]  # the target comes first
        own = nodes.flatten()[starts].expand_as(ends)
        inside = ends >= 0
        matrix[own[inside], ends[inside]] = affinities[inside]
        matrix[ends[inside], own[inside]] = affinities[inside]
    transition = matrix**RELEASED.beta
    transition = transition / transition.sum(0)
    for _ in range(SQUARINGS):
        transition = transition @ transition
    return transition
