"""The network, training and inference that CAM-like generators share.

A plugin adds its loss and its defaults to ``generator.ClassMapGenerator``. ``generator`` and
``settings`` do not import torch, so that a plugin can be announced without loading it.
"""
