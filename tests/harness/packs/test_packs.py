"""Mask packs: what goes out comes back in, and a pack that lies is refused by name."""

import hashlib
import json
import os
import shutil
import struct
import sys
import zlib

import numpy as np
import pytest
import small_suite
from fake_data import FakeDataset
from PIL import Image

from wsss_harness.cli import pack as commands
from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.contract.types import ClassScores
from wsss_harness.execution.engine import Engine
from wsss_harness.execution.run import prepare_suite, run_suite
from wsss_harness.packs.exchange import export_row
from wsss_harness.packs.importing import import_folder
from wsss_harness.packs.manifest import Pack, from_mask
from wsss_harness.suite.graph import Graph
from wsss_harness.system import files, pictures
from wsss_harness.system import score_files as scorefiles
from wsss_harness.system.score_files import read_scores
from wsss_leaderboard.cli.app import main
from wsss_leaderboard.records.collect import Collector
from wsss_leaderboard.tables.builtin import mask_table

DATA = FakeDataset(12)
IDS = DATA.ids("train")
RULE = {"name": "constant", "threshold": 0.5, "uncertain": 0.25}


@pytest.fixture(scope="module")
def plugins():
    return small_suite.plugins()


def run(folder, plugins, **changes):
    """Outcomes by method, and a collector."""
    store, suite = small_suite.store(folder), small_suite.suite(**changes)
    dataset = prepare_suite(suite, plugins, Engine(store))
    outcomes = {o.row.row.method: o for o in run_suite(suite, plugins, Engine(store), dataset)}
    return outcomes, Collector(suite, store, dataset, Graph(suite, plugins, 0))


def with_pack(folder, rule=RULE, **changes):
    """A suite whose second row is a pack, refined and segmented like any other."""
    row = {"generator": "R", "rule": {"name": "constant", "threshold": 0.5}}
    return {
        "generators": {"R": {"name": "redness"}, "P": {"name": "pack", "folder": str(folder)}},
        "rows": [
            {"method": "R", **row},
            {"method": "P", "generator": "P", "rule": rule, **changes},
        ],
    }


@pytest.fixture(scope="module")
def small_run(tmp_path_factory, plugins):
    """Outcomes and collector of the small suite, for all tests that only read them."""
    return run(tmp_path_factory.mktemp("small_run"), plugins)


@pytest.fixture
def exported(tmp_path, small_run):
    """A pack of the masks, or scores, of the row R."""

    def export(kind="masks"):
        outcomes, collector = small_run
        folder = tmp_path / "pack"
        export_row(outcomes["R"].row, collector.store, DATA, kind, folder)
        return folder

    return export


def masks(folder):
    """A plain folder of masks by image id, with ignored pixels."""
    for image_id in IDS:
        mask = DATA.truth(image_id)
        mask[:2] = 255
        pictures.write_mask(folder / f"{image_id}.png", mask)
    return folder


# What goes out comes back in


def test_masks_come_back_as_they_were(exported, tmp_path, plugins):
    folder = exported()
    outcomes, collector = run(tmp_path / "other", plugins, **with_pack(folder))
    first, again = (collector.store.folder(outcomes[m].row.masks) for m in ("R", "P"))
    for image_id in IDS:
        name = f"{image_id}.png"
        assert np.array_equal(
            pictures.read_indices(first / name), pictures.read_indices(again / name)
        )


def test_scores_come_back_as_they_were(exported, tmp_path, plugins):
    folder = exported("scores")
    rule = {"name": "constant", "threshold": 0.5}
    outcomes, collector = run(tmp_path / "other", plugins, **with_pack(folder, rule))
    first, again = (collector.store.folder(outcomes[m].row.scores) for m in ("R", "P"))
    for image_id in IDS:
        name = f"{image_id}.scores"
        assert (first / name).read_bytes() == (again / name).read_bytes()


def test_a_pack_is_refined_and_segmented_like_any_row(exported, tmp_path, plugins):
    changes = with_pack(exported(), refiners=["half"], segmentors=["one"])
    outcomes, collector = run(tmp_path / "other", plugins, **changes)
    record = collector.record(outcomes["P"])
    assert record.failure is None
    assert record.segmentations[0].segmentor == "one"


def test_tables_mark_the_claims_of_a_pack(exported, tmp_path, plugins):
    outcomes, collector = run(tmp_path / "other", plugins, **with_pack(exported()))
    records = [collector.record(outcome) for outcome in outcomes.values()]
    assert {r.method: r.sup for r in records if not r.control} == {"R": "I.", "P": "I. (p)"}
    table = mask_table(records)
    assert any("(p) as the mask pack states" in note for note in table.notes)
    assert table.rows[1].cells[2] == "?"  # whether image labels were used at inference


