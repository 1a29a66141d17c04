"""A folder in VOC layout is read as it is, and damage is named by file."""

import json

import numpy as np
import pytest
from PIL import Image

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.supervision import scores_masks
from wsss_harness.datasets.voc_folder import SUFFIXES, VocFolder
from wsss_harness.stages.stage_data import open_dataset
from wsss_harness.system.pictures import write_mask


@pytest.fixture
def root(tmp_path):
    """Two images of 4x3 pixels, one for train and one for val."""
    for folder in ("JPEGImages", "SegmentationClass", "saliency", "context"):
        (tmp_path / folder).mkdir()
    lists = tmp_path / "ImageSets/Segmentation"
    lists.mkdir(parents=True)
    for split, image_id in (("train", "a"), ("val", "b")):
        (lists / f"{split}.txt").write_text(image_id + "\n")
        pixels = np.full((3, 4, 3), 200, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"JPEGImages/{image_id}.jpg", quality=95)
        truth = np.array([[0, 1, 2, 255], [0, 0, 0, 0], [2, 2, 2, 2]], np.uint8)
        write_mask(tmp_path / f"SegmentationClass/{image_id}.png", truth)
        grey = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4) * 20)
        grey.save(tmp_path / f"saliency/{image_id}.png")
        index = Image.fromarray(np.eye(3, 4, dtype=np.uint8))
        index.save(tmp_path / f"context/{image_id}.png")
    labels = {"classes": ["cat", "train"], "labels": {"a": ["train", "cat"], "b": []}}
    (tmp_path / "image_labels.json").write_text(json.dumps(labels))
    contexts = {"names": ["rails"], "pairs": [["rails", "train"]]}
    (tmp_path / "contexts.json").write_text(json.dumps(contexts))
    return tmp_path


@pytest.fixture
def opened(root):
    return lambda **options: VocFolder(str(root), **options).open(root)


def test_opened_dataset_has_every_part(opened):
    data = opened()
    assert data.classes == ("cat", "train")
    assert data.contexts == (("rails", "train"),)
    assert data.supervision == {"image_labels", "saliency"}
    assert (data.ids("train"), data.ids("val")) == (("a",), ("b",))
    assert (data.present("a"), data.present("b")) == ((1, 2), ())
    assert data.image("a").shape == (3, 4, 3)
    assert data.truth("a").tolist()[0] == [0, 1, 2, 255]
    assert data.saliency("a").dtype == np.float32
    assert data.saliency("a")[2, 3] == np.float32(220 / 255)
    assert data.context("a")["rails"].sum() == 3


def test_missing_truth_and_maps_are_told(opened, root):
    data = opened()
    assert [data.has_truth(i) for i in "ab"] == [data.has_saliency(i) for i in "ab"] == [True, True]
    (root / "SegmentationClass/a.png").unlink()
    (root / "saliency/b.png").unlink()
    assert [data.has_truth(i) for i in "ab"] == [False, True]
    assert [data.has_saliency(i) for i in "ab"] == [True, False]


def test_maps_of_another_size_are_resized_on_request_and_are_other_data(opened, root):
    small = Image.fromarray(np.array([[0, 255]], np.uint8))
    small.save(root / "saliency/a.png")
    with pytest.raises(DataError, match="resize_saliency"):
        opened().saliency("a")
    data = opened(resize_saliency="bilinear")
    assert data.saliency("a").tolist() == [[0, 0.25, 0.75, 1]] * 3
    assert data.fingerprint() != opened().fingerprint()
    plain, resizing = (VocFolder(str(root), resize_saliency=r) for r in ("none", "bilinear"))
    assert plain.identity() != resizing.identity()
    assert list(plain.identity()) == ["content"]


def test_truth_of_train_can_be_left_unused(opened):
    data = opened(train_truth="none")
    assert [data.has_truth(i) for i in "ab"] == [False, True]
    assert not scores_masks(data)
    assert scores_masks(opened())


def test_lists_and_folders_can_be_renamed(opened, root):
    (root / "ImageSets/Segmentation/few.txt").write_text("a\n")
    (root / "saliency").rename(root / "maps")
    data = opened(train="few", saliency="maps")
    assert data.ids("train") == ("a",)
    assert data.saliency("a").max() > 0


