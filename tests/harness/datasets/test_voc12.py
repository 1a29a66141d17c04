"""PASCAL VOC 2012, prepared from archives of the official structure."""

import hashlib
import json
import pickle
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
import voc_archives as made
from PIL import Image
from typer.testing import CliRunner
from voc_archives import ONLY_SBD, TEST, TRAIN, VAL

from wsss_harness.contract.errors import DataError
from wsss_harness.datasets.voc12 import archives, labels, masks
from wsss_harness.datasets.voc12.prepare import VocRequest, prepare
from wsss_harness.datasets.voc_folder import VocFolder
from wsss_harness.system import pictures
from wsss_harness.system.palettes import palette
from wsss_leaderboard.cli.app import app


def silent(what, done, total):
    pass


@pytest.fixture
def folder(tmp_path):
    made.write(tmp_path / "archives")
    return tmp_path / "archives"


def prepared(folder, **options):
    root = folder.parent / "VOC2012"
    return root, prepare(root, VocRequest(folder, verified=False, **options), silent)


def opened(root):
    names = {"train": "train_aug", "scored": "train", "truth": "SegmentationClassAug"}
    return VocFolder(str(root), **names).open(root)


def test_prepared_folder_opens_as_voc_folder(folder):
    root, numbers = prepared(folder)
    assert numbers == {"train": 1, "train_aug": 2, "trainval": 2, "val": 1}
    data = opened(root)
    assert data.ids("train") == (TRAIN, ONLY_SBD)
    assert data.scored == (TRAIN,)
    assert data.ids("val") == (VAL,)
    assert data.classes == labels.CLASSES
    assert data.present(TRAIN) == (4, 19)
    assert np.array_equal(data.truth(ONLY_SBD), made.SBD_MASK)
    assert data.image(VAL).shape == (3, 4, 3)


def test_masks_of_voc_take_precedence_over_sbd(folder):
    root, _ = prepared(folder)
    assert np.array_equal(
        pictures.read_indices(root / f"SegmentationClassAug/{TRAIN}.png"), made.MASK
    )
    assert not (root / f"SegmentationClass/{ONLY_SBD}.png").exists()
    with Image.open(root / f"SegmentationClassAug/{ONLY_SBD}.png") as picture:
        assert picture.getpalette()[:6] == [0, 0, 0, 128, 0, 0]


def test_difficult_objects_are_left_out_on_request(folder):
    root, _ = prepared(folder, difficult=False)
    assert opened(root).present(TRAIN) == (19,)
    assert json.loads((root / "prepared.json").read_text())["difficult"] is False


def test_difficult_objects_without_others_always_count(folder):
    name = f"VOCdevkit/VOC2012/Annotations/{VAL}.xml"
    alone = made.ANNOTATION.replace("<difficult>0", "<difficult>1")
    made.write(folder, voc=made.voc_files() | {name: alone})
    root, _ = prepared(folder, difficult=False)
    assert opened(root).present(VAL) == (4, 19)


def test_second_call_rewrites_only_incomplete_pictures(folder):
    root, first = prepared(folder)
    pictures = {path: path.stat().st_mtime_ns for path in root.rglob("*.png")}
    (root / f"JPEGImages/{VAL}.jpg").write_bytes(b"half")  # as if an older tool had been stopped
    _, second = prepared(folder)
    assert first == second
    assert pictures == {path: path.stat().st_mtime_ns for path in root.rglob("*.png")}
    assert opened(root).image(VAL).shape == (3, 4, 3)


def test_optional_archives_add_test_images_and_contexts(folder):
    made.pack(folder / "VOC2012test.tar", made.files_of_test())
    made.pack(folder / "trainval.tar.gz", made.context_files())
    root, numbers = prepared(folder)
    assert numbers["test"] == 1
    assert numbers["context maps"] == 1
    assert (root / f"JPEGImages/{TEST}.jpg").is_file()
    data = opened(root)
    assert data.contexts == (("water", "boat"), ("track", "train"), ("platform", "train"))
    areas = data.context(TRAIN)
    assert {name: int(area.sum()) for name, area in areas.items()} == {
        "water": 2,
        "track": 4,
        "platform": 2,
    }
    assert data.context(ONLY_SBD)["water"] is None


def test_labels_txt_is_read_from_the_folder_of_the_archive(folder):
    content = made.context_files()
    (folder / "labels.txt").write_text(content.pop("labels.txt"))
    made.pack(folder / "trainval.tar.gz", content)
    assert prepared(folder)[1]["context maps"] == 1


def test_contexts_without_labels_txt_are_refused(folder):
    content = made.context_files()
    del content["labels.txt"]
    made.pack(folder / "trainval.tar.gz", content)
    with pytest.raises(DataError, match=r"trainval\.tar\.gz has no labels\.txt"):
        prepared(folder)


# Missing, damaged or wrong archives


def test_missing_archive_is_named_with_its_address(tmp_path):
    with pytest.raises(
        DataError, match=r"VOCtrainval_11-May-2012\.tar is missing.*https://.*--dow"
    ):
        prepare(tmp_path / "VOC2012", VocRequest(tmp_path), silent)


