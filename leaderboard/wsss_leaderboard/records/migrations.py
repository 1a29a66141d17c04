"""Upgrades of records of older versions; fields that those did not have stay empty."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from wsss_harness.contract.errors import DataError

Content = dict[str, Any]
VERSION: Literal[2] = 2


def migrated(content: Any, path: Path) -> Any:
    """The content of a record's file, upgraded to VERSION.

    Raises:
        DataError: its version is unknown, or it lacks a field of its version.
    """
    if not isinstance(content, dict):
        return content
    version = content.get("schema_version", VERSION)
    if type(version) is not int or not 1 <= version <= VERSION:
        raise DataError(
            f"{path}: field 'schema_version': {version!r:.40}; this version of wsss-bench reads "
            f"1 to {VERSION}: update wsss-bench if it is newer"
        )
    try:
        for older in range(version, VERSION):
            content = UPGRADES[older](content)
    except (AttributeError, KeyError, TypeError, IndexError) as error:
        raise DataError(
            f"{path}: it says that it is of version {version}, but has not the fields of one "
            f"({error}); take it back from where it was made"
        ) from None
    return content


def _from_1(content: Content) -> Content:
    """Version 1 had a key and an environment for each stage, and the seconds of all together."""
    content = dict(content)
    keys, environments = content.pop("stages", {}), content.pop("environments", {})
    seconds = content.pop("seconds", None)
    masks = content.get("masks") or {}
    segmentations = content.get("segmentations") or [{}]
    content["steps"] = [
        {"stage": stage, "key": key, "environment": environments.get(stage, {})}
        for stage, key in keys.items()
    ]
    if content["steps"] and seconds is not None:
        content["steps"][-1]["cost"] = {"wall_seconds": seconds}
    content["protocol"] = {
        "fingerprint": content.pop("fingerprint", ""),
        "images": masks.get("images", 0),
        "val_images": segmentations[0].get("images", 0),
        "held_out": 0,
        "evaluator": 1,
    }
    return {**content, "schema_version": 2}


UPGRADES: Mapping[int, Callable[[Content], Content]] = {1: _from_1}
