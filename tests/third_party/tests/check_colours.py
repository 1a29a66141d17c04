"""The plugin's own tests; wsss-bench runs them with the plugin installed."""

import numpy as np
import wsss_colours

from wsss_harness import assert_conforms


def test_it_keeps_the_contract():
    assert_conforms("generator", "colours")


def test_colours_are_numbered_by_their_steps():
    image = np.array([[[0, 0, 0], [255, 255, 255], [0, 0, 128]]], np.uint8)
    assert wsss_colours.Colours(levels=2).colours(image).tolist() == [[0, 7, 1]]
