"""Lists of images, and the files that their ids name."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.image_ids import check_image_id

SPELLINGS = {".jpeg": ".jpg"}  # suffixes that mean another one
PICTURES = (".jpg", ".jpeg", ".png")
COLUMNS = (
    "a line holds one image id and nothing else, without suffix: keep the name of the image, and "
    "remove other columns, folders and suffixes"
)


def read_list(path: Path, known: Collection[str], source: object) -> tuple[str, ...]:
    """The image ids in a text file, one per line; spaces around them and blank lines do not count.

    ``known``: the ids that ``source`` has. A line of several known ids lists each of them.

    Raises:
        DataError: the file is missing, empty or not in UTF-8, or an id is listed twice, cannot be
            the name of a file, or is not known.
    """
    ids = tuple(i for line in _text(path).splitlines() for i in _ids_of(line.strip(), known))
    if not ids:
        raise DataError(f"{path} is empty; it must list at least one image id")
    if repeated := [image_id for image_id, count in Counter(ids).items() if count > 1]:
        raise DataError(f"{path} lists image {repeated[0]} more than once; list each image once")
    unknown = [image_id for image_id in ids if image_id not in known]
    lacks = f"lists {', '.join(unknown[:1])} ({len(unknown)} such), which {source} does not have"
    if unknown and _has_columns(unknown[0]):
        raise DataError(f"{path} {lacks}; {COLUMNS}")
    for image_id in ids:
        check_image_id(image_id, path)
    if unknown:
        raise DataError(f"{path} {lacks}; add it there, or remove it from the list")
    return ids


def _ids_of(line: str, known: Collection[str]) -> list[str]:
    words = line.split()
    several = line not in known and all(word in known for word in words)
    return words if several else [line]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path} is missing: it lists image ids, one per line") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not encoded in UTF-8 ({error.reason} at byte {error.start}); save it as "
            "UTF-8"
        ) from None


def _has_columns(line: str) -> bool:
    """Whether a line is not of a list of ids, but of other tools: with columns or suffixes."""
    return len(line.split()) > 1 or Path(line).suffix.lower() in PICTURES


def refuse_twins(paths: Iterable[Path]) -> None:
    """Refuse two files for one id, such as a.png and a.PNG, or a.jpg and a.jpeg.

    Raises:
        DataError: names two files of which only one is in ``paths``, the files that are read.
    """
    by_folder: dict[Path, set[str]] = defaultdict(set)
    for path in paths:
        by_folder[path.parent].add(path.name)
    for folder, read in by_folder.items():
        names = set(os.listdir(folder)) if folder.is_dir() else set()
        meant = {_usual(name): name for name in read & names}
        if twins := [name for name in sorted(names - read) if _usual(name) in meant]:
            raise DataError(
                f"{folder / meant[_usual(twins[0])]} is read, but {twins[0]} beside it may be "
                f"meant ({len(twins)} such); remove one of them"
            )


def _usual(name: str) -> str:
    """A name with the suffix spelled as usual."""
    stem, suffix = os.path.splitext(name)
    return stem + SPELLINGS.get(suffix.lower(), suffix.lower())


def refuse_one_file(ids: Iterable[str], path_of: Callable[[str], Path]) -> None:
    """Refuse ids that differ by case where the file system does not tell their files apart.

    Raises:
        DataError: two ids have one file.
    """
    first: dict[str, str] = {}
    for image_id in ids:
        other = first.setdefault(image_id.casefold(), image_id)
        if other != image_id and _are_one_file(path_of(other), path_of(image_id)):
            raise DataError(
                f"the images {other} and {image_id} differ by case alone and are one file, "
                f"{path_of(image_id)}, on this file system; list one of them, or move the data to "
                "a file system that tells them apart"
            )


def _are_one_file(path: Path, other: Path) -> bool:
    return path.exists() and other.exists() and path.samefile(other)
