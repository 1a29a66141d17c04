"""A submission is checked as data: tampered or hostile ones are refused, by the file's name."""

import json
import os
import shutil
import struct
import sys
import zipfile
import zlib

import numpy as np
import pytest
import xxhash
from sample_submissions import PLUGINS, check, edit, record_of, renew, submitted

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.store.store import Store
from wsss_harness.system import files
from wsss_leaderboard.records import counts
from wsss_leaderboard.records.record import load_record
from wsss_leaderboard.submissions import checking, definitions, rowpacks
from wsss_leaderboard.submissions.canonical import digest_of_file
from wsss_leaderboard.submissions.manifest import MANIFEST, SUITE
from wsss_leaderboard.submissions.writing import command_of


def refused(folder, ran, **changes):
    """What a check finds wrong, in one text that can be printed without harm."""
    report = check(folder, ran, **changes)
    assert report.problems
    assert report.tier is None
    text = "\n".join(report.problems)
    assert text.replace("\n", "").isprintable()
    return text


def mask_of(folder, number=0):
    return sorted((folder / "packs").glob("*-seed0-*/0-masks/masks/*.png"))[number]


def repacked(folder, path):
    """Give the pack, and the submission, the digest of a mask as it is now."""
    pack = path.parents[1]
    sha256 = digest_of_file(path)
    edit(pack / "pack.json", lambda content: content["images"][path.stem].update(sha256=sha256))
    redigested(folder, pack)


def redigested(folder, pack):
    digest = rowpacks.digest(pack)
    edit(folder / MANIFEST, lambda c: c["packs"][pack.parent.name].update({"": digest}))


def rewrite(folder, change, seed=0):
    """Change a record as somebody would who knows how: with its name, and all digests."""
    path = record_of(folder, seed)
    edit(path, change)
    stem = path.stem
    new = checking.record_stem(load_record(path), path)
    for name in ("records/{}.json", "counts/{}.npz", "logs/{}.txt", "packs/{}"):
        (folder / name.format(stem)).rename(folder / name.format(new))
    text = (folder / MANIFEST).read_text().replace(stem, new)
    (folder / MANIFEST).write_text(text)
    renew(folder)
    return folder / "records" / f"{new}.json"


# What is good


def test_a_submission_that_was_written_passes_and_is_measured_again(good, ran):
    report = check(good, ran)
    assert report.problems == []
    assert report.tier == 2
    assert [run.record.seed for run in report.runs] == [0, 1]
    assert report.notes == ["masks: measured again; all metrics agree with the records"]


def test_masks_may_lie_elsewhere(ran, good, tmp_path):
    folder = submitted(ran, tmp_path / "light", masks=False)
    assert not (folder / "packs").exists()
    report = check(folder, ran)
    assert (report.problems, report.tier) == ([], 1)
    assert "to check them, give --packs" in report.notes[0]
    assert check(folder, ran, packs=good / "packs").tier == 2


def test_without_the_truth_masks_are_only_looked_at(folder, ran):
    for seed in (0, 1):
        rewrite(folder, lambda content: content.update(dataset="theirs"), seed)
    report = check(folder, ran)
    assert (report.problems, report.tier) == ([], 1)
    assert "give a suite with their data, by --suite" in report.notes[0]
    assert check(folder, ran, suite=ran.suite).tier == 2


def test_scenes_are_drawn_where_they_are_not_there(good, ran, tmp_path):
    store = Store(tmp_path / "runs")
    report = checking.check_submission(good, checking.LocalResources(PLUGINS, store))
    assert report.tier == 2


def test_the_readme_and_the_manifest_name_the_command(good, ran):
    said = checking.read_submission(good)
    assert said.command == command_of(ran.request) == "wsss run small.toml"
    assert "    wsss run small.toml\n" in (good / "README.md").read_text()
    assert "    wsss run suite.json --rows R\n" in (good / "README.md").read_text()
    assert "== fit redness" in next((good / "logs").iterdir()).read_text()


def test_overrides_and_selections_are_part_of_the_command(ran):
    from dataclasses import replace

    request = replace(ran.request, overrides=("held_out=3",), methods=("A b",), words=("x",))
    assert command_of(request) == ("wsss run small.toml --set held_out=3 --rows 'A b' --only x")


def test_one_seed_is_enough(ran, tmp_path):
    folder = submitted(ran, tmp_path / "one", seed=1)
    report = check(folder, ran)
    assert [run.record.seed for run in report.runs] == [1]
    assert report.notes[0] == "runs: 1 of 2 of the suite; missing seeds: 0"


# What cannot be written


