"""`wsss data check` finds each kind of damage once, names it, and says what a row lacks."""

import json
import re

import numpy as np
import pytest
from fake_data import FakeDataset
from PIL import Image
from typer.testing import CliRunner

from wsss_harness.contract.findings import FAILURE, OK, WARNING
from wsss_harness.datasets.voc_folder import VocFolder
from wsss_harness.suite import data_check as datacheck
from wsss_harness.system.pictures import write_mask
from wsss_leaderboard.cli.app import app

IDS = ("a", "b", "c")


@pytest.fixture
def root(tmp_path):
    """Three images of 4x3 pixels: two to train on, one of which is scored, and one for val."""
    for folder in ("JPEGImages", "SegmentationClass", "saliency"):
        (tmp_path / folder).mkdir()
    lists = tmp_path / "ImageSets/Segmentation"
    lists.mkdir(parents=True)
    for split, ids in {"train": "a b", "few": "a", "val": "c"}.items():
        (lists / f"{split}.txt").write_text(ids)
    for number, image_id in enumerate(IDS):
        pixels = np.full((3, 4, 3), 80 * number, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"JPEGImages/{image_id}.jpg")
        write_mask(tmp_path / f"SegmentationClass/{image_id}.png", np.eye(3, 4, dtype=np.uint8))
        grey = Image.fromarray(np.eye(3, 4, dtype=np.uint8) * 255)
        grey.save(tmp_path / f"saliency/{image_id}.png")
    write_labels(tmp_path, {image_id: ["cat"] for image_id in IDS})
    return tmp_path


def write_labels(root, labels, classes=("cat",)):
    content = {"classes": classes, "labels": labels}
    (root / "image_labels.json").write_text(json.dumps(content))


def inspected(root, **options):
    seen = []
    dataset = VocFolder(str(root), **options).open(root)
    report = datacheck.inspect(dataset, lambda *told: seen.append(told))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    return report


def wrong(report):
    return {f.check: (f.outcome, f.message) for f in report.findings if f.outcome != OK}


def test_sound_data_are_counted(root):
    report = inspected(root, scored="few")
    assert wrong(report) == {}
    assert report.splits == {
        "train": {"images": 2, "classes": {"cat": 2}},
        "scored": {"images": 1, "classes": {"cat": 1}},
        "val": {"images": 1, "classes": {"cat": 1}},
    }
    (measured,) = report.saliency.values()
    assert measured.iou == measured.max_f == 1
    assert measured.error == 0
    assert report.fingerprint == inspected(root, scored="few").fingerprint
    assert json.loads(json.dumps(report.content()))["splits"] == report.splits


def test_without_saliency_nothing_is_said_of_it(root):
    for path in (root / "saliency").iterdir():
        path.unlink()
    (root / "saliency").rmdir()
    report = inspected(root)
    assert report.saliency == {}
    assert not any("saliency" in finding.check for finding in report.findings)


def cut(path):
    path.write_bytes(path.read_bytes()[:200])


def shrink(path):
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(path)


@pytest.mark.parametrize(
    ("damage", "file", "check", "message"),
    [
        (cut, "JPEGImages/b.jpg", "images can be read", r"b\.jpg cannot be"),
        (shrink, "saliency/b.png", "saliency maps have", r"b\.png is 2x2, but its image is 4x3"),
        (shrink, "SegmentationClass/b.png", "masks have the size", r"b\.png is 2x2"),
        (cut, "SegmentationClass/b.png", "masks have the size", r"b\.png cannot be read"),
    ],
)
def test_a_damaged_file_is_a_failure(root, damage, file, check, message):
    damage(root / file)
    found = {name: told for name, told in wrong(inspected(root)).items() if check in name}
    ((outcome, text),) = found.values()
    assert outcome == FAILURE
    assert "not so in 1 of 3 images, first " in text
    assert re.search(message, text)


def test_a_palette_of_another_order_is_a_warning(root):
    path = root / "SegmentationClass/c.png"
    with Image.open(path) as picture:
        changed = picture.copy()
    changed.putpalette([9, 9, 9] * 256)
    changed.save(path)
    ((check, (outcome, text)),) = wrong(inspected(root)).items()
    assert check == "masks have the palette of PASCAL VOC"
    assert outcome == WARNING
    assert "c.png has another palette" in text