@pytest.mark.parametrize(
    ("kind", "threshold", "mark"),
    [
        ("masks", 0.5, "0.5 uncertain 0.25"),
        ("masks", "oracle", "0.5 uncertain 0.25 (o)"),
        ("masks", "held_out", "0.5 uncertain 0.25 (h)"),
        ("scores", "oracle", "0.5 uncertain 0.25"),
    ],
)
def test_a_pack_keeps_what_its_threshold_was_chosen_on(tmp_path, plugins, kind, threshold, mark):
    row = {"method": "R", "generator": "R", "rule": {"threshold": threshold}}
    outcomes, collector = run(tmp_path / "store", plugins, rows=[row])
    export_row(outcomes["R"].row, collector.store, DATA, kind, tmp_path / "pack")
    outcomes, collector = run(tmp_path / "other", plugins, **with_pack(tmp_path / "pack"))
    assert mark in rules(collector, outcomes)
    again = export_row(outcomes["P"].row, collector.store, DATA, "masks", tmp_path / "again")
    assert again.chosen_on == ("fixed" if kind == "scores" or threshold == 0.5 else threshold)


def test_an_unstated_threshold_is_marked(tmp_path, plugins):
    import_folder(masks(tmp_path / "plain"), "masks", DATA, tmp_path / "pack", "Theirs", None)
    outcomes, collector = run(tmp_path / "store", plugins, **with_pack(tmp_path / "pack"))
    assert "0.5 uncertain 0.25 (?)" in rules(collector, outcomes)


def rules(collector, outcomes):
    return [
        row.cells[3] for row in mask_table([collector.record(o) for o in outcomes.values()]).rows
    ]


def test_unstated_supervision_is_a_question_mark(tmp_path, plugins):
    import_folder(masks(tmp_path / "plain"), "masks", DATA, tmp_path / "pack", "Theirs", None)
    outcomes, collector = run(tmp_path / "store", plugins, **with_pack(tmp_path / "pack"))
    assert collector.record(outcomes["P"]).sup == "? (p)"


def test_a_pack_of_a_pack_keeps_its_supervision(exported, tmp_path, plugins):
    outcomes, collector = run(tmp_path / "other", plugins, **with_pack(exported()))
    again = export_row(outcomes["P"].row, collector.store, DATA, "masks", tmp_path / "again")
    assert again.supervision == ("image_labels",)


def test_the_key_depends_on_the_content_of_a_pack_not_on_its_folder(exported, tmp_path, plugins):
    folder = exported()

    def key(place):
        suite = small_suite.suite(**with_pack(place))
        return Graph(suite, plugins, 0).row(suite.rows[1]).counts.key

    shutil.copytree(folder, tmp_path / "moved")
    assert key(folder) == key(tmp_path / "moved")
    manifest = json.loads((folder / "pack.json").read_text())
    manifest["method"] = "other"
    files.write_json(folder / "pack.json", manifest)
    assert key(folder) != key(tmp_path / "moved")


def test_ignored_pixels_of_a_mask_survive(tmp_path, plugins):
    source = masks(tmp_path / "plain")
    import_folder(source, "masks", DATA, tmp_path / "pack", "Theirs", ("image_labels",))
    outcomes, collector = run(tmp_path / "store", plugins, **with_pack(tmp_path / "pack"))
    masks_of_pack = collector.store.folder(outcomes["P"].row.masks)
    for image_id in IDS:
        name = f"{image_id}.png"
        assert np.array_equal(
            pictures.read_indices(source / name), pictures.read_indices(masks_of_pack / name)
        )


def test_a_mask_of_nothing_but_ignored_pixels_keeps_them():
    scores = from_mask(np.full((2, 3), 255, np.uint8))
    assert scores.classes == (1,)
    assert (scores.values == 0.5).all()
    assert from_mask(np.zeros((2, 3), np.uint8)).classes == ()


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


def maps(folder, ids):
    """A map of zeros for every present class."""
    folder.mkdir()
    for image_id in ids:
        for number in DATA.present(image_id):
            Image.fromarray(np.zeros((24, 32), np.uint8)).save(
                folder / f"{image_id}_{number - 1}.png"
            )
    return folder


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


# Packs that lie


def change_entry(folder, image_id, **entry):
    manifest = json.loads((folder / "pack.json").read_text())
    manifest["images"][image_id].update(entry)
    (folder / "pack.json").write_text(json.dumps(manifest))


def png_of(width, height):
    """A PNG whose header promises more pixels than it has bytes for."""

    def chunk(kind, data):
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


def swapped(folder, content, honest=True):
    """Put other bytes under the first image, with their true digest in the manifest or not."""
    path = folder / "masks" / f"{IDS[0]}.png"
    path.write_bytes(content)
    if honest:
        change_entry(folder, IDS[0], sha256=hashlib.sha256(content).hexdigest())


