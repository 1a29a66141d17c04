"""Segmentors: DeepLab through mmsegmentation. Free of torch until something is trained."""

from wsss_harness.networks.segmentors.mmseg_segmentor import MmsegSegmentor

__all__ = ["MmsegSegmentor"]
