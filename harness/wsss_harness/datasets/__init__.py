"""Datasets: the built-in one and folders in VOC layout."""