def digest_lies(folder):
    swapped(folder, png_of(32, 24), honest=False)


def size_lies(folder):
    change_entry(folder, IDS[0], size=[99, 32])


def unknown_image(folder):
    manifest = json.loads((folder / "pack.json").read_text())
    manifest["images"]["nobody"] = manifest["images"][IDS[0]]
    (folder / "pack.json").write_text(json.dumps(manifest))


def climbs(folder):
    (folder.parent / "secret.png").write_bytes((folder / "masks" / f"{IDS[0]}.png").read_bytes())
    change_entry(folder, IDS[0], file="../secret.png")


def absolute(folder):
    change_entry(folder, IDS[0], file=str(folder / "masks" / f"{IDS[0]}.png"))


def link(folder):
    path = folder / "masks" / f"{IDS[0]}.png"
    path.rename(folder.parent / "outside.png")
    path.symlink_to(folder.parent / "outside.png")


def bomb(folder):
    swapped(folder, png_of(100_000, 100_000))


def second_header(folder):
    """The first header tells the truth, a second one promises more."""
    content = png_of(8000, 8000)
    header = png_of(32, 24)[8:33]
    swapped(folder, content[:8] + header + content[8:])


def second_bomb(folder):
    content = png_of(100_000, 100_000)
    swapped(folder, content[:8] + png_of(32, 24)[8:33] + content[8:])


def four_bits(folder):
    content = bytearray(png_of(32, 24))
    content[24] = 4
    content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
    swapped(folder, bytes(content))


def pipe(folder):
    path = folder / "masks" / f"{IDS[0]}.png"
    path.unlink()
    os.mkfifo(path)


def huge(folder):
    swapped(folder, png_of(32, 24) + bytes(3_000_000))


def truncated(folder):
    swapped(folder, (folder / "masks" / f"{IDS[0]}.png").read_bytes()[:60])


def no_png(folder):
    swapped(folder, b"GIF89a")


def other_class(folder):
    pictures.write_mask(folder / "masks" / f"{IDS[0]}.png", np.full((24, 32), 9, np.uint8))
    swapped(folder, (folder / "masks" / f"{IDS[0]}.png").read_bytes())


def missing_file(folder):
    (folder / "masks" / f"{IDS[0]}.png").unlink()


def missing_image(folder):
    manifest = json.loads((folder / "pack.json").read_text())
    del manifest["images"][IDS[3]]
    (folder / "pack.json").write_text(json.dumps(manifest))


def other_classes(folder):
    manifest = json.loads((folder / "pack.json").read_text())
    manifest["classes"] = ["disc", "square"]
    (folder / "pack.json").write_text(json.dumps(manifest))


LIES = {
    digest_lies: rf"{IDS[0]}\.png is not the file that pack.json names .*sha256 differs",
    size_lies: rf"says that image {IDS[0]} is 32x99, but it is 32x24",
    unknown_image: r"names image nobody \(1 such\), which is not in the list of train",
    climbs: rf"the file of image {IDS[0]}, '../secret.png', lies outside the pack",
    absolute: rf"the file of image {IDS[0]}, '/.*', lies outside the pack",
    link: rf"the file of image {IDS[0]}, .* lies outside the pack",
    bomb: rf"mask of image {IDS[0]} has more than the .* pixels that are read",
    second_header: rf"mask of image {IDS[0]} is 8000x8000, but its image is 32x24",
    second_bomb: rf"mask of image {IDS[0]} (cannot be read|has more than)",
    four_bits: rf"mask of image {IDS[0]} is grey with 4 bits a pixel; save .* 8-bit grey",
    pipe: rf"{IDS[0]}\.png cannot be read \(it is not a file\)",
    huge: rf"{IDS[0]}\.png has 30\d+ bytes, far more than a map of 32x24 needs",
    no_png: rf"mask of image {IDS[0]} .* is not PNG",
    truncated: rf"mask of image {IDS[0]} cannot be read as an image",
    other_class: rf"mask of image {IDS[0]} holds the value 9, .* 0..2 or 255",
    missing_file: rf"{IDS[0]}\.png cannot be read",
    missing_image: rf"has no image {IDS[3]}; use a pack of all train images",
    other_classes: "has the classes disc, square, the dataset has square, disc",
}


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_a_pack_that_lies_fails_its_row_alone(exported, tmp_path, plugins, lie):
    folder = exported()
    lie(folder)
    outcomes, _ = run(tmp_path / "other", plugins, **with_pack(folder))
    assert outcomes["R"].failure is None
    with pytest.raises(type(outcomes["P"].failure), match=LIES[lie]):
        raise outcomes["P"].failure


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_a_pack_that_lies_is_not_imported(exported, tmp_path, lie):
    folder = exported()
    lie(folder)
    with pytest.raises(DataError, match=LIES[lie]):
        import_folder(folder, "pack", DATA, tmp_path / "checked", "ignored", None)
    assert not (tmp_path / "checked").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not valid JSON"),
        ('{"format": 2}', "'format'"),
        ('{"kind": "masks", "method": "x", "classes": [], "images": {}, "more": 1}', "'more'"),
    ],
)
def test_an_invalid_manifest_is_named(tmp_path, text, message):
    (tmp_path / "pack.json").write_text(text)
    with pytest.raises(DataError, match=message):
        Pack(tmp_path)


