"""The random walk of AffinityNet: sparse and by polynomials, against powers of a dense matrix."""

import torch
from timing import Result, interleave

from wsss_affinity.affinities import affinity_maps
from wsss_harness.networks.affinity.neighbours import half_plane, sources, targets
from wsss_harness.networks.affinity.walk import propagate

RADIUS, BETA, SQUARINGS = 5, 8, 8
CHANNELS = 448


def random_walk(quick):
    size, repeats = ((12, 16), 3) if quick else ((47, 63), 5)
    generator = torch.Generator().manual_seed(0)
    features = smooth(torch.randn(CHANNELS, *size, generator=generator))
    present = torch.rand(4, *size, generator=generator)  # three classes and the background
    everything = torch.cat((present, torch.zeros(17, *size)))

    def ours():
        links = affinity_maps(features, RADIUS)
        return propagate(present, links, RADIUS, BETA, 2**SQUARINGS)

    def peer():
        return everything.flatten(1) @ dense_power(features)

    worst = (peer()[:4].reshape(present.shape) - ours()).abs().max().item()
    assert worst < 1e-3, worst
    note = (
        f"{size[0]}x{size[1]} nodes, from features to maps of 3 classes and the background, one "
        f"thread, equal to {worst:.0e}; peer: affinities of pairs by index, a dense matrix squared "
        f"{SQUARINGS} times, 21 channels (the algorithm of psa, infer_aff.py)"
    )
    return Result("random_walk", *interleave(ours, peer, repeats), "s", note)


def smooth(noise):
    """Features that differ little between neighbours, like those of a network."""
    return torch.nn.functional.avg_pool2d(noise, 5, stride=1, padding=2)


def dense_power(features):
    """T ** (2 ** SQUARINGS) of all nodes, as the released code builds it."""
    _, height, width = features.shape
    nodes = torch.arange(height * width).reshape(height, width)
    start = sources(nodes, RADIUS).flatten().repeat(len(half_plane(RADIUS)))
    end = torch.cat([target.flatten() for target in targets(nodes, RADIUS)])
    flat = features.flatten(1)
    pairs = (flat[:, start] - flat[:, end]).abs().mean(0).neg().exp()
    matrix = torch.eye(height * width)
    matrix[start, end] = pairs
    matrix[end, start] = pairs
    transition = matrix**BETA
    transition = transition / transition.sum(0)
    for _ in range(SQUARINGS):
        transition = transition @ transition
    return transition
