"""Hostile submissions are refused, by the name of the file, and nothing in them is run."""

import json
import os
import shutil
import struct
import sys
import zipfile
import zlib

import numpy as np
import pytest
from sample_submissions import check, edit, record_of, renew
from tampering import mask_of, redigested, refused, repacked, rewrite

from wsss_harness.contract.errors import DataError
from wsss_leaderboard.records import counts
from wsss_leaderboard.records.record import load_record
from wsss_leaderboard.submissions import checking, definitions, rowpacks
from wsss_leaderboard.submissions.manifest import MANIFEST, SUITE


@pytest.mark.parametrize("file", ["../../../records/x.json", "/etc/passwd", "masks/../../up.png"])
def test_pack_with_paths_outside_its_folder_is_refused(folder, ran, file):
    path = mask_of(folder)
    pack = path.parents[1]
    edit(pack / "pack.json", lambda content: content["images"][path.stem].update(file=file))
    redigested(folder, pack)
    text = refused(folder, ran)
    assert f"the file of image {path.stem}, {file!r}, lies outside the pack" in text


def png(width, height, rows=b""):
    """A PNG that says how large it is, with little behind it."""

    def chunk(kind, data):
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("stated", [False, True], ids=["unsaid", "said in the pack"])
@pytest.mark.parametrize("truth", [False, True], ids=["without truth", "with truth"])
def test_mask_that_decodes_to_too_many_pixels_is_refused(folder, ran, stated, truth):
    path = mask_of(folder)
    path.write_bytes(png(60_000, 60_000))
    size = [60_000, 60_000]
    if stated:
        pack = path.parents[1] / "pack.json"
        edit(pack, lambda content: content["images"][path.stem].update(size=size))
    repacked(folder, path)
    if not truth:
        for seed in (0, 1):
            rewrite(folder, lambda content: content.update(dataset="theirs"), seed)
    text = refused(folder, ran)
    expected = {
        (False, False): "has more than the 268,435,456 pixels that are read",
        (False, True): "has more than the 268,435,456 pixels that are read",
        (True, False): f"image '{path.stem}' would have 60000x60000 pixels; more than 25000000",
        (True, True): f"says that image {path.stem} is 60000x60000, but it is 48x36",
    }
    assert expected[stated, truth] in text


def test_counts_that_unpack_to_too_many_bytes_are_refused(folder, ran, monkeypatch):
    monkeypatch.setattr(checking.hostile, "UNPACKED", 2**20)
    path = counts.path_of(record_of(folder))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("counts0.npy", bytes(2**21))
    renew(folder)
    assert f"{path} unpacks to 2097152 bytes; at most 1048576 are accepted" in refused(folder, ran)


def test_counts_with_any_damage_are_refused(good, tmp_path):
    whole = counts.path_of(record_of(good)).read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / "a.npz"
    refusals = 0
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            counts.read(path)
        except DataError as error:
            refusals += str(path) in str(error)
    assert refusals > 90  # many bytes of an archive decide nothing


@pytest.mark.parametrize(
    "shape", [(2**40, 3, 3), (10**9, 4, 3), (-1, 3, 3)], ids=["huge", "large", "negative"]
)
def test_counts_with_a_false_shape_are_refused(folder, ran, shape):
    path = counts.path_of(record_of(folder))
    with zipfile.ZipFile(path, "w") as archive:
        for name, dtype, size in (
            ("targets", "<U1", (1,)),
            ("ids0", "<U1", shape[:1]),
            ("counts0", "<i4", shape),
        ):
            with archive.open(f"{name}.npy", "w") as file:
                head = {"descr": dtype, "fortran_order": False, "shape": size}
                np.lib.format.write_array_header_1_0(file, head)
                file.write(bytes(4))
    renew(folder)
    assert str(path) in refused(folder, ran)


def test_pickles_are_never_loaded(folder, ran, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    path = counts.path_of(record_of(folder))
    np.savez(path, targets=np.array([Evil()], object), ids0=np.array([Evil()], object))
    renew(folder)
    assert "file of counts: Object arrays cannot be loaded" in refused(folder, ran)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("<script>alert(1)</script>", "method, '<script>alert(1)</script>', holds '<'"),
        ("EPS \u202egnp", "field 'method' holds U+202E (RIGHT-TO-LEFT OVERRIDE)"),
        ("x" * 10_000, "field 'method' has 10000 characters"),
        ("[link](javascript:alert(1))\x1b[2J", "field 'method' holds U+001B"),
    ],
)
def test_hostile_method_names_are_refused(folder, ran, method, message):
    path = record_of(folder)
    edit(path, lambda content: content.update(method=method))
    renew(folder)
    assert f"{path}: {message}" in refused(folder, ran)


