"""An SQLite index of COCO's annotation files, so that no process reads the JSON again."""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from wsss_harness.contract.classes import check_classes
from wsss_harness.contract.errors import DataError
from wsss_harness.contract.image_ids import check_image_id
from wsss_harness.datasets.coco.outline_check import Sized, check_outlines, named
from wsss_harness.system.files import atomic, read_json

TABLES = """
CREATE TABLE classes (category INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE images (
    number INTEGER PRIMARY KEY, split TEXT, id TEXT UNIQUE, height INT, width INT, categories TEXT
);
CREATE TABLE instances (
    place INTEGER PRIMARY KEY, image INT, category INT, crowd INT, area REAL, outline TEXT
);
CREATE INDEX of_image ON instances (image);
"""

Row = tuple[Any, ...]
Numbers = Mapping[int, int]  # of classes in the index, by the numbers of a file's categories


def write_index(path: Path, annotations: Mapping[str, Path], draws: bool = True) -> None:
    """Write the index of the annotation files by split; classes are those of the first file.

    ``draws``: whether outlines will be drawn, and so are checked.

    Raises:
        DataError: a file is not in COCO's format, an image is listed twice, a category has no
            name of its own, or one that the first file lacks, or outlines cannot be as meant.
    """
    with atomic(path) as temporary, closing(sqlite3.connect(temporary)) as connection:
        connection.executescript(TABLES)
        classes: dict[int, str] = {}
        for split, file in annotations.items():
            content = _read_annotations(file)
            categories = _read_categories(content["categories"], file)
            if not classes:
                classes = categories
                connection.executemany("INSERT INTO classes VALUES (?, ?)", classes.items())
            _add_split(connection, split, content, _matched(categories, classes, file), file)
            if draws:
                _check_outlines(content, file)
        connection.commit()


def _read_annotations(path: Path) -> Mapping[str, Any]:
    content: Mapping[str, Any] = read_json(path)
    for key in ("images", "annotations", "categories"):
        if not isinstance(content, Mapping) or not isinstance(content.get(key), list):
            raise DataError(f"{path} has no list '{key}'; expected instances in COCO's format")
    return content


def _read_categories(categories: list[Any], file: Path) -> dict[int, str]:
    """The names of the categories by their numbers, which ascend."""
    try:
        numbered = sorted((_number(category["id"]), category["name"]) for category in categories)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{file}: a category lacks its id or name, or has a wrong id ({error})"
        ) from None
    check_classes([name for _, name in numbered], str(file))
    names = dict(numbered)
    if len(names) < len(numbered):
        raise DataError(f"{file} gives one id to two categories; each needs an id of its own")
    return names


def _matched(categories: Mapping[int, str], classes: Mapping[int, str], file: Path) -> Numbers:
    """The number of the class with the name of each category."""
    numbers = {name: number for number, name in classes.items()}
    if unknown := sorted(categories.values() - numbers.keys()):
        raise DataError(
            f"{file} has the category {unknown[0]!r} ({len(unknown)} such), which the annotations "
            "of train lack; name the categories alike in both files, whatever their numbers"
        )
    return {number: numbers[name] for number, name in categories.items()}


