"""MS-COCO from annotation files in its own format, small and made here."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from wsss_harness import testing
from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.contract.findings import NOTE, OK, WARNING
from wsss_harness.contract.hookspecs import Run
from wsss_harness.datasets.coco import Coco14, pycocotools_mask
from wsss_harness.suite import data_check
from wsss_harness.system.pictures import write_mask

pytest.importorskip("pycocotools", reason="it draws the instances")

HEIGHT, WIDTH = 8, 10
CATEGORIES = [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}, {"id": 90, "name": "brush"}]
A, B, EMPTY = (f"COCO_train2014_{number:012d}" for number in (1, 2, 3))
V = f"COCO_val2014_{4:012d}"


def square(x, y, side):
    return [[x, y, x + side, y, x + side, y + side, x, y + side]]


def instance(image, category, outline, area=1.0, crowd=0):
    return {
        "image_id": image,
        "category_id": category,
        "segmentation": outline,
        "area": area,
        "iscrowd": crowd,
    }


def crowd():
    """Run lengths down the columns: two columns of a crowd at the left."""
    return {"size": [HEIGHT, WIDTH], "counts": [0, 2 * HEIGHT, (WIDTH - 2) * HEIGHT]}


def content(ids, instances):
    images = [
        {"id": int(name[-12:]), "file_name": f"{name}.jpg", "height": HEIGHT, "width": WIDTH}
        for name in ids
    ]
    return {"images": images, "annotations": instances, "categories": CATEGORIES}


TRAIN = [
    instance(1, 3, square(2, 1, 6), area=36.0),
    instance(1, 90, square(4, 3, 2), area=4.0),
    instance(2, 1, crowd(), crowd=1),
    instance(2, 3, square(5, 2, 4), area=16.0),
]
VAL = [instance(4, 1, square(0, 0, 4), area=16.0)]


@pytest.fixture
def root(tmp_path):
    write(tmp_path, "train", [A, B, EMPTY], TRAIN)
    write(tmp_path, "val", [V], VAL)
    (tmp_path / "saliency").mkdir()
    for image_id in (A, B, V):
        grey = Image.fromarray(np.full((HEIGHT, WIDTH), 51, np.uint8))
        grey.save(tmp_path / f"saliency/{image_id}.png")
    return tmp_path


def write(root, split, ids, instances):
    folder = root / f"{split}2014"
    folder.mkdir(exist_ok=True)
    for image_id in ids:
        Image.fromarray(np.full((HEIGHT, WIDTH), 90, np.uint8)).save(folder / f"{image_id}.jpg")
    write_annotations(root, split, content(ids, instances))


def write_annotations(root, split, annotations):
    (root / "annotations").mkdir(exist_ok=True)
    (root / f"annotations/instances_{split}2014.json").write_text(json.dumps(annotations))


def opened(root, **options):
    layout = Coco14(str(root), **options)
    folder = root / "prepared"
    folder.mkdir(exist_ok=True)
    layout.prepare(Run(folder))
    return layout.open(folder)


def test_opened_dataset_has_images_labels_and_saliency(root):
    data = opened(root)
    assert data.classes == ("person", "car", "brush")
    assert data.ids("train") == (A, B)  # EMPTY has no annotation
    assert data.ids("val") == (V,)
    assert (data.present(A), data.present(B), data.present(V)) == ((2, 3), (1, 2), (1,))
    assert data.supervision == {"image_labels", "saliency"}
    assert data.image(V).shape == (HEIGHT, WIDTH, 3)  # a grey photograph has three channels
    assert data.saliency(A)[0, 0] == np.float32(0.2)
    assert data.contexts == ()
    assert data.context(A) == {}


def test_last_instance_covers_earlier_ones(root):
    truth = opened(root).truth(A)
    assert truth.dtype == np.uint8
    assert truth[5, 2] == 2
    assert truth[4, 5] == 3
    assert truth[0, 0] == 0


def test_smallest_instance_covers_larger_ones_on_request(root):
    write(root, "train", [A, B, EMPTY], TRAIN[1::-1] + TRAIN[2:])
    assert opened(root).truth(A)[4, 5] == 2
    assert opened(root, overlap="smallest").truth(A)[4, 5] == 3


def test_crowd_has_its_class_or_is_ignored(root):
    assert set(opened(root).truth(B)[:, :2].ravel()) == {1}
    ignored = opened(root, crowd="ignore").truth(B)
    assert set(ignored[:, :2].ravel()) == {255}
    assert ignored[3, 7] == 2


def test_compressed_run_lengths_are_decoded(root):
    from pycocotools import mask

    inside = np.zeros((HEIGHT, WIDTH), np.uint8, order="F")
    inside[2:4, 3:9] = 1
    encoded = mask.encode(inside)
    outline = {"size": encoded["size"], "counts": encoded["counts"].decode()}
    write(root, "val", [V], [instance(4, 90, outline)])
    np.testing.assert_array_equal(opened(root).truth(V), 3 * inside)


def test_masks_are_read_from_pictures_on_request(root):
    (root / "masks").mkdir()
    write_mask(root / f"masks/{A}.png", np.full((HEIGHT, WIDTH), 3, np.uint8))
    assert (opened(root, masks="masks").truth(A) == 3).all()
    assert [opened(root, masks="masks").has_truth(i) for i in (A, B)] == [True, False]
    assert opened(root).has_truth(B)
    write_mask(root / f"masks/{A}.png", np.full((HEIGHT, WIDTH), 90, np.uint8))
    with pytest.raises(DataError, match=r"holds the value 90, but there are 3 classes"):
        opened(root, masks="masks").truth(A)  # numbers of COCO's categories, which have gaps


def test_outlines_may_be_of_any_form_where_masks_are_the_truth(root):
    write(root, "val", [V], [instance(4, 1, [])])
    with pytest.raises(DataError, match=rf"instances_val2014\.json: .* image {V} has an area of 1"):
        opened(root)
    assert opened(root, masks="masks").present(V) == (1,)


def test_lists_select_images(root):
    (root / "some.txt").write_text(f"{B}\n{EMPTY}\n")
    data = opened(root, train_list="some.txt")
    assert data.ids("train") == (B, EMPTY)
    assert data.present(EMPTY) == ()
    (root / "some.txt").write_text("COCO_train2014_000000000099\n")
    with pytest.raises(DataError, match=r"some\.txt lists COCO_train2014_000000000099 \(1 such\)"):
        opened(root, train_list="some.txt")


def test_dataset_passes_conformance_checks(root):
    findings = list(testing.check("dataset", "coco14", {"root": str(root)}, 60))
    assert [str(finding) for finding in findings if finding.outcome != "ok"] == []


def test_identity_depends_on_the_content_of_every_file(root):
    (root / "masks").mkdir()
    write_mask(root / f"masks/{A}.png", np.full((HEIGHT, WIDTH), 3, np.uint8))
    (root / "some.txt").write_text(f"{A}\n")
    layout = Coco14(str(root), masks="masks", train_list="some.txt")
    first = layout.contents()
    for path in [path for path in root.rglob("*") if path.is_file()]:
        content = path.read_bytes()
        path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
        assert layout.contents() != first, path
        path.write_bytes(content)
        assert layout.contents() == first
    assert layout.identity()["content"] == first
    assert Coco14(str(root), masks="masks", crowd="ignore").identity() != layout.identity()


def test_opening_does_not_read_the_annotations(root):
    opened(root)
    for split in ("train", "val"):
        (root / f"annotations/instances_{split}2014.json").unlink()
    assert Coco14(str(root)).open(root / "prepared").present(A) == (2, 3)


# What is wrong with the files


def test_truncated_annotations_are_named(root):
    path = root / "annotations/instances_train2014.json"
    path.write_text(path.read_text()[:-30])
    with pytest.raises(DataError, match=r"instances_train2014\.json is not valid JSON"):
        opened(root)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("images"), r"instances_train2014\.json has no list 'images'"),
        (lambda c: c["annotations"][0].pop("area"), r"instances_train2014\.json lacks 'area'"),
        (lambda c: c["annotations"][0].update(image_id=77), "of image 77, which is not listed"),
        (lambda c: c["annotations"][0].update(category_id=5), "category 5, which has no name"),
        (lambda c: c["images"].append(c["images"][0]), "lists two images with the id 1"),
        (lambda c: c.update(images=[], annotations=[]), "no image of train has an annotation"),
    ],
)
def test_wrong_annotations_are_named(root, change, message):
    annotations = content([A, B, EMPTY], [dict(annotation) for annotation in TRAIN])
    change(annotations)
    write_annotations(root, "train", annotations)
    with pytest.raises(DataError, match=message):
        opened(root)


def test_image_in_both_splits_is_refused(root):
    write(root, "val", [A], [instance(1, 1, square(0, 0, 4))])
    with pytest.raises(DataError, match=rf"instances_val2014\.json lists image {A} \(1 in all\)"):
        opened(root)


def test_train_and_val_may_number_their_images_alike(root):
    annotations = content([V], [instance(1, 1, square(0, 0, 4))])
    annotations["images"][0]["id"] = 1  # of another image than in train
    write_annotations(root, "val", annotations)
    data = opened(root)
    assert (data.present(V), data.present(A)) == ((1,), (2, 3))
    assert set(np.unique(data.truth(V))) == {0, 1}


@pytest.mark.parametrize("outline", [{"counts": 3}, [[1, 2]], {"size": [2, 2], "counts": [0, 4]}])
def test_image_of_a_damaged_outline_is_named(root, outline):
    write(root, "val", [V], [instance(4, 1, outline)])
    with pytest.raises(DataError, match=f"image {V} "):
        opened(root).truth(V)


def test_missing_root_and_annotations_are_named(root, tmp_path):
    with pytest.raises(DataError, match=r"nowhere is not a folder; set dataset\.root"):
        Coco14(str(tmp_path / "nowhere")).identity()
    (root / "annotations/instances_val2014.json").unlink()
    with pytest.raises(DataError, match=r"instances_val2014\.json is missing"):
        Coco14(str(root)).identity()


def test_saliency_of_another_size_is_named(root):
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(root / f"saliency/{A}.png")
    with pytest.raises(DataError, match=rf"{A}\.png is 3x3, but its image is {WIDTH}x{HEIGHT}"):
        opened(root).saliency(A)


def test_missing_pycocotools_names_the_install_command(root, monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    with pytest.raises(ConfigError, match=r"pip install 'wsss-bench\[coco\]'"):
        pycocotools_mask()


def test_unknown_split_and_missing_index_are_named(root):
    data = opened(root)
    with pytest.raises(DataError, match="no split named 'test'; there are train, val"):
        data.ids("test")
    with pytest.raises(DataError, match="has not been prepared"):
        Coco14(str(root)).open(root / "elsewhere")


# Categories of train and val


def test_categories_of_val_are_matched_by_name(root):
    annotations = content([V], [instance(4, 7, square(0, 0, 4))])
    annotations["categories"] = [{"id": 7, "name": "brush"}, {"id": 8, "name": "person"}]
    write_annotations(root, "val", annotations)
    data = opened(root)
    assert data.present(V) == (3,)
    assert set(np.unique(data.truth(V))) == {0, 3}
    assert data.present(A) == (2, 3)


@pytest.mark.parametrize(
    ("split", "categories", "message"),
    [
        ("val", [*CATEGORIES, {"id": 4, "name": "dog"}], "category 'dog' .* of train lack"),
        ("val", [{"id": 1, "name": "Person"}], "category 'Person' .* of train lack"),
        ("train", [*CATEGORIES, {"id": 4, "name": "car"}], "class 2, 'car', and class 3, 'car'"),
        ("train", [*CATEGORIES, {"id": 3, "name": "bus"}], "one id to two categories"),
        ("train", [*CATEGORIES, {"id": 0, "name": "background"}], "lists 'background' as class 1"),
        ("train", [{"name": "car"}], "a category lacks its id or name"),
        ("train", [], "has 0 classes"),
    ],
)
def test_ambiguous_categories_are_refused(root, split, categories, message):
    annotations = {**content([], []), "categories": categories}
    write_annotations(root, split, annotations)
    with pytest.raises(DataError, match=rf"instances_{split}2014\.json.*{message}"):
        opened(root)


def test_pictures_of_another_size_than_their_annotations_are_found_before_training(root):
    path = root / f"val2014/{V}.jpg"
    Image.fromarray(np.full((HEIGHT // 2, WIDTH // 2), 90, np.uint8)).save(path)
    with pytest.raises(DataError, match=rf"{V}\.jpg is 5x4 \(1 such\), but its .* of 10x8"):
        opened(root)


def test_a_picture_that_was_resized_later_is_refused_when_it_is_read(root):
    data = opened(root)
    Image.fromarray(np.full((4, 5), 90, np.uint8)).save(root / f"train2014/{A}.jpg")
    with pytest.raises(DataError, match=rf"{A}\.jpg is 5x4 .*, but its annotations are of 10x8"):
        data.image(A)


def test_a_missing_picture_is_named_when_it_is_read(root):
    (root / f"val2014/{V}.jpg").unlink()
    data = opened(root)
    assert data.image(A).shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(DataError, match=rf"{V}\.jpg is missing"):
        data.image(V)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8"])
def test_annotations_and_lists_may_begin_with_a_mark(root, encoding):
    path = root / "annotations/instances_train2014.json"
    path.write_text(path.read_text(), encoding=encoding)
    (root / "some.txt").write_text(f"{B}\r\n", encoding=encoding)
    assert opened(root, train_list="some.txt").ids("train") == (B,)


def test_an_image_without_a_size_is_named(root):
    annotations = content([A, B, EMPTY], TRAIN)
    annotations["images"][0]["height"] = None
    write_annotations(root, "train", annotations)
    with pytest.raises(DataError, match=r"instances_train2014\.json has a wrong value"):
        opened(root)


@pytest.mark.parametrize("name", [f"train2014/{A}.jpeg", f"saliency/{A}.PNG"])
def test_two_files_for_one_image_are_refused_before_training(root, name):
    (root / name).write_bytes(b"another picture")
    with pytest.raises(DataError, match=rf"{A}\.... is read, but .* beside it may be meant"):
        opened(root)


def test_files_that_no_list_names_are_counted(root):
    report = data_check.inspect(opened(root), lambda *_: None)
    (finding,) = [f for f in report.findings if f.check.startswith("every file beside")]
    assert (finding.outcome, finding.count) == (NOTE, 1)  # EMPTY, which has no annotation
    assert EMPTY in finding.message
    assert {f.outcome for f in report.findings} <= {OK, NOTE, WARNING}
