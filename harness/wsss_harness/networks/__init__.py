"""Backbones, class maps, segmentors, their training, and the dense CRF."""