def test_labels_and_masks_that_disagree_are_warnings(root):
    write_labels(root, {"a": ["cat", "dog"], "b": [], "c": ["cat"]}, ("cat", "dog"))
    findings = wrong(inspected(root))
    for split in ("scored", "val"):
        outcome, text = findings.pop(f"every class is in the truth of the {split} images")
        assert outcome == WARNING
        assert text.startswith(f"dog: no image of the {split} images has it")
    assert findings == {
        "image labels are all in the masks": (
            WARNING,
            "not so in 1 of 3 images, first a: dog; objects that VOC calls difficult have labels "
            "without pixels",
        ),
        "classes of the masks are all in the image labels": (
            WARNING,
            "not so in 1 of 3 images, first b: cat; training treats these classes as absent",
        ),
    }


# The command


def check(*words):
    return CliRunner().invoke(app, ["data", "check", *map(str, words)])


def test_the_command_checks_a_folder(root):
    result = check(root, "--set", "dataset.scored=few")
    assert result.exit_code == 0, result.output
    assert "fingerprint" in result.output
    assert "IoU at 0.5 100.0" in result.output
    cut(root / "JPEGImages/a.jpg")
    assert check(root).exit_code == 1


def test_the_command_gives_json(root):
    content = json.loads(check(root, "--json").stdout)
    assert content["splits"]["train"]["images"] == 2
    assert {finding["outcome"] for finding in content["findings"]} == {OK}


def test_only_the_dataset_of_a_folder_can_be_set(root):
    result = check(root, "--set", "shared.iterations=3")
    assert "only options of its dataset can be set" in str(result.exception)


SUITE = """
title = "two rows"
[dataset]
name = "voc_folder"
root = "{root}"
[weights.icons]
trained_on = "icons"
file = "{root}/icons.pth"
[generators.CAM]
name = "cam"
[generators.EPS]
name = "eps"
weights = "icons"
[[rows]]
method = "CAM"
generator = "CAM"
[generators.Taken]
name = "cam"
checkpoint = "{root}/released.pth"
[[rows]]
method = "EPS"
generator = "EPS"
[[rows]]
method = "Taken"
generator = "Taken"
rule = {{ name = "saliency" }}
"""


def test_what_a_row_of_a_suite_lacks_is_named(root):
    suite = root / "suite.toml"
    suite.write_text(SUITE.format(root=root))
    (root / "saliency").rename(root / "elsewhere")
    result = check(suite, "--store", root / "runs", "--json")
    told = {f["check"]: f["message"] for f in json.loads(result.stdout)["findings"]}
    assert result.exit_code == 1
    assert told["row 'CAM' has all files"] == ""
    assert told["row 'EPS' has all files"] == (
        f"missing: saliency maps, the weights {root}/icons.pth (weights.icons.file)"
    )
    assert told["row 'Taken' has all files"] == (
        f"missing: the checkpoint {root}/released.pth of 'cam', saliency maps"
    )


def test_maps_that_a_suite_names_are_looked_at(root):
    suite = root / "suite.toml"
    named = '[saliency.Other]\nfolder = "{root}/maps"\ndetector = "Other"\ntrained_on = "DUTS"\n'
    suite.write_text((SUITE + named).format(root=root))
    (root / "maps").mkdir()
    for image_id in "ab":
        grey = np.full((3, 4) if image_id == "a" else (2, 2), 255, np.uint8)
        Image.fromarray(grey).save(root / f"maps/{image_id}.png")
    content = json.loads(check(suite, "--store", root / "runs", "--json").stdout)
    told = {finding["check"]: finding["message"] for finding in content["findings"]}
    assert re.match(
        r"not so in 1 of 3 images, first .*maps/b\.png is 2x2, but its image is 4x3",
        told["Other maps have the size of their images"],
    )
    assert told["saliency maps have the size of their images"] == ""
    assert content["saliency"]["Other"]["iou"] == 3 / 12
    assert content["saliency"]["saliency"]["iou"] == 1


def test_a_dataset_that_shares_images_between_its_splits_is_named():
    class Shared(FakeDataset):
        def ids(self, split):
            return self.names

    report = datacheck.inspect(Shared(), lambda done, total: None)
    outcome, text = wrong(report)["train and val share no image"]
    assert outcome == FAILURE
    assert f"({len(Shared().names)} in all) is in both" in text
