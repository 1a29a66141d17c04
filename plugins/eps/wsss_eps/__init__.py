"""EPS: explicit pseudo-pixel supervision (Lee et al., CVPR 2021)."""
