"""Masks and maps of others that can be read, but cannot be meant."""

import json

import numpy as np
import pytest
from fake_data import FakeDataset
from sample_packs import DATA, IDS, imported, painted, with_palette

from wsss_harness.contract.errors import DataError
from wsss_harness.packs.exchange import blank, write_pack
from wsss_harness.packs.importing import import_folder
from wsss_harness.packs.manifest import Pack, digest
from wsss_harness.system import pictures
from wsss_harness.system.palettes import palette

COLOURS = np.frombuffer(palette(), np.uint8).reshape(-1, 3)
FOREIGN = bytes([128, 64, 128, 244, 35, 232, 70, 70, 70]) + bytes([9] * 759)


class Many(FakeDataset):
    """As many images of train as are needed to be sure; each has class 1."""

    def present(self, image_id):
        return (1,)


def renumbered(mask):
    """The mask in VOC's colours, whose palette has them in another order."""
    new_numbers = np.array([2, 0, 1], np.uint8)
    return with_palette(new_numbers[mask], COLOURS[[1, 2, 0]].tobytes() + bytes(759))


def test_masks_that_number_their_colours_anew_are_refused(tmp_path):
    painted(tmp_path / "theirs")
    path = tmp_path / f"theirs/{IDS[3]}.png"
    renumbered(DATA.truth(IDS[3])).save(path)
    with pytest.raises(DataError, match=rf"{IDS[3]}\.png has the colours of the classes in"):
        imported(tmp_path)
    assert not (tmp_path / "pack").exists()


def test_a_pack_that_numbers_its_colours_anew_is_refused(tmp_path):
    picture = renumbered(DATA.truth(IDS[0]))

    def write(image_id, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)

    manifest = blank("masks", "T", DATA, None, {})
    write_pack(tmp_path / "pack", manifest, IDS[:1], DATA, write)
    with pytest.raises(DataError, match=f"mask of image {IDS[0]} has the colours of the classes"):
        Pack(tmp_path / "pack").mask(IDS[0])


def test_masks_in_other_colours_come_in_with_one_warning(tmp_path):
    painted(tmp_path / "theirs")
    for image_id in IDS[2:5]:
        with_palette(DATA.truth(image_id), FOREIGN).save(tmp_path / f"theirs/{image_id}.png")
    pack, warnings = imported(tmp_path)
    np.testing.assert_array_equal(pack.mask(IDS[2]), DATA.truth(IDS[2]))
    (warning,) = warnings
    assert warning.startswith("3 of 8 masks have another palette than the truth and PASCAL VOC")
    assert f"{IDS[2]}.png" in warning


def test_masks_in_the_colours_of_the_truth_come_in_without_a_warning(tmp_path):
    class OwnColours(FakeDataset):
        def truth_path(self, image_id):
            return tmp_path / f"truth/{image_id}.png"

    data = OwnColours()
    for folder in ("truth", "theirs"):
        (tmp_path / folder).mkdir()
        for image_id in IDS:
            with_palette(data.truth(image_id), FOREIGN).save(tmp_path / f"{folder}/{image_id}.png")
    assert imported(tmp_path, data)[1] == []
    swapped = FOREIGN[3:6] + FOREIGN[:3] + FOREIGN[6:]
    with_palette(data.truth(IDS[0]), swapped).save(tmp_path / f"theirs/{IDS[0]}.png")
    with pytest.raises(DataError, match="has the colours of the classes in another order"):
        import_folder(tmp_path / "theirs", "masks", data, tmp_path / "second", "T", None)


def test_classes_that_are_not_in_the_image_labels_are_counted(tmp_path):
    swapped = np.array([0, 2, 1], np.uint8)
    painted(tmp_path / "theirs", number=lambda truth: swapped[truth])
    _, warnings = imported(tmp_path)
    # of the 8 images of train every third has both classes: images 0, 3 and 6
    (warning,) = warnings
    assert warning.startswith("5 of 8 masks hold a class that is not in their image's label")
    assert "image_001 (disc)" in warning


@pytest.mark.parametrize("value", [0, 255])
def test_ignored_pixels_and_missing_classes_are_no_doubts(tmp_path, value):
    painted(
        tmp_path / "theirs", number=lambda truth: np.where(truth == 2, value, truth).astype("u1")
    )
    assert imported(tmp_path)[1] == []


@pytest.mark.parametrize("number", [lambda truth: 255 * (truth > 0), lambda truth: truth * 0 + 255])
def test_masks_of_0_and_255_alone_are_refused(tmp_path, number):
    painted(tmp_path / "theirs", number=lambda truth: number(truth).astype(np.uint8))
    with pytest.raises(DataError, match=r"none of the 8 masks holds a class, such as .* store the"):
        imported(tmp_path)
    assert not (tmp_path / "pack").exists()


def test_masks_without_a_class_are_a_warning_if_most_are_so(tmp_path):
    painted(tmp_path / "theirs", number=lambda truth: truth * np.uint8(0))
    (warning,) = imported(tmp_path)[1]
    assert warning.startswith("8 of 8 masks hold no class")
    assert f"first image {IDS[0]}" in warning


def test_images_without_a_label_need_no_class(tmp_path):
    class Unlabelled(FakeDataset):
        def present(self, image_id):
            return ()

    painted(tmp_path / "theirs", number=lambda truth: truth * np.uint8(0) + np.uint8(255))
    assert imported(tmp_path, Unlabelled())[1] == []


@pytest.mark.parametrize("layout", ["masks", "pack"])
def test_many_masks_without_any_class_of_their_image_are_refused(tmp_path, layout):
    data = Many(30)  # 20 images of train
    painted(tmp_path / "theirs", data, lambda truth: np.uint8(truth > 0) * np.uint8(2))
    if layout == "pack":
        (tmp_path / "theirs").rename(tmp_path / "masks")
        (tmp_path / "theirs").mkdir()
        (tmp_path / "masks").rename(tmp_path / "theirs/masks")
        manifest = blank("masks", "T", data, None, {}).model_dump(mode="json")
        manifest["images"] = {
            image_id: {
                "file": f"masks/{image_id}.png",
                "sha256": digest((tmp_path / f"theirs/masks/{image_id}.png").read_bytes()),
                "size": [24, 32],
            }
            for image_id in data.ids("train")
        }
        (tmp_path / "theirs/pack.json").write_text(json.dumps(manifest))
    with pytest.raises(DataError, match=r"none of the 20 masks has a class .* 1 is square"):
        imported(tmp_path, data, layout)
    assert not (tmp_path / "pack").exists()


@pytest.mark.parametrize("level", [0, 1])
def test_maps_of_0_and_1_are_a_warning(tmp_path, level):
    for image_id in IDS:
        for number in DATA.present(image_id):
            path = tmp_path / f"theirs/{image_id}_{number - 1}.png"
            pictures.write_grey(path, level * np.eye(24, 32, dtype=np.uint8))
    (warning,) = imported(tmp_path, layout="maps")[1]
    assert "no map is brighter than 1 of 255" in warning