def test_archive_with_another_digest_is_refused(folder):
    with pytest.raises(DataError, match=r"has the MD5 [0-9a-f]{32}, the published one is 6cd6e"):
        prepare(folder.parent / "VOC2012", VocRequest(folder), silent)


@pytest.mark.parametrize("name", ["VOCtrainval_11-May-2012.tar", "benchmark.tgz"])
def test_truncated_archive_is_named(folder, name):
    path = folder / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 // 512 * 512 + 100])
    with pytest.raises(DataError, match=f"{name}.*(cannot be read as an archive|holds no)"):
        prepared(folder)


def test_archive_truncated_between_files_is_refused(folder):
    content = made.files_of_test()
    del content[f"VOCdevkit/VOC2012/JPEGImages/{TEST}.jpg"]
    made.pack(folder / "VOC2012test.tar", content)
    with pytest.raises(
        DataError, match=rf"hold no image {TEST} of the list test \(1 such images\)"
    ):
        prepared(folder)


def test_missing_list_is_named(folder):
    content = made.voc_files()
    del content["VOCdevkit/VOC2012/ImageSets/Segmentation/val.txt"]
    made.write(folder, voc=content)
    with pytest.raises(DataError, match=r"holds no ImageSets/Segmentation/val\.txt"):
        prepared(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no MATLAB file", "cannot be read as a MATLAB file"),
        (made.sbd()[:150], "cannot be read as a MATLAB file"),
        (made.matlab(GTinst={"Segmentation": made.SBD_MASK}), "has no GTcls.Segmentation"),
        (made.sbd(np.full((3, 4), 21, np.uint8)), "values up to 21"),
    ],
)
def test_damaged_file_of_sbd_is_named(folder, content, message):
    name = f"benchmark_RELEASE/dataset/cls/{ONLY_SBD}.mat"
    made.write(folder, masks=made.sbd_files() | {name: content})
    with pytest.raises(DataError, match=f"{ONLY_SBD}.mat.*{message}"):
        prepared(folder)


def test_sbd_archive_without_masks_is_refused(folder):
    made.write(folder, masks={"benchmark_RELEASE/dataset/train.txt": TRAIN})
    with pytest.raises(DataError, match=r"benchmark\.tgz holds no cls"):
        prepared(folder)


def test_palette_in_another_order_is_refused(folder):
    colours = bytearray(palette())
    colours[3:6], colours[6:9] = colours[6:9], colours[3:6]
    name = f"VOCdevkit/VOC2012/SegmentationClass/{TRAIN}.png"
    made.write(folder, voc=made.voc_files() | {name: made.palette_png(colours=bytes(colours))})
    with pytest.raises(DataError, match=rf"palette of .*{TRAIN}\.png is not that of PASCAL VOC"):
        prepared(folder)


def test_member_names_cannot_leave_the_folder(folder):
    made.write(folder, voc=made.voc_files() | {"../../JPEGImages/evil.jpg": b"x"})
    root, _ = prepared(folder)
    assert (root / "JPEGImages/evil.jpg").is_file()
    assert not (folder.parent.parent / "JPEGImages").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [("<annotation>", "is not an annotation"), (made.ANNOTATION.replace("boat", "ufo"), "'ufo'")],
)
def test_wrong_annotation_is_named(folder, content, message):
    name = f"VOCdevkit/VOC2012/Annotations/{TRAIN}.xml"
    made.write(folder, voc=made.voc_files() | {name: content})
    with pytest.raises(DataError, match=message):
        prepared(folder)


# The label file of psa and EPS


def vector(*names):
    return np.array([name in names for name in labels.CLASSES], np.float32)


def label_file(path, content):
    np.save(path, content, allow_pickle=True)
    return path


def test_label_file_of_psa_replaces_annotations(folder, tmp_path):
    content = {TRAIN: vector("train"), VAL: vector("cat", "dog"), ONLY_SBD: vector()}
    path = label_file(tmp_path / "cls_labels.npy", content)
    root, _ = prepared(folder, label_file=path)
    assert opened(root).present(VAL) == (8, 12)
    assert opened(root).present(ONLY_SBD) == ()


def test_numeric_ids_of_irn_are_converted(tmp_path):
    path = label_file(tmp_path / "cls_labels.npy", {2007000032: vector("bird")})
    assert labels.from_label_file(path) == {TRAIN: ["bird"]}


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize("core", [b"numpy.core", b"numpy._core"])
def test_label_files_of_old_and_new_numpy_are_read(tmp_path, protocol, core):
    array = np.array({TRAIN: vector("bird")}, dtype=object)
    body = pickle.dumps(array, protocol=protocol)
    if protocol == 2:  # as texts that end in a line, so names of another length are in place
        body = body.replace(b"numpy._core", core)
    path = tmp_path / "cls_labels.npy"
    with path.open("wb") as file:
        header = {"descr": "|O", "fortran_order": False, "shape": ()}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(body)
    assert labels.from_label_file(path) == {TRAIN: ["bird"]}


