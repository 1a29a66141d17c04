"""Pairs of neighbouring nodes of a grid, what they learn, and the walk along their affinities."""
