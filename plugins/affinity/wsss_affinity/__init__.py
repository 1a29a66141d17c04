"""Affinity refinement of class scores."""
