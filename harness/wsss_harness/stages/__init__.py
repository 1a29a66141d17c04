"""The work of each stage: from images to scores, masks, predictions and counts."""