@pytest.mark.parametrize(
    ("method", "seed", "message"),
    [("X", None, "no such record of 'X'; it has those of R, Half"), ("R", 7, "no such record")],
)
def test_a_row_that_was_not_run_lists_those_that_were(ran, tmp_path, method, seed, message):
    with pytest.raises(ConfigError, match=message):
        submitted(ran, tmp_path / "new", method, seed=seed)
    assert not (tmp_path / "new").exists()


def test_a_folder_in_use_is_left_alone(ran, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty; name a new folder"):
        submitted(ran, tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_nothing_half_written_is_left(ran, tmp_path, monkeypatch):
    monkeypatch.setattr(rowpacks, "write", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        submitted(ran, tmp_path / "new")
    assert not (tmp_path / "new").exists()


# What was tampered with


def test_a_record_that_was_edited(folder, ran):
    path = record_of(folder)
    edit(path, lambda content: content["masks"]["score"].update(miou=0.9))
    assert f"{path} is not the file that submission.json names" in refused(folder, ran)
    renew(folder)
    text = refused(folder, ran)
    assert f"{path}: masks.score.miou is 0.9, but its counts give 0." in text
    assert "its name should be" in text


def test_a_record_and_its_name_that_were_edited(folder, ran):
    path = rewrite(folder, lambda content: content["masks"]["score"].update(miou=0.9))
    assert refused(folder, ran).startswith(f"{path}: masks.score.miou is 0.9, but its counts")


def test_counts_that_were_edited(folder, ran):
    path = counts.path_of(record_of(folder))
    tallies = counts.read(path)
    tallies[""].counts[0, 0] += 1
    counts.write(path, tallies)
    renew(folder)
    assert f"{path} has the digest" in refused(folder, ran)


def better(folder):
    """Counts that are better than the masks, and a record that agrees with them."""
    path = record_of(folder)
    tallies = counts.read(counts.path_of(path))
    hit, truth, mask = np.moveaxis(tallies[""].counts, -1, 0)
    mask[:] = truth
    hit[:] = truth
    counts.write(counts.path_of(path), tallies)
    found = checking.agreement.ratios(tallies[""].counts)
    digest = xxhash.xxh3_128_hexdigest(counts.path_of(path).read_bytes())

    def change(content):
        content["counts"] = digest
        score = content["masks"]["score"]
        score |= {"miou": 1.0, "precision": 1.0, "recall": 1.0, "error": 0.0, "t": 0.0}
        values = iter(found["miou"].tolist())
        score["iou"] = {name: next(values) for name in content["classes"]}
        score["iou"] = {n: None if v != v else v for n, v in score["iou"].items()}
        for cause in content["masks"]["anatomy"].values():
            cause["share"] = 0.0

    return rewrite(folder, change)


def test_metrics_that_disagree_with_their_masks(folder, ran):
    """Record and counts agree with each other: only the masks tell."""
    path = better(folder)
    shutil.move(folder / "packs", folder.parent / "packs")
    assert check(folder, ran).tier == 1
    text = refused(folder, ran, packs=folder.parent / "packs")
    assert f"{path}: masks.score.miou is 1.0, measured again 0." in text
    assert "points)" in text
    assert "masks: 6 of 6 images have other counts than their masks, first train_0" in text


def test_a_mask_that_was_edited(folder, ran):
    path = mask_of(folder)
    files.write_mask(path, np.zeros_like(files.read_mask(path)))
    assert f"{path} is not the file that pack.json names" in refused(folder, ran)
    repacked(folder, path)
    assert "images have other counts than their masks" in refused(folder, ran)


def test_a_pack_whose_digest_differs(folder, ran):
    pack = mask_of(folder).parents[1]
    edit(pack / "pack.json", lambda content: content.update(method="Other"))
    assert "the packs are not those whose digests submission.json has" in refused(folder, ran)


def test_a_pack_of_fewer_images(folder, ran):
    path = mask_of(folder)
    edit(path.parents[1] / "pack.json", lambda content: content["images"].pop(path.stem))
    redigested(folder, path.parents[1])
    path.unlink()
    assert f"are not of the same images; '{path.stem}' is in one of them" in refused(folder, ran)


def test_a_suite_that_is_not_that_of_the_records(folder, ran):
    edit(folder / SUITE, lambda content: content.update(title="Other"))
    renew(folder)
    assert "definition is not what suite.json holds" in refused(folder, ran)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "are both of seed 1"),
        (
            {
                "method": "Mine",
                "recipe": {"method": "Mine", "generator": "R", "segmentors": ["one"]},
            },
            "method is 'Mine', in submission.json 'R'",
        ),
        (
            {"recipe": {"method": "R", "generator": "H", "segmentors": ["one"]}},
            "its protocol or recipe is not that of",
        ),
    ],
)
def test_runs_that_make_no_row(folder, ran, change, message):
    rewrite(folder, lambda content: content.update(change))
    assert message in refused(folder, ran)


