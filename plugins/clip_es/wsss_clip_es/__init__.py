"""CLIP-ES: class maps of CLIP without any training."""