def test_image_in_train_and_val_is_refused(root):
    (root / "ImageSets/Segmentation/few.txt").write_text("b\n")
    with pytest.raises(DataError, match=r"image b .* in train and in val"):
        open_dataset(VocFolder(str(root), train="few"), root)


def test_image_listed_twice_is_refused(opened, root):
    (root / "ImageSets/Segmentation/few.txt").write_text("a\na\n")
    with pytest.raises(DataError, match=r"few\.txt lists image a more than once"):
        opened(train="few")


def test_saliency_and_context_are_optional(opened, root):
    (root / "contexts.json").unlink()
    for path in (root / "saliency").iterdir():
        path.unlink()
    (root / "saliency").rmdir()
    data = opened()
    assert data.supervision == {"image_labels"}
    assert data.context("a") == {}
    assert data.contexts == ()


def test_fingerprint_depends_on_content_not_path(opened, root, tmp_path_factory):
    before = opened().fingerprint()
    other = tmp_path_factory.mktemp("elsewhere") / "data"
    root.rename(other)
    moved = VocFolder(str(other)).open(other)
    assert moved.fingerprint() == before
    write_mask(other / "SegmentationClass/b.png", np.zeros((3, 4), np.uint8))
    assert moved.fingerprint() != before


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_truncated_jpeg_is_named(opened, root):
    truncate(root / "JPEGImages/a.jpg")
    with pytest.raises(DataError, match=r"JPEGImages.a\.jpg cannot be read as an image"):
        opened().image("a")


def test_missing_saliency_map_is_named(opened, root):
    (root / "saliency/a.png").unlink()
    with pytest.raises(DataError, match=r"saliency.a\.png is missing"):
        opened().saliency("a")


@pytest.mark.parametrize("part", ["truth", "saliency"])
def test_map_of_another_size_is_named(opened, root, part):
    folder = {"truth": "SegmentationClass", "saliency": "saliency"}[part]
    Image.fromarray(np.zeros((5, 4), np.uint8)).save(root / folder / "a.png")
    with pytest.raises(DataError, match=r"a\.png is 4x5, but its image is 4x3"):
        getattr(opened(), part)("a")


def test_truth_with_an_unknown_class_is_refused(opened, root):
    write_mask(root / "SegmentationClass/a.png", np.full((3, 4), 3, np.uint8))
    with pytest.raises(DataError, match=r"holds the value 3, but there are 2 classes"):
        opened().truth("a")


def test_unknown_class_in_labels_is_named(opened, root):
    labels = {"classes": ["cat"], "labels": {"a": ["dog"], "b": []}}
    (root / "image_labels.json").write_text(json.dumps(labels))
    with pytest.raises(DataError, match="image a has class 'dog'"):
        opened()


def test_image_without_labels_is_named(opened, root):
    labels = {"classes": ["cat"], "labels": {"b": []}}
    (root / "image_labels.json").write_text(json.dumps(labels))
    with pytest.raises(DataError, match=r"train\.txt lists a \(1 such\), which .*labels\.json"):
        opened()