def test_metrics_of_another_version(folder, ran):
    rewrite(folder, lambda content: content["protocol"].update(evaluator=99))
    assert "protocol.evaluator is 99, this version's is 1; install the same" in refused(folder, ran)


def test_other_data(folder, ran):
    for seed in (0, 1):
        rewrite(folder, lambda content: content["protocol"].update(fingerprint="f"), seed)
    assert "protocol.fingerprint is 'f', that of the data at hand is" in refused(folder, ran)


@pytest.mark.parametrize("name", ["records", "counts", "logs"])
def test_a_file_that_is_missing(folder, ran, name):
    path = next((folder / name).iterdir())
    path.unlink()
    assert f"'{name}/{path.name}' is missing" in refused(folder, ran)


def test_a_submission_of_nothing(folder, ran):
    for name in ("records", "counts", "logs", "packs"):
        shutil.rmtree(folder / name)
    names = ("README.md", "suite.json")
    edit(folder / MANIFEST, lambda c: c.update(packs={}, files={n: c["files"][n] for n in names}))
    assert "names no record" in refused(folder, ran)


# What is hostile


@pytest.mark.parametrize(
    "name",
    [
        "evil.py",
        "records/evil.pkl",
        "logs/a b.txt",
        "conftest.py",
        ".github/workflows/run.yml",
        "records/../verified/x.json",
        "verified/r-seed0.json",
        "packs/x/0-masks/masks/a.svg",
    ],
)
def test_files_that_no_submission_has(folder, ran, name):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("print('run')")
    assert "does not belong to a submission; remove it" in refused(folder, ran)


def test_masks_that_no_pack_names(folder, ran):
    path = mask_of(folder)
    shutil.copyfile(path, path.with_name("more.png"))
    assert "more.png' is not listed in it; remove it" in refused(folder, ran)


def test_a_link_to_elsewhere(folder, ran):
    path = mask_of(folder)
    path.unlink()
    path.symlink_to("/etc/passwd")
    assert f"'{path.name}' is neither a regular file nor a folder" in refused(folder, ran)


def test_a_pipe_is_not_waited_for(folder, ran):
    path = record_of(folder)
    path.unlink()
    os.mkfifo(path)
    assert "is neither a regular file nor a folder" in refused(folder, ran)


@pytest.mark.parametrize("file", ["../../../records/x.json", "/etc/passwd", "masks/../../up.png"])
def test_a_pack_with_climbing_paths(folder, ran, file):
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


@pytest.mark.parametrize("said", [False, True], ids=["unsaid", "said in the pack"])
@pytest.mark.parametrize("truth", [False, True], ids=["without truth", "with truth"])
def test_a_bomb_of_a_picture(folder, ran, said, truth):
    path = mask_of(folder)
    path.write_bytes(png(60_000, 60_000))
    size = [60_000, 60_000]
    if said:
        pack = path.parents[1] / "pack.json"
        edit(pack, lambda content: content["images"][path.stem].update(size=size))
    repacked(folder, path)
    if not truth:
        for seed in (0, 1):
            rewrite(folder, lambda content: content.update(dataset="theirs"), seed)
    text = refused(folder, ran)
    expected = {
        (False, False): "is 60000x60000; expected 48x36",
        (False, True): "is 60000x60000; expected 48x36",
        (True, False): f"image '{path.stem}' would have 60000x60000 pixels; more than 25000000",
        (True, True): f"says that image {path.stem} is 60000x60000, but it is 48x36",
    }
    assert expected[said, truth] in text


def test_a_bomb_of_counts(folder, ran, monkeypatch):
    monkeypatch.setattr(checking.folders, "UNPACKED", 2**20)
    path = counts.path_of(record_of(folder))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("counts0.npy", bytes(2**21))
    renew(folder)
    assert f"{path} unpacks to 2097152 bytes; at most 1048576 are accepted" in refused(folder, ran)


def test_damaged_counts_are_refused_whatever_the_damage(good, tmp_path):
    whole = counts.path_of(record_of(good)).read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / "a.npz"
    refusals = 0
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            checking.folders.refuse_bomb(path)
            counts.read(path)
        except DataError as error:
            refusals += str(path) in str(error)
    assert refusals > 90  # many bytes of an archive decide nothing


@pytest.mark.parametrize(
    "shape", [(2**40, 3, 3), (10**9, 4, 3), (-1, 3, 3)], ids=["huge", "large", "negative"]
)
def test_counts_that_promise_too_much(folder, ran, shape):
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


