"""Folders of others become packs, or are refused by name."""

import shutil

import numpy as np
import pytest
from fake_data import FakeDataset
from PIL import Image
from sample_packs import DATA, IDS, imported, maps, masks, painted

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.packs.importing import import_folder
from wsss_harness.packs.manifest import Pack
from wsss_harness.system import pictures
from wsss_harness.system.score_files import read_scores


class Nested(FakeDataset):
    """The fake data with folders in the ids."""

    @property
    def names(self):
        return tuple(f"city{i % 2}/image {i}" for i in range(self.count))


def test_masks_of_ids_with_folders_come_in_and_go_out(tmp_path):
    data = Nested()
    painted(tmp_path / "theirs", data)
    pack, warnings = imported(tmp_path, data)
    assert warnings == []
    for image_id in data.ids("train"):
        np.testing.assert_array_equal(pack.mask(image_id), data.truth(image_id))
    import_folder(tmp_path / "pack", "pack", data, tmp_path / "again", None, None)


def test_maps_of_ids_with_folders_come_in(tmp_path):
    data = Nested()
    for image_id in data.ids("train"):
        for number in data.present(image_id):
            path = tmp_path / f"theirs/{image_id}_{number - 1}.png"
            pictures.write_grey(path, np.full((24, 32), 255, np.uint8))
    pack, _ = imported(tmp_path, data, "maps")
    assert pack.scores("city1/image 1").classes == (1,)


@pytest.mark.parametrize("name", ["image_000.png", "deep/image_000.PNG"])
def test_a_mask_of_no_image_says_how_files_are_named(tmp_path, name):
    painted(tmp_path / "theirs", Nested())
    pictures.write_grey(tmp_path / "theirs" / name, np.zeros((24, 32), np.uint8))
    with pytest.raises(DataError, match=r"belongs to no image .* as city0/image 0\.png"):
        imported(tmp_path, Nested())


def test_two_files_for_one_image_are_refused(tmp_path):
    painted(tmp_path / "theirs")
    pictures.write_grey(tmp_path / f"theirs/{IDS[0]}.PNG", np.zeros((24, 32), np.uint8))
    with pytest.raises(DataError, match=r"\.PNG and .*\.png are of one image; remove one"):
        imported(tmp_path)


def test_maps_of_16_bits_keep_their_scores(tmp_path):
    (tmp_path / "theirs").mkdir()
    levels = np.full((24, 32), 32768, np.uint16)
    for image_id in IDS:
        for number in DATA.present(image_id):
            Image.fromarray(levels).save(tmp_path / f"theirs/{image_id}_{number - 1}.png")
    _, warnings = imported(tmp_path, layout="maps")
    scores = read_scores(tmp_path / f"pack/scores/{IDS[0]}.scores")
    assert np.abs(scores.values - 0.5).max() < 0.005
    assert warnings == []


def test_maps_of_eight_bits_become_scores(tmp_path):
    source = tmp_path / "maps"
    source.mkdir()
    rng = np.random.default_rng(0)
    drawn = {}
    for image_id in IDS:
        for number in DATA.present(image_id):
            drawn[image_id, number] = grey = rng.integers(0, 256, (24, 32), np.uint8)
            Image.fromarray(grey).save(source / f"{image_id}_{number - 1}.png")
    import_folder(source, "maps", DATA, tmp_path / "pack", "Theirs", ())
    for image_id in IDS:
        scores = read_scores(tmp_path / "pack" / "scores" / f"{image_id}.scores")
        assert scores.classes == DATA.present(image_id)
        for number, values in zip(scores.classes, scores.values, strict=True):
            assert np.abs(values - drawn[image_id, number] / 255).max() < 0.005


