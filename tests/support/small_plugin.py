"""The plugins of small_suite as a file that worker processes load by WSSS_PLUGIN_PATH."""

from small_suite import Plugin

_plugin = Plugin()
wsss_datasets = _plugin.wsss_datasets
wsss_generators = _plugin.wsss_generators
wsss_refiners = _plugin.wsss_refiners
wsss_mask_refiners = _plugin.wsss_mask_refiners
wsss_metrics = _plugin.wsss_metrics
wsss_segmentors = _plugin.wsss_segmentors