def test_hostile_text_in_the_manifest_is_refused(folder, ran):
    edit(folder / MANIFEST, lambda content: content.update(command="\u202e rm"))
    assert "field 'command' holds U+202E" in refused(folder, ran)


@pytest.mark.parametrize(
    "text", ["[" * 200_000, "{", '{"seed": 1' + "0" * 5000 + "}", "\xff", "null", '{"a": NaN}']
)
@pytest.mark.parametrize("name", ["record", MANIFEST, SUITE])
def test_invalid_json_is_refused(folder, ran, text, name):
    path = record_of(folder) if name == "record" else folder / name
    path.write_text(text, encoding="latin-1")
    if name != MANIFEST:
        renew(folder)
    assert path.name in refused(folder, ran)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ({"train": 10**9}, "definition.dataset asks for"),
        ({"width": 10**6}, "definition.dataset asks for"),
        ({"train": 10**5, "width": 1, "height": 1}, "definition.dataset asks for"),
        ({"train": -1, "val": 9}, "option 'train' of RailScenes is -1"),
        ({"name": "voc_folder", "root": "/etc"}, "definition.dataset.root is the path '/etc'"),
        ({"name": "voc_folder", "root": "x"}, "definition.dataset.root is the path 'x'"),
        ({"name": "absent"}, "is not the record's dataset"),
        ({"train": "many"}, "train"),
    ],
)
def test_suite_that_draws_too_much_is_refused(folder, ran, dataset, message):
    def change(content):
        content["definition"]["dataset"] |= dataset

    for seed in (0, 1):
        path = rewrite(folder, change, seed)
    (folder / SUITE).write_text(json.dumps(json.loads(path.read_text())["definition"]))
    renew(folder)
    assert message in refused(folder, ran)


def test_check_runs_no_code_of_the_submission(good, ran, monkeypatch):
    """Neither code of methods nor pickle, nor a process."""
    import pickle
    import subprocess

    def never(*args, **options):
        raise AssertionError("it was run")

    for name in ("fit", "load"):
        monkeypatch.setattr(sys.modules["small_suite"].Redness, name, never)
    monkeypatch.setattr(pickle, "loads", never)
    monkeypatch.setattr(pickle, "load", never)
    monkeypatch.setattr(pickle, "Unpickler", never)
    monkeypatch.setattr(subprocess, "Popen", never)
    assert check(good, ran).tier == 2


def test_counts_of_another_type_are_refused(good, tmp_path):
    arrays = dict(np.load(counts.path_of(record_of(good))))
    np.savez(tmp_path / "a.npz", **{**arrays, "counts0": arrays["counts0"].astype("<i8")})
    with pytest.raises(DataError, match="counts of int64"):
        counts.read(tmp_path / "a.npz")


@pytest.mark.parametrize(
    "place", ["dataset.root", "weights.w.file", "saliency.s.folder", "generators.R.train_list"]
)
@pytest.mark.parametrize("value", ["..", "id_rsa"])
def test_path_without_a_slash_is_recognised(place, value):
    content = value
    for key in reversed(place.split(".")):
        content = {key: content}
    assert list(definitions.paths(content)) == [(tuple(place.split(".")), value)]


def test_labels_of_weights_are_no_paths_whatever_a_method_calls_them():
    content = {"generators": {"M": {"name": "m", "weights": {"text_file": "words"}}}}
    assert list(definitions.paths(content)) == []


def test_texts_that_are_not_those_of_the_definition_are_refused(good):
    record = load_record(record_of(good))
    protocol = record.protocol.model_copy(update={"texts": "a" * 64})
    with pytest.raises(DataError, match=r"protocol\.texts is 'aaa"):
        definitions.suite_of(record.model_copy(update={"protocol": protocol}), "x")


@pytest.mark.parametrize("table", ["sources", "saliency", "weights"])
def test_a_folder_or_file_of_any_table_is_a_path(table):
    key = "file" if table == "weights" else "folder"
    assert list(definitions.paths({table: {"weights": {key: "x"}}})) == [
        ((table, "weights", key), "x")
    ]


def test_packs_without_digests_are_refused(folder, ran):
    edit(folder / MANIFEST, lambda c: c.update(packs={stem: {} for stem in c["packs"]}))
    shutil.rmtree(folder / "packs")
    assert "lacks the digest of a target's masks" in refused(folder, ran)


def test_pack_manifest_that_is_too_long_is_refused(folder, ran, monkeypatch):
    monkeypatch.setattr(rowpacks, "MAX_BYTES", 100)
    assert "has more than 100 bytes; it is not read" in refused(folder, ran, packs=folder / "packs")
