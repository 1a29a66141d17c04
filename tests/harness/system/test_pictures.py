"""Each kind of picture is read as it is meant, and what is of another kind is refused by name."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from wsss_harness.contract.errors import DataError
from wsss_harness.system import pictures
from wsss_harness.system.palettes import palette

SIZE = (3, 4)
INDICES = np.array([[0, 1, 2, 255], [0, 0, 3, 0], [2, 2, 2, 2]], np.uint8)
SMALL = INDICES.astype(int) % 4  # fits into two bits
PHOTOGRAPH = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
EXIF_ORIENTATION = 0x0112


def saved(path, picture, **options):
    picture.save(path, **options)
    return path


def with_palette(values, colours=bytes(range(255, -1, -1)) * 3):
    picture = Image.frombytes("P", values.shape[::-1], values.tobytes())
    picture.putpalette(colours)
    return picture


def png(values, depth, colour_type):
    """A PNG of (H, W) samples with ``depth`` bits each, as no option of Pillow writes it."""

    def chunk(name, content):
        checked = name + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    height, width = values.shape
    bits = (values[..., None] >> np.arange(depth)[::-1]) & 1
    rows = np.packbits(bits.reshape(height, width * depth).astype(np.uint8), axis=1)
    content = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    palette = chunk(b"PLTE", bytes(3 * 2**depth)) if colour_type == 3 else b""
    parts = (chunk(b"IHDR", header), palette, chunk(b"IDAT", zlib.compress(content)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


# Index maps


def test_a_palette_is_read_by_index_whatever_its_colours_are(tmp_path):
    path = saved(tmp_path / "m.png", with_palette(INDICES))
    np.testing.assert_array_equal(pictures.read_indices(path), INDICES)


def test_grey_of_8_bits_is_read_by_value(tmp_path):
    path = saved(tmp_path / "m.png", Image.fromarray(INDICES))
    np.testing.assert_array_equal(pictures.read_class_mask(path, SIZE, 3), INDICES)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_a_palette_of_few_bits_is_read_by_index(depth):
    indices = SMALL % 2**depth
    np.testing.assert_array_equal(pictures.read_indices(png(indices, depth, 3), "m"), indices)


@pytest.mark.parametrize("depth", [1, 2, 4, 16])
def test_an_index_map_in_grey_of_another_depth_is_refused(depth):
    with pytest.raises(DataError, match=rf"m is grey with {depth} bits? a pixel; save"):
        pictures.read_indices(png(SMALL % 2**depth, depth, 0), "m")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
def test_an_index_map_in_colours_or_with_alpha_is_refused(tmp_path, mode):
    path = saved(tmp_path / "m.png", Image.fromarray(INDICES).convert(mode))
    with pytest.raises(DataError, match=r"m\.png is .*; save its class numbers"):
        pictures.read_indices(path)


@pytest.mark.parametrize("picture", [with_palette(INDICES), Image.fromarray(INDICES)])
def test_an_index_map_with_a_transparent_value_is_refused(tmp_path, picture):
    path = saved(tmp_path / "m.png", picture, transparency=0)
    with pytest.raises(DataError, match=r"m\.png is .* transparency"):
        pictures.read_indices(path)


@pytest.mark.parametrize("kind", ["JPEG", "GIF", "WEBP"])
def test_an_index_map_that_is_no_png_is_refused(tmp_path, kind):
    path = saved(tmp_path / "m.png", Image.fromarray(INDICES), format=kind)
    with pytest.raises(DataError, match=r"m\.png .* not PNG"):
        pictures.read_indices(path)


# Grey maps


def test_a_map_of_8_bits_is_divided_by_255(tmp_path):
    path = saved(tmp_path / "s.png", Image.fromarray(INDICES))
    values = pictures.read_map(path, SIZE)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, INDICES.astype(np.float32) / np.float32(255))


def test_a_map_of_16_bits_is_divided_by_65535(tmp_path):
    levels = np.array([[0, 65535, 13107, 257]], np.uint16)
    path = saved(tmp_path / "s.png", Image.fromarray(levels))
    np.testing.assert_allclose(pictures.read_map(path, (1, 4)), [[0, 1, 0.2, 1 / 255]], atol=1e-7)


@pytest.mark.parametrize(("depth", "levels"), [(1, [0, 1, 0, 1]), (2, [0, 1 / 3, 2 / 3, 1])])
def test_a_map_of_few_bits_is_scaled_to_white(depth, levels):
    values = np.array([[0, 1, 2, 3]]) % 2**depth
    np.testing.assert_allclose(
        pictures.read_map(png(values, depth, 0), (1, 4), "s"), [levels], atol=1e-7
    )


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
def test_a_map_in_equal_channels_and_opaque_is_read_as_grey(tmp_path, mode):
    path = saved(tmp_path / "s.png", Image.fromarray(INDICES).convert(mode))
    expected = INDICES.astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(pictures.read_map(path, SIZE), expected)


def test_a_map_with_a_grey_palette_is_read_by_its_grey_levels(tmp_path):
    falling = bytes(255 - level for level in range(256) for _ in range(3))
    path = saved(tmp_path / "s.png", with_palette(INDICES, falling))
    expected = (255 - INDICES).astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(pictures.read_map(path, SIZE), expected)


def test_a_map_in_false_colours_is_refused(tmp_path):
    colours = saved(tmp_path / "c.png", Image.fromarray(PHOTOGRAPH))
    indexed = saved(tmp_path / "p.png", with_palette(INDICES, palette()))
    for path in (colours, indexed):
        with pytest.raises(DataError, match=rf"{path.name} has colours, and a map is grey"):
            pictures.read_map(path, SIZE)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_a_map_that_is_stored_in_alpha_is_refused(tmp_path, mode):
    picture = Image.new(mode, SIZE[::-1], "white")
    picture.putalpha(Image.fromarray(INDICES))
    path = saved(tmp_path / "s.png", picture)
    with pytest.raises(DataError, match=r"s\.png is transparent .* as grey levels"):
        pictures.read_map(path, SIZE)


@pytest.mark.parametrize("depth", [(2, "RGB"), (4, "LA"), (6, "RGBA")])
def test_a_map_of_16_bits_with_more_channels_is_refused(depth):
    colour_type, mode = depth
    samples = np.zeros((3, 4 * len(mode)), np.uint16)
    content = bytearray(png(samples, 16, 0))
    content[16:29] = struct.pack(">IIBBBBB", 4, 3, 16, colour_type, 0, 0, 0)
    content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
    with pytest.raises(DataError, match=r"s is .* 16 bits a pixel; save it as grey"):
        pictures.read_map(bytes(content), SIZE, "s")


# Photographs


def test_a_grey_photograph_has_three_equal_channels(tmp_path):
    path = saved(tmp_path / "a.jpg", Image.fromarray(INDICES), format="PNG")
    np.testing.assert_array_equal(
        pictures.read_photograph(path), np.repeat(INDICES[..., None], 3, axis=2)
    )


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_png_that_is_named_jpg_is_read_if_it_is_opaque(tmp_path, mode):
    picture = Image.fromarray(PHOTOGRAPH).convert(mode)
    path = saved(tmp_path / "a.jpg", picture, format="PNG")
    np.testing.assert_array_equal(pictures.read_photograph(path), PHOTOGRAPH)
    assert pictures.photograph_size(path) == SIZE


@pytest.mark.parametrize("orientation", [2, 3, 6, 8])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_photograph_that_viewers_turn_is_refused(tmp_path, orientation, kind):
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    path = saved(tmp_path / "a.jpg", Image.fromarray(PHOTOGRAPH), format=kind, exif=exif)
    for read in (pictures.read_photograph, pictures.photograph_size):
        with pytest.raises(
            DataError, match=rf"a\.jpg .* Exif orientation is {orientation}\); save"
        ):
            read(path)


READERS_OF_PNG = {
    "indices": pictures.read_indices,
    "map": lambda path: pictures.read_map(path, SIZE),
    "regions": lambda path: pictures.read_regions(path, SIZE),
}


@pytest.mark.parametrize("read", READERS_OF_PNG.values(), ids=READERS_OF_PNG)
def test_masks_and_maps_that_viewers_turn_or_play_are_refused(tmp_path, read):
    exif, picture = Image.Exif(), Image.fromarray(INDICES)
    exif[EXIF_ORIENTATION] = 3
    with pytest.raises(DataError, match=r"t\.png .* Exif orientation is 3"):
        read(saved(tmp_path / "t.png", picture, exif=exif))
    for default in (False, True):
        frames = {
            "save_all": True,
            "default_image": default,
            "append_images": [Image.new("L", (4, 3))],
        }
        with pytest.raises(DataError, match=r"f\.png has more than one frame"):
            read(saved(tmp_path / "f.png", picture, **frames))


def test_an_upright_tiff_is_read(tmp_path):
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 1
    for options in ({}, {"exif": exif}):
        path = saved(tmp_path / "a.jpg", Image.fromarray(PHOTOGRAPH), format="TIFF", **options)
        np.testing.assert_array_equal(pictures.read_photograph(path), PHOTOGRAPH)


def test_exif_data_behind_the_pixels_of_a_png_count(tmp_path):
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    content = saved(tmp_path / "b.png", Image.fromarray(PHOTOGRAPH), exif=exif).read_bytes()
    start = content.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(content[start : start + 4], "big")
    moved = content[:start] + content[end:-12] + content[start:end] + content[-12:]
    (tmp_path / "a.jpg").write_bytes(moved)
    with pytest.raises(DataError, match=r"a\.jpg .* Exif orientation is 6"):
        pictures.read_photograph(tmp_path / "a.jpg")


@pytest.mark.parametrize("opaque", [b"\xff" * 256, b"\xff"])
def test_a_palette_without_a_transparent_colour_is_opaque(tmp_path, opaque):
    grey = bytes(level for level in range(256) for _ in range(3))
    picture = with_palette(INDICES, grey)
    path = saved(tmp_path / "a.png", picture, transparency=opaque)
    np.testing.assert_array_equal(pictures.read_photograph(path)[..., 1], INDICES)
    assert pictures.read_map(path, SIZE)[0, 3] == 1


def test_a_photograph_with_other_exif_data_is_read(tmp_path):
    exif = Image.Exif()
    exif[EXIF_ORIENTATION], exif[0x010F] = 1, "maker"
    path = saved(tmp_path / "a.jpg", Image.fromarray(PHOTOGRAPH), exif=exif)
    assert pictures.read_photograph(path).shape == (3, 4, 3)


def test_damaged_exif_data_do_not_matter(tmp_path):
    picture = Image.fromarray(PHOTOGRAPH)
    path = saved(tmp_path / "a.jpg", picture, exif=b"Exif\0\0nothing that has a meaning")
    assert pictures.photograph_size(path) == SIZE


def test_a_photograph_in_another_mode_is_refused(tmp_path):
    for mode in ("CMYK", "I;16"):
        kind = "JPEG" if mode == "CMYK" else "PNG"
        path = saved(tmp_path / "a.jpg", Image.new(mode, (4, 3)), format=kind)
        with pytest.raises(DataError, match=r"a\.jpg is .*; save it as RGB"):
            pictures.read_photograph(path)


def test_a_transparent_photograph_is_refused(tmp_path):
    clear = Image.fromarray(PHOTOGRAPH).convert("RGBA")
    clear.putalpha(100)
    for picture, options in ((clear, {}), (with_palette(INDICES), {"transparency": 1})):
        path = saved(tmp_path / "a.jpg", picture, format="PNG", **options)
        with pytest.raises(DataError, match=r"a\.jpg is transparent"):
            pictures.read_photograph(path)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_an_animated_picture_is_refused(tmp_path, kind):
    frames = [Image.new("RGB", (4, 3), colour) for colour in ("red", "blue")]
    path = saved(
        tmp_path / "a.jpg", frames[0], format=kind, save_all=True, append_images=frames[1:]
    )
    with pytest.raises(DataError, match=r"a\.jpg has more than one frame"):
        pictures.read_photograph(path)


def test_the_first_picture_of_a_camera_file_with_a_preview_is_read(tmp_path):
    picture, preview = Image.new("RGB", (4, 3), "white"), Image.new("RGB", (2, 2))
    path = saved(tmp_path / "a.jpg", picture, format="MPO", save_all=True, append_images=[preview])
    assert (pictures.read_photograph(path) == 255).all()


def test_a_photograph_with_a_colour_profile_is_read_as_it_is_stored(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = saved(tmp_path / "a.png", Image.fromarray(PHOTOGRAPH), icc_profile=profile)
    np.testing.assert_array_equal(pictures.read_photograph(path), PHOTOGRAPH)


# Any kind

READERS = {
    "photograph": pictures.read_photograph,
    "size": pictures.photograph_size,
    "index map": pictures.read_indices,
    "grey map": lambda path: pictures.read_map(path, SIZE),
}


@pytest.fixture(params=READERS)
def read(request):
    return READERS[request.param]


def test_a_missing_picture_is_named(tmp_path, read):
    with pytest.raises(DataError, match=r"a\.png is missing"):
        read(tmp_path / "a.png")


def test_a_file_with_another_suffix_beside_a_missing_picture_is_named(tmp_path, read):
    (tmp_path / "a[1].JPEG").touch()
    with pytest.raises(DataError, match=r"a\[1\]\.png is missing; beside it is a\[1\]\.JPEG"):
        read(tmp_path / "a[1].png")


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: path.symlink_to("nowhere")])
def test_what_is_no_file_is_named(tmp_path, read, make):
    make(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png is no file"):
        read(tmp_path / "a.png")


@pytest.mark.parametrize("content", [b"", b"a text, no picture", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_no_picture_is_named(tmp_path, read, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.png cannot be read as an image"):
        read(tmp_path / "a.png")


@pytest.mark.parametrize("kind", ["photograph", "index map", "grey map"])
def test_a_truncated_picture_is_named(tmp_path, kind):
    noise = np.random.default_rng(0).integers(0, 256, (60, 80), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, format="PNG")
    path = tmp_path / "a.png"
    path.write_bytes(buffer.getvalue()[:2000])
    with pytest.raises(DataError, match=r"a\.png cannot be read as an image \(.*truncated"):
        pictures.read_map(path, (60, 80)) if kind == "grey map" else READERS[kind](path)


@pytest.mark.parametrize("width", [20_000, 200_000])
def test_a_picture_of_too_many_pixels_is_named_before_it_is_unpacked(tmp_path, read, width):
    content = bytearray(png(np.zeros((1, 1), np.uint8), 8, 0))
    content[16:24] = struct.pack(">II", width, 20_000)
    content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.png (has more than the 268,435,456 pixels|is \d+x)"):
        read(tmp_path / "a.png")


@pytest.mark.parametrize(
    "read",
    [lambda p: pictures.read_class_mask(p, (2, 2), 9), lambda p: pictures.read_map(p, (2, 2))],
)
def test_a_map_of_another_size_is_named(tmp_path, read):
    path = saved(tmp_path / "m.png", Image.fromarray(INDICES))
    with pytest.raises(DataError, match=r"m\.png is 4x3, but its image is 2x2"):
        read(path)
