"""SGAN: seeds spread between pixels that are similar, and salient alike."""
