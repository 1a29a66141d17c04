"""A pack that lies is refused by name, whether it is run or imported."""

import hashlib
import json
import os
import struct
import zlib

import numpy as np
import pytest
from sample_packs import DATA, IDS, run, with_pack

from wsss_harness.contract.errors import DataError
from wsss_harness.packs.importing import import_folder
from wsss_harness.system import pictures


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
