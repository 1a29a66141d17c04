"""wsss-bench: a plugin-based benchmark for weakly supervised semantic segmentation."""
