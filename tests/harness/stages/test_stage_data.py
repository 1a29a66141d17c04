"""The dataset of any plugin is checked when the harness opens it."""

import pytest
from fake_data import FakeDataset

from wsss_harness.contract.errors import DataError
from wsss_harness.stages.stage_data import open_dataset


class Source:
    def __init__(self, **parts):
        self.parts = parts

    def open(self, folder):
        dataset = FakeDataset()
        for name, value in self.parts.items():
            setattr(dataset, name, value)
        return dataset


def of_splits(**splits):
    return {"ids": splits.__getitem__}


def test_a_sound_dataset_is_opened(tmp_path):
    assert open_dataset(Source(), tmp_path).classes == FakeDataset.classes


@pytest.mark.parametrize(
    ("parts", "named"),
    [
        ({"classes": ("disc", "background")}, "'background'"),
        ({"classes": ("disc", "Disc")}, "'Disc'"),
        ({"classes": ()}, "0 classes"),
        (of_splits(train=("a", "b", "a"), val=("c",)), "image a twice in train"),
        (of_splits(train=("a",), val=("b", "b")), "image b twice in val"),
        (of_splits(train=("../a",), val=("c",)), "'../a', which is not an image id"),
        (of_splits(train=("a",), val=(7,)), "7, which is not an image id"),
        (of_splits(train=("a", "b"), val=("b",)), r"image b \(1 in all\) in train and in val"),
        (of_splits(train=("a",), val=("c",)) | {"scored": ("b",)}, "image b .* is not in train"),
    ],
)
def test_what_would_be_scored_wrongly_is_refused(tmp_path, parts, named):
    with pytest.raises(DataError, match=f"dataset Source.*{named}"):
        open_dataset(Source(**parts), tmp_path)