class Touch:
    """Would write a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_label_file_that_would_run_code_is_refused(folder, tmp_path):
    trap = tmp_path / "trap"
    path = label_file(tmp_path / "cls_labels.npy", {TRAIN: Touch(trap)})
    with pytest.raises(DataError, match=r"cls_labels\.npy cannot be read .*it would run io\.open"):
        prepared(folder, label_file=path)
    assert not trap.exists()
    assert not (folder.parent / "VOC2012").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.zeros(3), "it holds float64"),
        ({"a": vector()}, "'a' is not an image id"),
        ({TRAIN: np.zeros(3)}, "an image has the labels"),
        ([1], "it holds list"),
    ],
)
def test_npy_file_without_labels_is_refused(tmp_path, content, message):
    if isinstance(content, list):
        array = np.empty((), object)
        array[()] = content
        content = array
    with pytest.raises(DataError, match=message):
        labels.from_label_file(label_file(tmp_path / "labels.npy", content))


def test_truncated_or_missing_label_file_is_named(tmp_path):
    path = label_file(tmp_path / "labels.npy", {TRAIN: vector("bird")})
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"labels\.npy cannot be read as image labels"):
        labels.from_label_file(path)
    with pytest.raises(DataError, match=r"nothing\.npy is missing"):
        labels.from_label_file(tmp_path / "nothing.npy")


def test_label_file_must_cover_all_images(folder, tmp_path):
    path = label_file(tmp_path / "cls_labels.npy", {TRAIN: vector("bird")})
    with pytest.raises(DataError, match=rf"no image labels of {VAL} \(2 such images\)"):
        prepared(folder, label_file=path)


def test_picture_without_palette_is_not_a_mask():
    with pytest.raises(DataError, match="mask cannot be read as an image"):
        masks.palette_mask(b"nothing", "mask")
    with pytest.raises(DataError, match="is not PNG"):
        masks.palette_mask(made.jpeg(), "mask")


# Downloads


class Ranged(SimpleHTTPRequestHandler):
    """Serves files from any byte on, as mirrors do."""

    asked = ()
    ends_after = None

    def do_GET(self):
        content = (self.root / self.path.strip("/")).read_bytes()
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        type(self).asked = (*self.asked, start)
        if start >= len(content) > 0:
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:][: self.ends_after])

    def log_message(self, *words):
        pass


@pytest.fixture
def server(folder):
    handler = type("Handler", (Ranged,), {"root": folder})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        Thread(target=partial(serving.serve_forever, 0.01), daemon=True).start()
        serving.handler = handler
        serving.url = f"http://127.0.0.1:{serving.server_port}"
        yield serving
        serving.shutdown()


def test_archives_are_downloaded(server, folder, tmp_path):
    request = VocRequest(tmp_path / "got", download=True, mirror=server.url, verified=False)
    assert prepare(tmp_path / "VOC2012", request, silent)["train_aug"] == 2
    got = tmp_path / "got/benchmark.tgz"
    assert got.read_bytes() == (folder / "benchmark.tgz").read_bytes()
    assert not list((tmp_path / "got").glob("*.part"))


def test_interrupted_download_is_resumed(server, folder, tmp_path):
    url, path = f"{server.url}/benchmark.tgz", tmp_path / "benchmark.tgz"
    server.handler.ends_after = 50
    with pytest.raises(DataError, match=r"ended after 50 of \d+ bytes.*again to resume"):
        archives.download(url, path, silent)
    server.handler.ends_after = None
    archives.download(url, path, silent)
    assert server.handler.asked == (0, 50)
    assert path.read_bytes() == (folder / "benchmark.tgz").read_bytes()


def test_complete_partial_file_is_kept(server, folder, tmp_path):
    content = (folder / "benchmark.tgz").read_bytes()
    (tmp_path / "benchmark.tgz.part").write_bytes(content)
    archives.download(f"{server.url}/benchmark.tgz", tmp_path / "benchmark.tgz", silent)
    assert (tmp_path / "benchmark.tgz").read_bytes() == content


def test_unreachable_server_is_named(tmp_path):
    with pytest.raises(DataError, match=r"http://127\.0\.0\.1:9/x cannot be downloaded .*put the"):
        archives.download("http://127.0.0.1:9/x", tmp_path / "x", silent)


def test_download_with_another_digest_is_refused(server, tmp_path):
    request = VocRequest(tmp_path / "got", download=True, mirror=server.url)
    with pytest.raises(DataError, match="has the MD5"):
        prepare(tmp_path / "VOC2012", request, silent)


def test_progress_of_the_md5_ends_with_the_size(folder):
    path, reports = folder / "benchmark.tgz", []
    archive = archives.Archive(path.name, "", md5=hashlib.md5(path.read_bytes()).hexdigest())
    archives.check(path, archive, lambda *report: reports.append(report))
    assert reports[-1] == ("checking benchmark.tgz", path.stat().st_size, path.stat().st_size)


# The command


def test_command_prepares_and_shows_the_next_step(folder):
    root = folder.parent / "VOC2012"
    words = ["data", "prepare", "voc12", str(root), "--archives", str(folder), "--unverified"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert "train_aug         2   expected 10,582" in result.output
    assert "wsss data check" in result.output
