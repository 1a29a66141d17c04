"""An SQLite index of COCO's annotation files, so that no process reads the JSON again."""

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from wsss_harness.contract.classes import check_classes
from wsss_harness.contract.errors import DataError
from wsss_harness.contract.image_ids import check_image_id
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


def write_index(path: Path, annotations: Mapping[str, Path]) -> None:
    """Write the index of the annotation files by split; classes are those of the first file.

    Raises:
        DataError: a file is not in COCO's format, an image is listed twice, or a category has no
            name of its own, or one that the first file lacks.
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
        numbered = sorted((int(category["id"]), category["name"]) for category in categories)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{file}: a category lacks its id or name ({error})") from None
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
    try:
        images = [_image_row(image, split, file) for image in content["images"]]
        instances = [_instance_row(instance) for instance in content["annotations"]]
    except KeyError as error:
        raise DataError(f"{file} lacks {error}; expected COCO's format") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{file} has a wrong value ({error}); expected COCO's format") from None
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
    return _number(image["id"]), split, image_id, int(image["height"]), int(image["width"])


def _instance_row(instance: Mapping[str, Any]) -> Row:
    return (
        _number(instance["image_id"]),
        _number(instance["category_id"]),
        int(instance.get("iscrowd", 0)),
        float(instance["area"]),
        json.dumps(instance["segmentation"], separators=(",", ":")),
    )


def _number(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError(f"an id is {value!r}, not a whole number")
    return value


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
