"""Image labels and contexts of a folder in VOC layout, each a JSON file."""

from collections import Counter
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any

from wsss_harness.contract.classes import MOST, check_classes
from wsss_harness.contract.errors import DataError
from wsss_harness.system.files import read_json

Labels = dict[str, tuple[int, ...]]  # the classes 1..C of each image id, ascending
Pairs = tuple[tuple[str, str], ...]  # (context, class)


def read_labels(path: Path) -> tuple[tuple[str, ...], Labels]:
    """The names of the classes and the image labels of {"classes": [names], "labels": {id: names}}.

    Raises:
        DataError: the file is missing, damaged or ambiguous, or a label is not one of the classes.
    """
    content = read_json(path, _unique)
    if not isinstance(content, dict) or not {"classes", "labels"} <= content.keys():
        raise DataError(f'{path} must hold {{"classes": [names], "labels": {{id: [names]}}}}')
    classes = check_classes(content.get("classes"), str(path))
    numbers = {name: number for number, name in enumerate(classes, 1)}
    return classes, {
        image_id: tuple(sorted({_number(name, numbers, image_id, path) for name in present}))
        for image_id, present in _lists(content["labels"], path)
    }


def _lists(labels: object, path: Path) -> Iterable[tuple[str, list[Any]]]:
    if not isinstance(labels, dict):
        raise DataError(f"{path}: the labels are {labels!r:.80}; expected {{id: [names]}}")
    for image_id, present in labels.items():
        if not isinstance(present, list):
            raise DataError(
                f"{path}: image {image_id} has the labels {present!r:.80}; expected a list of "
                "names of classes, which may be empty"
            )
        yield image_id, present


def _number(name: object, numbers: dict[str, int], image_id: str, path: Path) -> int:
    if not isinstance(name, str) or name not in numbers:
        raise DataError(
            f"{path}: image {image_id} has class {name!r}, which is not one of the classes "
            f"{', '.join(numbers)}; labels are names as in this list, without the background"
        )
    return numbers[name]


def read_contexts(path: Path, classes: tuple[str, ...]) -> tuple[tuple[str, ...], Pairs]:
    """The names of the contexts 1.. and the pairs; {"names": [names], "pairs": [[context, class]]}.

    Raises:
        DataError: the file is damaged or ambiguous, or a pair has an unknown name.
    """
    names, pairs = _names_and_pairs(path)
    for pair in pairs:
        if len(pair) != 2 or pair[0] not in names or pair[1] not in classes:
            raise DataError(
                f"{path}: the pair {pair} must name one of the contexts {names} and a class"
            )
    paired = tuple((context, name) for context, name in pairs)
    if repeated := [*_repeated(names), *_repeated(paired)]:
        raise DataError(f"{path} has {repeated[0]!r} twice; name each context and pair once")
    if len(names) > MOST:
        raise DataError(f"{path} has {len(names)} contexts; maps have 8 bits: at most {MOST}")
    return tuple(names), paired


def _names_and_pairs(path: Path) -> tuple[list[str], list[list[str]]]:
    content = read_json(path, _unique)
    names, pairs = (content.get(key) if isinstance(content, dict) else None for key in KEYS)
    if not _is_list_of(str, names) or not _is_list_of(list, pairs):
        raise DataError(f'{path} must hold {{"names": [names], "pairs": [[context, class], ...]}}')
    return names, pairs  # type: ignore[return-value]


KEYS = ("names", "pairs")


def _is_list_of(kind: type, values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, kind) for value in values)


def _repeated(values: Iterable[Hashable]) -> list[Hashable]:
    return [value for value, count in Counter(values).items() if count > 1]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; ValueError if a key is there twice, of which one would be lost."""
    if repeated := _repeated(key for key, _ in pairs):
        raise ValueError(f"the key {repeated[0]!r} is there twice; each must be there once")
    return dict(pairs)
