"""What an image may be called: its id is a part of the paths of its files."""

import re

from wsss_harness.contract.errors import DataError

LONGEST = 200  # bytes; files have suffixes, and most systems allow 255
PART = r"(?!\.\.?(?:/|$))[^/\\]+"
NOTES = ("read", "parts")  # folders in which stages keep notes beside the files of images
VALID = re.compile(rf"(?![A-Za-z]:|(?:{'|'.join(NOTES)})/){PART}(?:/{PART})*")


def check_image_id(image_id: object, source: object) -> str:
    """The id of an image, which ``source`` lists.

    Raises:
        DataError: it is no relative path, or has parts, characters or a length that files of some
            systems cannot have.
    """
    if (
        not isinstance(image_id, str)
        or not image_id.isprintable()
        or not VALID.fullmatch(image_id)
        or len(image_id.encode()) > LONGEST
    ):
        raise DataError(
            f"{source} lists {image_id!r:.220}, which is not an image id: expected a name like "
            "2007_000032 or aachen/img0, which is the path of a file without its suffix, is "
            "relative, holds no '..', backslash or control character, does not begin with "
            f"{'/ or '.join(NOTES)}/, and has at most {LONGEST} bytes"
        )
    return image_id
