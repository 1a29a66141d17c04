"""Stages, their cache keys, and the folders in which finished ones are kept."""
