"""Truth whose files number the colours of the classes each for itself is refused."""

import numpy as np
import pytest
from fake_data import FakeDataset
from PIL import Image

from wsss_harness.contract.errors import DataError
from wsss_harness.suite.truth_check import check_truth
from wsss_harness.suite.truth_colours import ColourTally, palette_of_truth
from wsss_harness.system.palettes import palette

BLACK, RED, GREEN, YELLOW = (palette()[3 * value :][:3] for value in range(4))
OWN = bytes([128, 64, 128]), bytes([244, 35, 232]), bytes([70, 70, 70])


def problem(*files):
    """Of files, each its palette and the values in it, of a dataset with three classes."""
    tally = ColourTally(3)
    for number, (triples, *values) in enumerate(files):
        tally.add(f"i{number}", np.bincount(values, minlength=256), triples)
    return tally.problem()


@pytest.mark.parametrize(
    "files",
    [
        [(palette(), 0, 1, 2, 3, 255), (palette()[:9], 0, 2)],
        [(None, 0, 1), (palette(), 0, 3)],  # grey
        [(BLACK + GREEN + RED, 0, 1, 2), (BLACK + GREEN + RED, 0, 2)],  # a palette of its own
        [(b"".join(OWN), 0, 1), (palette(), 0, 2)],
        [(bytes(768), 1), (bytes(768), 2), (palette(), 0, 3)],  # a palette without colours
    ],
)
def test_palettes_with_one_order_are_accepted(files):
    assert problem(*files) is None


@pytest.mark.parametrize(
    ("files", "image_id"),
    [
        ([(BLACK + RED, 0, 1), (BLACK + GREEN, 0, 1)], "i1"),
        ([(palette(), 0, 1), (palette(), 0, 2), (BLACK + YELLOW, 0, 1)], "i2"),
        ([(RED + BLACK, 0, 1), (RED + BLACK, 0, 1)], "i0"),  # the background is not 0
        ([(b"".join(OWN), 0, 1, 2), (OWN[1] + OWN[0] + OWN[2], 0, 1)], "i1"),
    ],
)
def test_colours_numbered_anew_are_named(files, image_id):
    assert f"the palette of {image_id} has colours in another order" in problem(*files)


class Quantized(FakeDataset):
    """Truth in VOC's colours, whose files a tool converted to palettes."""

    def __init__(self, folder):
        super().__init__()
        coloured = np.frombuffer(palette(), np.uint8).reshape(-1, 3)
        for image_id in self.ids("train"):
            Image.fromarray(coloured[super().truth(image_id)]).quantize(4).save(
                folder / f"{image_id}.png"
            )
        self.folder = folder

    def truth_path(self, image_id):
        return self.folder / f"{image_id}.png"

    def truth(self, image_id):
        with Image.open(self.truth_path(image_id)) as picture:
            return np.array(picture)


def test_a_run_refuses_truth_that_a_tool_numbered_anew(tmp_path):
    with pytest.raises(DataError, match="scored images are numbered as classes: not so"):
        check_truth(Quantized(tmp_path), with_val=False)


def test_only_a_png_with_a_palette_has_one(tmp_path):
    data = Quantized(tmp_path)
    image_id = data.ids("train")[0]
    assert palette_of_truth(data, image_id)
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(data.truth_path(image_id))
    assert palette_of_truth(data, image_id) is None
    data.truth_path(image_id).unlink()
    assert palette_of_truth(data, image_id) is None
    assert palette_of_truth(FakeDataset(), image_id) is None
