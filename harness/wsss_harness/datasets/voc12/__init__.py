"""PASCAL VOC 2012 from its official archives: lists, masks, image labels and contexts."""
