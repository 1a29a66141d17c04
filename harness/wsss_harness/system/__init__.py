"""Files, processes, locks and limits; knows nothing of segmentation."""
