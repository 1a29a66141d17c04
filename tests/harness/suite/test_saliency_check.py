"""Saliency maps whose levels are 0 and 1 are refused where a row reads them."""

import numpy as np
import pytest
import small_suite
from fake_data import FakeDataset

from wsss_harness.contract.errors import DataError
from wsss_harness.suite.saliency_check import check_levels


class Faint(FakeDataset):
    """Maps of 0 and 1 in files of 8 bits, but for the last ``sound`` ones of train."""

    def __init__(self, sound):
        super().__init__()
        self.sound = self.ids("train")[8 - sound :]

    def saliency(self, image_id):
        saliency = super().saliency(image_id).round()
        return saliency if image_id in self.sound else (saliency / 255).astype(np.float32)


def check(dataset, **changes):
    check_levels(small_suite.suite(**changes), small_suite.plugins(), dataset)


def test_maps_of_0_and_1_are_refused():
    with pytest.raises(DataError, match=r"row 'S' .*\(of the dataset\).* multiply them by 255"):
        check(Faint(sound=0))


def test_map_that_is_named_is_one_of_them():
    dataset = Faint(sound=0)
    faint = dataset.saliency
    dataset.saliency = lambda i: faint(i) * np.float32(i != "image_000")  # black
    with pytest.raises(DataError, match="such as that of image_001"):
        check(dataset)


def test_maps_with_other_levels_are_accepted():
    check(Faint(sound=1))
    check(FakeDataset())


def test_maps_that_no_row_reads_do_not_matter():
    rows = [{"method": "R", "generator": "R", "rule": {"name": "constant", "threshold": 0.5}}]
    check(Faint(sound=0), rows=rows)
