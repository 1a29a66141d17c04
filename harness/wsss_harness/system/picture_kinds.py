"""What a picture is, and the refusal of what is not of the kind that is read."""

import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, UnidentifiedImageError
from PIL import Image as PillowImage

from wsss_harness.contract.errors import DataError, WsssError
from wsss_harness.contract.types import Map

Picture = PillowImage.Image
Source = Path | bytes  # a file, or its content

# Twice as many as Pillow accepts: tiles of maps and microscopes are larger than photographs of VOC.
MAX_PIXELS = 2**28  # 16,384 x 16,384; as RGB 0.8 GB
PillowImage.MAX_IMAGE_PIXELS = MAX_PIXELS

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF")
RAW = {  # how a PNG stores its pixels, by Pillow's name
    "1": "grey with 1 bit a pixel",
    "L;2": "grey with 2 bits a pixel",
    "L;4": "grey with 4 bits a pixel",
    "I;16B": "grey with 16 bits a pixel",
    "LA": "grey with an alpha channel",
    "LA;16B": "grey with an alpha channel and 16 bits a pixel",
    "RGB": "a colour picture (RGB)",
    "RGB;16B": "a colour picture with 16 bits a pixel",
    "RGBA": "a colour picture with an alpha channel (RGBA)",
    "RGBA;16B": "a colour picture with an alpha channel and 16 bits a pixel",
}
REGION_LIMIT = 65_535
INDEXED = ("P", "P;1", "P;2", "P;4", "L")
UPRIGHT = 1
TURNED = range(2, 9)  # values of the orientation of Exif that ask viewers to turn or mirror
EXIF = {"exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"}


@contextmanager
def opened(source: Source, owner: object, formats: tuple[str, ...] = FORMATS) -> Iterator[Picture]:
    """Open a picture, upright and of one frame.

    Whatever goes wrong in Pillow becomes a DataError that names ``owner``.
    """
    if isinstance(source, Path) and not os.path.isfile(source):
        raise absent(source)
    try:
        stream = BytesIO(source) if isinstance(source, bytes) else source
        with PillowImage.open(stream, formats=formats) as picture:
            refuse_giant(picture, owner)
            refuse_turned(picture, owner)  # before Pillow turns a TIFF as it loads it
            refuse_frames(picture, owner)
            yield picture
            refuse_turned(picture, owner)  # a PNG may have its Exif data behind its pixels
    except (WsssError, MemoryError):
        raise
    except (PillowImage.DecompressionBombError, PillowImage.DecompressionBombWarning):
        raise giant(owner) from None
    except UnidentifiedImageError:
        raise DataError(
            f"{owner} cannot be read as an image: its content is not {' or '.join(formats)}; "
            "replace the file or remove its id from the list"
        ) from None
    except Exception as error:  # a damaged file makes Pillow raise many kinds
        raise DataError(
            f"{owner} cannot be read as an image ({error}); replace the file or remove its id "
            "from the list"
        ) from None


def absent(path: Path) -> DataError:
    if os.path.lexists(path):
        return DataError(f"{path} is no file that can be read; replace it")
    others = sorted(glob.glob(f"{glob.escape(str(path.with_suffix('')))}.*"))
    beside = f"; beside it is {Path(others[0]).name}, which is not read" if others else ""
    return DataError(f"{path} is missing{beside}")


def refuse_giant(picture: Picture, owner: object) -> None:
    if picture.width * picture.height > MAX_PIXELS:
        raise giant(owner)


def giant(owner: object) -> DataError:
    return DataError(
        f"{owner} has more than the {MAX_PIXELS:,} pixels that are read; cut it into tiles, or "
        "remove its id from the list"
    )


def refuse_turned(picture: Picture, owner: object) -> None:
    """Refuse a picture that viewers turn: what belongs to it may be of either position."""
    if picture.format != "TIFF" and not EXIF.intersection(picture.info):
        return
    try:
        orientation = picture.getexif().get(ExifTags.Base.Orientation, UPRIGHT)
    except Exception:  # damaged Exif data, which viewers ignore
        return
    if orientation in TURNED:
        raise DataError(
            f"{owner} is to be turned when it is shown (its Exif orientation is {orientation}); "
            "save it upright without this tag, so that image, masks and maps fit as they are stored"
        )


def refuse_frames(picture: Picture, owner: object) -> None:
    """Refuse an animation; the second picture of a camera's MPO file is a preview."""
    if picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1:
        raise DataError(f"{owner} has more than one frame; save the frame that is meant")


def refuse_other_photograph(picture: Picture, owner: object) -> None:
    deep = ";16" in raw(picture)
    if deep or picture.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA"):
        raise DataError(
            f"{owner} is {described(picture)}; save it as RGB or grey with 8 bits a channel"
        )


def refuse_colours(picture: Picture, owner: object) -> None:
    """Refuse all but indices: a palette, or 8 bits of grey, without transparency."""
    if raw(picture) not in INDEXED or "transparency" in picture.info:
        raise DataError(
            f"{owner} is {described(picture)}; save its class numbers as the pixel values of a "
            "PNG with a palette, or of 8-bit grey, without transparency"
        )


def refuse_other_size(
    picture: Picture, size: tuple[int, ...], owner: object, remedy: str = ""
) -> None:
    if (picture.height, picture.width) != tuple(size):
        raise DataError(
            f"{owner} is {picture.width}x{picture.height}, but its image is {size[1]}x{size[0]}; "
            f"both must have the same size{remedy}"
        )


def raw(picture: Picture) -> str:
    """How the pixels of a picture are stored, by Pillow's name, such as L;4; else its mode."""
    tiles: Any = getattr(picture, "tile", ())
    stored = tiles[0][3] if tiles else picture.mode
    return stored if isinstance(stored, str) else picture.mode


def described(picture: Picture) -> str:
    if "transparency" in picture.info:
        return f"a picture of mode '{picture.mode}' with transparency"
    return RAW.get(raw(picture), f"a picture of mode '{picture.mode}'")


def without_alpha(picture: Picture, owner: object) -> Picture:
    """The picture without alpha, which must be opaque everywhere."""
    if not picture.has_transparency_data:
        return picture
    with_alpha = picture.convert("RGBA")
    if with_alpha.getchannel("A").getextrema() != (255, 255):
        raise DataError(
            f"{owner} is transparent in places, and what is behind it is not known; save it "
            "without an alpha channel. A map that is stored in the alpha channel must be saved as "
            "grey levels"
        )
    return with_alpha


def grey_levels(picture: Picture, owner: object) -> Map:
    if picture.mode.startswith("I;16") or (picture.mode == "I" and picture.format == "PNG"):
        return (np.array(picture) / np.float32(65535)).astype(np.float32)
    if raw(picture).endswith(";16B") or picture.mode not in ("1", "L", "LA", "P", "RGB", "RGBA"):
        raise DataError(f"{owner} is {described(picture)}; save it as grey with 8 or 16 bits")
    opaque = without_alpha(picture, owner)
    if picture.mode in ("1", "L"):
        levels = np.array(opaque.convert("L"))
    else:
        levels = equal_channels(np.array(opaque.convert("RGB")), owner)
    return levels.astype(np.float32) / np.float32(255)


def equal_channels(channels: NDArray[np.uint8], owner: object) -> NDArray[np.uint8]:
    levels: NDArray[np.uint8] = channels[..., 0]
    if (channels != levels[..., None]).any():
        raise DataError(
            f"{owner} has colours, and a map is grey: black is 0, white is 1; save the map itself, "
            "not a picture of it in colours"
        )
    return levels
