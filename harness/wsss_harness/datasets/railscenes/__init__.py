"""RailScenes: drawn scenes with exact truth, context maps and simulated saliency; and icons."""

from wsss_harness.datasets.railscenes.compose import Scene, scene
from wsss_harness.datasets.railscenes.dataset import Icons, RailScenes

__all__ = ["Icons", "RailScenes", "Scene", "scene"]