@pytest.mark.parametrize(
    ("content", "message"),
    [('{"labels": {}}', "must hold"), ("{", "not valid JSON"), (None, "is missing")],
)
def test_damaged_label_file_is_named(opened, root, content, message):
    path = root / "image_labels.json"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(DataError, match=f"image_labels.json.*{message}"):
        opened()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"names": ["rails"]}, "must hold"),
        ({"names": ["rails"], "pairs": [["water", "cat"]]}, r"the pair \['water', 'cat'\]"),
        ({"names": ["rails"], "pairs": [["rails", "dog"]]}, r"the pair \['rails', 'dog'\]"),
    ],
)
def test_wrong_contexts_are_named(opened, root, content, message):
    (root / "contexts.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=f"contexts.json.*{message}"):
        opened()


def test_fingerprint_depends_on_contexts(opened, root):
    before = opened().fingerprint()
    (root / "contexts.json").write_text(json.dumps({"names": ["rails"], "pairs": []}))
    assert opened().fingerprint() != before


def test_empty_list_is_refused(opened, root):
    (root / "ImageSets/Segmentation/train.txt").write_text("\n")
    with pytest.raises(DataError, match=r"train\.txt is empty"):
        opened()


def test_missing_list_is_named(opened):
    with pytest.raises(DataError, match=r"other\.txt is missing"):
        opened(val="other")


def test_missing_root_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere is not a folder; set dataset\.root"):
        VocFolder(str(tmp_path / "nowhere")).open(tmp_path)


def test_unknown_split_error_lists_the_splits(opened):
    with pytest.raises(
        DataError, match=r"no split named 'test'; there are \['scored', 'train', 'val'\]"
    ):
        opened().ids("test")


def test_scored_images_must_be_in_train(opened, root):
    assert opened().scored == opened().ids("train")
    lists = root / "ImageSets/Segmentation"
    train = (lists / "train.txt").read_text().split()
    (lists / "few.txt").write_text(f"{train[0]}\n")
    assert opened(scored="few").scored == (train[0],)
    (lists / "few.txt").write_text((lists / "val.txt").read_text())
    with pytest.raises(DataError, match="is not in train"):
        open_dataset(VocFolder(str(root), scored="few"), root)


def test_image_without_context_map_has_none(opened, root):
    (root / "context/a.png").unlink()
    data = opened()
    assert data.context("a") == {"rails": None}
    assert data.context("b")["rails"].any()


def test_context_maps_are_read_by_index_whatever_their_colours_are(opened, root):
    index = Image.frombytes("P", (4, 3), np.eye(3, 4, dtype=np.uint8).tobytes())
    index.putpalette(bytes([0, 0, 0, 128, 0, 0] * 128))
    index.save(root / "context/a.png")
    np.testing.assert_array_equal(opened().context("a")["rails"], np.eye(3, 4, dtype=bool))


@pytest.mark.parametrize("value", [2, 255])
def test_context_map_with_a_value_that_has_no_name_is_refused(opened, root, value):
    Image.fromarray(np.eye(3, 4, dtype=np.uint8) * np.uint8(value)).save(root / "context/a.png")
    with pytest.raises(DataError, match=rf"a\.png holds the value {value}, .*contexts\.json"):
        opened().context("a")


def test_fingerprint_is_of_the_files_that_are_read(opened, root):
    """Images and truth may lie in one folder, as ID.jpg and ID.png."""
    for path in (root / "JPEGImages").iterdir():
        path.rename(root / "SegmentationClass" / path.name)
    data = opened(images="SegmentationClass")
    before = data.fingerprint()
    write_mask(root / "SegmentationClass/a.png", np.ones((3, 4), np.uint8))
    assert data.fingerprint() != before


def test_every_file_that_is_read_is_named(opened, root):
    files = {path for path in root.rglob("*") if path.is_file()}
    assert set(opened().paths()) == files
    (root / "ImageSets/Segmentation/few.txt").write_text("a\n")
    assert root / "ImageSets/Segmentation/few.txt" in set(opened(scored="few").paths())


def test_two_files_for_one_image_are_refused_before_a_run(opened, root):
    Image.fromarray(np.zeros((3, 4, 3), np.uint8)).save(root / "JPEGImages/a.JPG", format="JPEG")
    with pytest.raises(DataError, match=r"a\.jpg is read, but a\.JPG beside it may be meant"):
        opened().fingerprint()


def test_ids_may_have_folders_in_them(opened, root):
    for folder, suffix in SUFFIXES.items():
        place = root / getattr(VocFolder(""), folder)
        (place / "aachen").mkdir()
        (place / f"a{suffix}").rename(place / f"aachen/img0{suffix}")
    (root / "ImageSets/Segmentation/train.txt").write_text("aachen/img0\n")
    labels = {"classes": ["cat", "train"], "labels": {"aachen/img0": ["cat"], "b": []}}
    (root / "image_labels.json").write_text(json.dumps(labels))
    data = opened()
    assert data.ids("train") == ("aachen/img0",)
    assert data.truth("aachen/img0").tolist()[0] == [0, 1, 2, 255]
    assert data.saliency("aachen/img0").shape == data.context("aachen/img0")["rails"].shape
    before = data.fingerprint()
    write_mask(root / "SegmentationClass/aachen/img0.png", np.ones((3, 4), np.uint8))
    assert data.fingerprint() != before