def test_a_folder_without_a_manifest_is_named_before_anything_runs(tmp_path, plugins):
    with pytest.raises(DataError, match=r"is not a pack; make one with `wsss pack import"):
        run(tmp_path / "store", plugins, **with_pack(tmp_path))
    assert not (tmp_path / "store" / "fit").exists()


def test_scores_that_promise_more_than_their_image_are_not_unpacked():
    scores = ClassScores((1,), np.zeros((1, 24, 32), np.float32))
    path_bytes = written(scores)
    assert scorefiles.parse(path_bytes, "it", (3, 24, 32)).size == (24, 32)
    for largest in ((0, 24, 32), (3, 24, 31)):
        with pytest.raises(DataError, match=r"it cannot be read .*expected at most"):
            scorefiles.parse(path_bytes, "it", largest)
    header = struct.unpack_from("<I", path_bytes, len(scorefiles.MAGIC))[0]
    start = len(scorefiles.MAGIC) + scorefiles.HEAD.size + header
    bomb = path_bytes[:start] + zlib.compress(bytes(50_000_000))
    with pytest.raises(DataError, match="not what its header says"):
        scorefiles.parse(bomb, "it", (3, 24, 32))


def written(scores):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.scores"
        scorefiles.write_scores(path, scores)
        return path.read_bytes()


# Folders of others


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
    with pytest.raises(ConfigError, match="'boxes' is not a supervision; name some of image_"):
        import_folder(source, "masks", DATA, tmp_path / "pack", "Theirs", ("boxes",))


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path):
    source = masks(tmp_path / "plain")
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty; name a new folder"):
        import_folder(source, "masks", DATA, tmp_path, "Theirs", None)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


# The commands


@pytest.fixture
def wsss(monkeypatch, tmp_path, capsys, plugins):
    from wsss_leaderboard.cli import report

    for module in (report, commands):
        monkeypatch.setattr(module, "installed", lambda: plugins)
    monkeypatch.chdir(tmp_path)
    suite = (
        'title = "Small"\ndataset = { name = "in_memory" }\ngenerators.R = { name = "redness" }\n'
        'rows = [{ method = "R", generator = "R", rule = { threshold = 0.5 } }]\n'
    )
    (tmp_path / "small.toml").write_text(suite)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["wsss", *words])
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


def test_an_exported_pack_is_imported_as_a_row_of_another_suite(wsss, tmp_path):
    assert wsss("run", "small.toml")[0] == 0
    code, out = wsss("pack", "export", "small.toml", "R", "out")
    assert code == 0
    assert "wrote out: masks of 8 images by R, supervision image_labels" in out
    shutil.rmtree(tmp_path / "out" / "masks" / "x", ignore_errors=True)
    words = ("--method", "Theirs", "--supervision", "image_labels")
    code, out = wsss("pack", "import", "out/masks", "small.toml", "in", *words)
    assert code == 0
    rows = out[out.index("[generators") :].replace("[[rows]]", "[[rows]]")
    head = 'title = "With a pack"\ndataset = { name = "in_memory" }\n'
    (tmp_path / "with.toml").write_text(head + rows)
    code, out = wsss("run", "with.toml")
    assert code == 0, out
    assert "Theirs" in out
    assert "I. (p)" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("export", "small.toml", "R", "out"), "has not been run in runs; run it first"),
        (("export", "small.toml", "Q", "out"), "'Q'; rows: R"),
        (("import", "nowhere", "small.toml", "in"), "nowhere is not a folder"),
        (("import", ".", "small.toml", "in", "--layout", "npy"), "no layout is called 'npy'"),
    ],
)
def test_a_mistake_gives_one_sentence_and_no_traceback(wsss, words, message):
    code, out = wsss("pack", *words)
    assert code == 2
    assert message in " ".join(out.split())
    assert "Traceback" not in out


def test_a_row_that_was_not_finished_is_not_exported(wsss):
    assert wsss("run", "small.toml")[0] == 0
    code, out = wsss("pack", "export", "small.toml", "R", "out", "--seed", "7")
    assert code == 2
    assert "the masks of 'R', seed 7, are not in runs; run the suite first" in " ".join(out.split())