def test_pickles_are_never_opened(folder, ran, tmp_path):
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
def test_hostile_names(folder, ran, method, message):
    path = record_of(folder)
    edit(path, lambda content: content.update(method=method))
    renew(folder)
    assert f"{path}: {message}" in refused(folder, ran)


def test_a_hostile_name_of_the_submission(folder, ran):
    edit(folder / MANIFEST, lambda content: content.update(command="\u202e rm"))
    assert "field 'command' holds U+202E" in refused(folder, ran)


@pytest.mark.parametrize(
    "text", ["[" * 200_000, "{", '{"seed": 1' + "0" * 5000 + "}", "\xff", "null", '{"a": NaN}']
)
@pytest.mark.parametrize("name", ["record", MANIFEST, SUITE])
def test_json_that_is_none(folder, ran, text, name):
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
        ({"train": -1, "val": 9}, "definition.dataset asks for"),
        ({"name": "voc_folder", "root": "/etc"}, "definition.dataset.root is the path '/etc'"),
        ({"name": "voc_folder", "root": "x"}, "definition.dataset.root is the path 'x'"),
        ({"name": "absent"}, "is not the record's dataset"),
        ({"train": "many"}, "train"),
    ],
)
def test_data_that_a_stranger_may_not_ask_for(folder, ran, dataset, message):
    def change(content):
        content["definition"]["dataset"] |= dataset

    for seed in (0, 1):
        path = rewrite(folder, change, seed)
    (folder / SUITE).write_text(json.dumps(json.loads(path.read_text())["definition"]))
    renew(folder)
    assert message in refused(folder, ran)


def test_a_check_runs_nothing(good, ran, monkeypatch):
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


# What claims too much


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["recipe"].pop("generator"), "recipe.generator: Field required"),
        (lambda c: c["recipe"].update(rule={"threshold": "lucky"}), "recipe.rule.threshold"),
        (lambda c: c.update(control=True), "method or control is not that of its recipe"),
        (
            lambda c: (c.update(control=True), c["recipe"].update(control=True)),
            "control is True, but its steps never paint one",
        ),
        (
            lambda c: c["steps"][-1].update(stage="bound x 1"),
            "control is False, but its steps do paint one",
        ),
        (
            lambda c: (c.update(method="Full supervision"), c["recipe"].update(method=c["method"])),
            "is the name of a bound; rename the row",
        ),
    ],
)
def test_a_recipe_that_no_row_has(folder, ran, change, message):
    rewrite(folder, change)
    assert message in refused(folder, ran)


def test_controls_of_a_suite_are_rows(folder):
    """What the harness says of its own bounds is let through."""
    record = load_record(record_of(folder))
    assert list(checking._recipe_problems(record)) == []
    for method, stage, rule in (
        ("All background", "bound All background 1", {}),
        ("Saliency, R's classes", "mask R 1", {"rule": {"name": "saliency", "threshold": 0.5}}),
    ):
        recipe = {**record.recipe, "method": method, "control": True, **rule}
        changes = {"method": method, "control": True, "recipe": recipe}
        step = record.steps[-1].model_copy(update={"stage": stage})
        control = record.model_copy(update={**changes, "steps": (step,)})
        assert list(checking._recipe_problems(control)) == []


def test_packs_without_digests(folder, ran):
    edit(folder / MANIFEST, lambda c: c.update(packs={stem: {} for stem in c["packs"]}))
    shutil.rmtree(folder / "packs")
    assert "lacks the digest of a target's masks" in refused(folder, ran)


def test_a_manifest_of_a_pack_that_is_too_long(folder, ran, monkeypatch):
    monkeypatch.setattr(rowpacks, "MAX_BYTES", 100)
    assert "has more than 100 bytes; it is not read" in refused(folder, ran, packs=folder / "packs")


def test_folders_that_lie_too_deep(folder, ran):
    (folder / "/".join("a" * 50)).mkdir(parents=True)
    assert "or it is nested too deeply" in refused(folder, ran)


def test_counts_are_of_one_type(good, tmp_path):
    arrays = dict(np.load(counts.path_of(record_of(good))))
    np.savez(tmp_path / "a.npz", **{**arrays, "counts0": arrays["counts0"].astype("<i8")})
    with pytest.raises(DataError, match="counts of int64"):
        counts.read(tmp_path / "a.npz")


@pytest.mark.parametrize(
    "place", ["dataset.root", "weights.w.file", "saliency.s.folder", "generators.R.train_list"]
)
@pytest.mark.parametrize("value", ["..", "id_rsa"])
def test_a_path_needs_no_slash(place, value):
    content = value
    for key in reversed(place.split(".")):
        content = {key: content}
    assert list(definitions.paths(content)) == [(tuple(place.split(".")), value)]
