"""ToCo and SeCo: segmentation in a single stage, with contrast between tokens of a transformer."""