def _add_split(
    connection: sqlite3.Connection,
    split: str,
    content: Mapping[str, Any],
    categories: Numbers,
    file: Path,
) -> None:
    """Add images and instances; ``categories`` are the index's numbers by those of the file."""
    images = _rows("image", content["images"], lambda entry: _image_row(entry, split, file), file)
    instances = _rows("annotation", content["annotations"], _instance_row, file)
    _check_references(file, categories, images, instances)
    numbers = _numbered(connection, images, file)
    instances = [(numbers[image], categories[name], *rest) for image, name, *rest in instances]
    present: dict[int, set[int]] = {}
    for image, category, *_ in instances:
        present.setdefault(image, set()).add(category)
    rows = (
        (numbers[image], *rest, " ".join(map(str, sorted(present.get(numbers[image], ())))))
        for image, *rest in images
    )
    connection.executemany("INSERT INTO images VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.executemany("INSERT INTO instances VALUES (NULL, ?, ?, ?, ?, ?)", instances)


def _rows(kind: str, entries: list[Any], make_row: Callable[[Any], Row], file: Path) -> list[Row]:
    """A row of each entry; DataError with the file and the entry if one is not in COCO's format."""
    rows: list[Row] = []
    try:
        for entry in entries:
            rows.append(make_row(entry))
    except KeyError as error:
        name = named(entry, len(rows), kind)
        raise DataError(f"{file} lacks {error} in {name}; expected COCO's format") from None
    except (TypeError, ValueError, OverflowError) as error:
        name = named(entry, len(rows), kind)
        raise DataError(
            f"{file} has a wrong value in {name} ({error}); expected COCO's format"
        ) from None
    return rows


def _check_outlines(content: Mapping[str, Any], file: Path) -> None:
    images = {}
    for image in content["images"]:
        size = _number(image["height"]), _number(image["width"])
        images[image["id"]] = Sized(Path(image["file_name"]).stem, size)
    check_outlines(content["annotations"], images, file)


def _numbered(connection: sqlite3.Connection, images: list[Row], file: Path) -> dict[int, int]:
    """The number of each image in the index by its number in the file; files may number alike.

    Raises:
        DataError: an image is listed twice, or in both files.
    """
    indexed = {image_id for (image_id,) in connection.execute("SELECT id FROM images")}
    for column, name in ((0, "id"), (2, "file name")):
        counted = Counter(row[column] for row in images)
        if repeated := [value for value, count in counted.items() if count > 1]:
            raise DataError(
                f"{file} lists two images with the {name} {repeated[0]}; list each once"
            )
    if shared := sorted(indexed.intersection(row[2] for row in images)):
        raise DataError(
            f"{file} lists image {shared[0]} ({len(shared)} in all), which is in train as well; a "
            "segmentor would be scored on its training images"
        )
    return {row[0]: len(indexed) + place for place, row in enumerate(images)}


def _image_row(image: Mapping[str, Any], split: str, file: Path) -> Row:
    """The id of an image is the name of its file: the pictures of a split lie in one folder."""
    image_id = check_image_id(Path(image["file_name"]).stem, file)
    size = _number(image["height"]), _number(image["width"])
    if min(size) < 1:
        raise ValueError(f"an image has {size[1]}x{size[0]} pixels")
    return _number(image["id"]), split, image_id, *size


def _instance_row(instance: Mapping[str, Any]) -> Row:
    area, crowd = instance["area"], instance.get("iscrowd", 0)
    if crowd not in (0, 1):
        raise ValueError(f"iscrowd is {crowd!r}, not 0 or 1")
    if type(area) not in (int, float) or not 0 <= area < float("inf"):
        raise ValueError(f"area is {area!r}, not a number of pixels")
    return (
        _number(instance["image_id"]),
        _number(instance["category_id"]),
        int(crowd),
        float(area),
        json.dumps(instance["segmentation"], separators=(",", ":")),
    )


def _number(value: Any) -> int:
    """A whole number, also as 3.0; another is never cut to one."""
    if type(value) not in (int, float) or value != value // 1 or abs(value) >= 2**63:
        raise ValueError(f"{value!r} is not a whole number")
    return int(value)


def _check_references(
    file: Path, categories: Collection[int], images: list[Row], instances: list[Row]
) -> None:
    image_numbers = {row[0] for row in images}
    for image, category, *_ in instances:
        if image not in image_numbers:
            raise DataError(f"{file}: an annotation is of image {image}, which is not listed")
        if category not in categories:
            raise DataError(f"{file}: an annotation is of category {category}, which has no name")


class IndexedImage(NamedTuple):
    """An image of the index; ``categories`` are COCO's numbers of the classes in it."""

    split: str
    height: int
    width: int
    categories: tuple[int, ...]


class Instance(NamedTuple):
    """An instance of an image; ``outline`` in COCO's format, ``area`` in pixels."""

    category: int
    crowd: bool
    area: float
    outline: Any


def read_categories(path: Path) -> dict[int, str]:
    """The names of the classes by COCO's numbers, which ascend."""
    with _opened(path) as connection:
        return dict(connection.execute("SELECT * FROM classes ORDER BY category"))


def read_images(path: Path) -> Iterator[tuple[str, IndexedImage]]:
    """All images with their ids, ordered by id."""
    with _opened(path) as connection:
        for image_id, split, height, width, categories in connection.execute(
            "SELECT id, split, height, width, categories FROM images ORDER BY id"
        ):
            numbers = tuple(int(category) for category in categories.split())
            yield image_id, IndexedImage(split, height, width, numbers)


def read_instances(path: Path, image_id: str) -> list[Instance]:
    """The instances of an image in the order of the annotation file."""
    with _opened(path) as connection:
        rows = connection.execute(
            "SELECT category, crowd, area, outline FROM instances JOIN images "
            "ON instances.image = images.number WHERE id = ? ORDER BY place",
            (image_id,),
        )
        return [
            Instance(category, bool(crowd), area, json.loads(outline))
            for category, crowd, area, outline in rows
        ]


def _opened(path: Path) -> "closing[sqlite3.Connection]":
    if not path.is_file():
        raise DataError(f"{path} is missing; the dataset has not been prepared")
    return closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True))
