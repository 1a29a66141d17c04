"""Mask packs: masks or scores of a method as a folder that others can check and use.

    pack.json           their origin, and each file with its size and digest
    masks/ID.png        palette PNG, 0..C or 255          or
    scores/ID.scores    class scores

A pack stands for a generator whose code is not here; refiners, segmentors and tables treat it as
any other.
"""

from wsss_harness.packs.manifest import MaskPack

__all__ = ["MaskPack"]
