"""What generators in the manner of CAM share: one network, its training and its inference.

A plugin brings its loss and its defaults; ``generator.ClassMapGenerator`` brings the rest. Only
``generator`` is free of torch, so that a plugin can be announced without loading it.
"""
