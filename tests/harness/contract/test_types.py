"""Checks of the data that plugins exchange."""

import numpy as np
import pytest

from wsss_harness.contract.errors import DataError, PluginError
from wsss_harness.contract.types import Sample


def test_a_part_of_another_size_than_its_image_is_named():
    sample = Sample("image_7", {"image": np.zeros((2, 3, 3), np.uint8)}.__getitem__)
    sample.check_size((2, 3), "saliency")
    with pytest.raises(DataError, match=r"saliency of image image_7 is \(3, 2\).*\(2, 3\)"):
        sample.check_size((3, 2), "saliency")
    with pytest.raises(PluginError):
        sample.check_size((2, 3, 1), "scores", PluginError)
