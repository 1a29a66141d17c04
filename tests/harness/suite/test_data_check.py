"""`wsss data check` finds each kind of damage once, names it, and says what a row lacks."""

import json
import re

import numpy as np
import pytest
from fake_data import FakeDataset, IncompleteDataset
from PIL import Image
from typer.testing import CliRunner

from wsss_harness.contract.findings import FAILURE, NOTE, OK, WARNING
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
    report = datacheck.inspect(dataset, lambda *counts: seen.append(counts))
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
    findings = {name: finding for name, finding in wrong(inspected(root)).items() if check in name}
    ((outcome, text),) = findings.values()
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
    messages = {f["check"]: f["message"] for f in json.loads(result.stdout)["findings"]}
    assert result.exit_code == 1
    assert messages["row 'CAM' has all files"] == ""
    assert messages["row 'EPS' has all files"] == (
        f"missing: saliency maps, the weights {root}/icons.pth (weights.icons.file)"
    )
    assert messages["row 'Taken' has all files"] == (
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
    messages = {finding["check"]: finding["message"] for finding in content["findings"]}
    assert re.match(
        r"not so in 1 of 2 images, first .*maps/b\.png is 2x2, but its image is 4x3",
        messages["Other maps have the size of their images"],
    )
    assert messages["saliency maps have the size of their images"] == ""
    assert content["saliency"]["Other"]["iou"] == 3 / 12
    assert content["saliency"]["saliency"]["iou"] == 1


def test_regions_that_a_suite_names_are_looked_at(root):
    suite = root / "suite.toml"
    named = '[regions.SAM]\nfolder = "{root}/parts"\nmade_by = "SAM"\ntrained_on = "SA-1B"\n'
    suite.write_text((SUITE + named).format(root=root))
    (root / "parts").mkdir()
    for image_id, size in {"a": (3, 4), "b": (2, 2)}.items():
        Image.fromarray(np.zeros(size, np.uint8)).save(root / f"parts/{image_id}.png")
    result = check(suite, "--store", root / "runs", "--json")
    messages = {f["check"]: f["message"] for f in json.loads(result.stdout)["findings"]}
    assert result.exit_code == 1
    assert re.match(
        r"not so in 1 of 2 images, first .*parts/b\.png is 2x2, but its image is 4x3",
        messages["SAM regions have the size of their images"],
    )


# What a run would trip over, or score in a way that is not meant


@pytest.fixture
def many(root):
    """Fifteen more images to train on, with maps and labels."""
    more = tuple(f"m{number:02d}" for number in range(15))
    for number, image_id in enumerate(more):
        pixels = np.full((3, 4, 3), 10 * number + 5, np.uint8)
        Image.fromarray(pixels).save(root / f"JPEGImages/{image_id}.jpg")
        for folder in ("SegmentationClass", "saliency"):
            (root / f"{folder}/{image_id}.png").write_bytes((root / f"{folder}/a.png").read_bytes())
    (root / "ImageSets/Segmentation/train.txt").write_text("\n".join(("a", "b", *more)))
    write_labels(root, {image_id: ["cat"] for image_id in (*IDS, *more)})
    return root, more


def all_wrong(root):
    dataset = VocFolder(str(root)).open(root)
    return {f.check: f for f in datacheck.inspect(dataset, lambda *_: None).findings}


def test_a_finding_counts_all_images_and_names_the_first_ten(many):
    root, more = many
    for image_id in more:
        cut(root / f"JPEGImages/{image_id}.jpg")
    finding = all_wrong(root)["images can be read"]
    assert (finding.outcome, finding.count, len(finding.examples)) == (FAILURE, 15, 10)
    for image_id, example in zip(more, finding.examples, strict=False):
        assert f"{image_id}.jpg" in example
    shown = check(root).stdout
    assert f"{more[9]}.jpg" in shown
    assert f"{more[10]}.jpg" not in shown
    assert "and 5 more" in shown


def test_faults_of_every_kind_are_found_in_one_pass(many):
    root, more = many
    cut(root / f"JPEGImages/{more[0]}.jpg")
    shrink(root / f"SegmentationClass/{more[1]}.png")
    shrink(root / f"saliency/{more[2]}.png")
    shrink(root / f"JPEGImages/{more[3]}.jpg")
    failed = {name for name, finding in all_wrong(root).items() if finding.outcome == FAILURE}
    assert failed == {
        "images can be read",
        "masks have the size of their images and known classes",
        "saliency maps have the size of their images",
    }


@pytest.mark.parametrize(("images", "outcome"), [(17, FAILURE), (3, WARNING)])
def test_maps_of_0_and_1_are_named(many, images, outcome):
    root, more = many
    for image_id in ("a", "b", *more)[:images]:
        level = Image.fromarray(np.eye(3, 4, dtype=np.uint8))
        level.save(root / f"saliency/{image_id}.png")
    finding = all_wrong(root)["saliency maps use the levels 0..255"]
    assert (finding.outcome, finding.count) == (outcome, images)
    assert "multiply them by 255" in finding.message


@pytest.mark.parametrize(("top", "factor"), [(1, "65,535"), (255, "257")])
def test_maps_of_16_bits_with_levels_of_8_are_named(root, top, factor):
    Image.fromarray(np.eye(3, 4, dtype=np.uint16) * np.uint16(top)).save(root / "saliency/a.png")
    finding = all_wrong(root)["saliency maps use the levels 0..255"]
    assert finding.outcome == WARNING
    assert f"by {factor} if" in finding.message


def test_images_without_a_map_do_not_make_maps_of_0_and_1_a_lesser_fault(root):
    (root / "saliency/c.png").unlink()  # val needs none
    for image_id in "ab":
        Image.fromarray(np.eye(3, 4, dtype=np.uint8)).save(root / f"saliency/{image_id}.png")
    finding = all_wrong(root)["saliency maps use the levels 0..255"]
    assert (finding.outcome, finding.count) == (FAILURE, 2)
    assert "in 2 of 2 images" in finding.message


def test_maps_may_have_the_label_truth():
    sound, lacking = FakeDataset(), IncompleteDataset(no_saliency=range(12))
    report = datacheck.inspect(sound, lambda *_: None, {"truth": lacking})
    failures = {f.check for f in report.findings if f.outcome != OK}
    assert failures == {"all images of train have truth maps"}
    assert report.saliency["saliency"].iou == 1


def test_constant_maps_are_named(root):
    Image.fromarray(np.full((3, 4), 7, np.uint8)).save(root / "saliency/b.png")
    finding = all_wrong(root)["saliency maps are not constant"]
    assert (finding.outcome, finding.count) == (WARNING, 1)
    assert "b: it is 0.0" in finding.message


def test_the_same_picture_in_train_and_val_is_named(root):
    (root / "JPEGImages/c.jpg").write_bytes((root / "JPEGImages/a.jpg").read_bytes())
    finding = all_wrong(root)["no picture of train is in val under another id"]
    assert (finding.outcome, finding.examples) == (WARNING, ("a and c",))


def test_files_that_no_list_names_are_counted(root):
    for name in ("x.jpg", "y.jpg"):
        (root / "JPEGImages" / name).write_bytes(b"unused")
    finding = all_wrong(root)["every file beside the pictures is one of them"]
    assert (finding.outcome, finding.count) == (NOTE, 2)
    assert check(root).exit_code == 0


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda truth: 255 * truth, "a class is in the truth of the scored images"),
        (lambda truth: truth + 1, "masks have the size of their images and known classes"),
        (lambda truth: np.where(truth, 1, 255), "truth of the scored images has background"),
    ],
)
def test_truth_that_means_something_else_is_a_failure(root, change, name):
    for image_id in IDS:
        truth = change(np.eye(3, 4, dtype=np.uint8)).astype(np.uint8)
        write_mask(root / f"SegmentationClass/{image_id}.png", truth)
    assert all_wrong(root)[name].outcome == FAILURE


