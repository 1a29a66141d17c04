"""Boards of entries: intervals, ranks, tie groups, and where the spread comes from."""