def test_an_image_without_objects_needs_no_map(tmp_path, monkeypatch):
    empty = IDS[2]
    present = FakeDataset.present
    monkeypatch.setattr(
        FakeDataset, "present", lambda self, i: () if i == empty else present(self, i)
    )
    source = maps(tmp_path / "maps", [i for i in IDS if i != empty])
    import_folder(source, "maps", DATA, tmp_path / "pack", "Theirs", ())
    scores = read_scores(tmp_path / "pack" / "scores" / f"{empty}.scores")
    assert scores.classes == ()
    assert scores.size == (24, 32)


def test_two_maps_of_one_class_are_named(tmp_path):
    source = maps(tmp_path / "maps", IDS)
    number = DATA.present(IDS[0])[0] - 1
    twin = source / f"{IDS[0]}_0{number}.png"
    shutil.copy(source / f"{IDS[0]}_{number}.png", twin)
    with pytest.raises(
        DataError, match=rf"{IDS[0]}_0{number}\.png and .* are of one class and image"
    ):
        import_folder(source, "maps", DATA, tmp_path / "pack", "Theirs", ())


def test_a_pack_may_get_another_name(exported, tmp_path):
    import_folder(exported(), "pack", DATA, tmp_path / "renamed", "Mine", None)
    assert Pack(tmp_path / "renamed").manifest.method == "Mine"


def test_importing_a_pack_as_masks_names_the_right_layout(exported, tmp_path):
    with pytest.raises(ConfigError, match="is a pack already; import it with --layout pack"):
        import_folder(exported(), "masks", DATA, tmp_path / "again", None, None)


def test_importing_a_pack_keeps_its_method(exported, tmp_path):
    folder = exported()
    import_folder(folder, "pack", DATA, tmp_path / "checked", None, None)
    assert Pack(tmp_path / "checked").manifest.method == "R"


def stranger(folder):
    shutil.copy(folder / f"{IDS[0]}.png", folder / "holiday.png")


def too_few(folder):
    (folder / f"{IDS[1]}.png").unlink()


def other_size(folder):
    pictures.write_mask(folder / f"{IDS[1]}.png", np.zeros((5, 6), np.uint8))


def colours(folder):
    Image.fromarray(np.zeros((24, 32, 3), np.uint8)).save(folder / f"{IDS[1]}.png")


@pytest.mark.parametrize(
    ("fault", "layout", "message"),
    [
        (stranger, "masks", r"holiday\.png belongs to no image of train"),
        (too_few, "masks", rf"has nothing for image {IDS[1]} of train \(1 such\)"),
        (other_size, "masks", rf"{IDS[1]}\.png is 6x5, but its image is 32x24"),
        (colours, "masks", rf"{IDS[1]}\.png is a colour picture \(RGB\); save"),
        (stranger, "maps", r"belongs to no image of train"),
    ],
)
def test_a_folder_that_does_not_fit_is_named(tmp_path, fault, layout, message):
    source = masks(tmp_path / "plain")
    fault(source)
    with pytest.raises(DataError, match=message):
        import_folder(source, layout, DATA, tmp_path / "pack", "Theirs", None)
    assert not (tmp_path / "pack").exists()


def test_a_map_of_an_unknown_class_is_named(tmp_path):
    (tmp_path / "maps").mkdir()
    Image.fromarray(np.zeros((24, 32), np.uint8)).save(tmp_path / "maps" / f"{IDS[0]}_7.png")
    with pytest.raises(DataError, match=r"'7' is not a class; names are ID_c.png with c in 0..1"):
        import_folder(tmp_path / "maps", "maps", DATA, tmp_path / "pack", "Theirs", None)


def test_an_unknown_supervision_is_named(tmp_path):
    source = masks(tmp_path / "plain")
    with pytest.raises(ConfigError, match="'guesses' is not a supervision; name some of image_"):
        import_folder(source, "masks", DATA, tmp_path / "pack", "Theirs", ("guesses",))


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path):
    source = masks(tmp_path / "plain")
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty; name a new folder"):
        import_folder(source, "masks", DATA, tmp_path, "Theirs", None)
    assert (tmp_path / "thesis.txt").read_text() == "mine"