class Plugin(FakeDataset):
    """A dataset of a plugin whose ``part`` of one image is replaced by ``give``."""

    def __init__(self, part, give):
        super().__init__()
        for name in ("image", "present", "truth", "saliency", "context"):
            parts = {image_id: getattr(FakeDataset(), name)(image_id) for image_id in self.names}
            setattr(self, name, parts.__getitem__)
        sound = getattr(self, part)
        setattr(self, part, lambda image_id: give() if image_id == "image_003" else sound(image_id))


def stop():
    raise ValueError("no such tile")


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("image", "images can be read"),
        ("present", "image labels are numbers of classes"),
        ("truth", "masks have the size of their images and known classes"),
        ("saliency", "saliency maps have the size of their images"),
        ("context", "context maps have the size of their images"),
    ],
)
def test_an_error_of_a_plugin_is_a_finding_that_names_it_and_the_image(part, name):
    report = datacheck.inspect(Plugin(part, stop), lambda *_: None, owner="tiles")
    failures = [finding for finding in report.findings if finding.outcome == FAILURE]
    assert [finding.check for finding in failures] == [name]
    assert failures[0].examples == ("image_003: dataset 'tiles' raised ValueError: no such tile",)


@pytest.mark.parametrize(
    ("part", "value", "named"),
    [
        ("image", np.zeros((24, 32), np.uint8), "pixels are uint8 (24, 32)"),
        ("image", np.zeros((24, 32, 3)), "pixels are float64"),
        ("present", (2, 1), "classes are [2, 1]"),
        ("present", (0,), "classes are [0]"),
        ("truth", np.zeros((24, 32), np.int64), "truth is int64"),
        ("truth", np.zeros((24, 30), np.uint8), "truth is uint8 (24, 30)"),
        ("truth", np.full((24, 32), 3, np.uint8), "truth holds 3; expected 0..2 or 255"),
        ("truth", np.uint8([[3] + 31 * [255]] * 24), "truth holds 3; expected 0..2 or 255"),
        ("saliency", np.full((24, 32), 2.0, np.float32), "saliency is in [2, 2]"),
        ("context", {"strip": np.zeros((2, 2), bool)}, "context strip is (2, 2)"),
    ],
)
def test_what_a_plugin_may_not_give_is_a_failure(part, value, named):
    report = datacheck.inspect(Plugin(part, lambda: value), lambda *_: None)
    failures = [finding for finding in report.findings if finding.outcome == FAILURE]
    assert len(failures) == 1
    assert "image_003: its " + named in failures[0].message


def test_files_without_a_fingerprint_are_a_failure(root):
    (root / "JPEGImages/a.JPG").write_bytes((root / "JPEGImages/a.jpg").read_bytes())
    finding = all_wrong(root)["a fingerprint identifies all files"]
    assert finding.outcome == FAILURE
    assert "a.JPG" in finding.message
    dataset = FakeDataset()
    dataset.fingerprint = stop
    (finding, *_) = datacheck.inspect(dataset, lambda *_: None, owner="tiles").findings
    assert finding.message == "dataset 'tiles' raised ValueError: no such tile"
