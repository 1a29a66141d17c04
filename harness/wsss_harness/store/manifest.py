"""The manifest of a finished stage: its recipe, supervision, files and resource use."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import DataError
from wsss_harness.store.work import LOG
from wsss_harness.system.digests import digest_file
from wsss_harness.system.files import read_json

MANIFEST = "manifest.json"
LEDGER = "read"
PARTS = "parts"
FORMAT = 1  # rises when an older version would misread a manifest
FIELDS = frozenset(
    {"format", "key", "recipe", "note", "read", "cost", "environment", "files"}
)  # fmt: skip


def key_of(recipe: Mapping[str, Any]) -> str:
    """The key of a stage: the SHA-256 of its recipe as JSON."""
    text = json.dumps(recipe, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a finished stage.

    Raises:
        DataError: it has another format, lacks a field, or its key does not match its recipe.
    """
    path = folder / MANIFEST
    manifest = read_json(path)
    version = manifest.get("format", FORMAT) if isinstance(manifest, dict) else FORMAT
    if version != FORMAT:
        raise DataError(
            f"{path} has format {version}, but this version of wsss-bench reads {FORMAT}; update "
            "wsss-bench or give another --store"
        )
    if problem := _problem(manifest):
        raise DataError(
            f"{path} {problem}: somebody changed it, or an older version wrote it; delete "
            f"{folder} to make the stage again"
        )
    return dict(manifest)


def _problem(manifest: Mapping[str, Any]) -> str | None:
    """What is wrong with a manifest, as words that follow its name."""
    if missing := sorted(FIELDS - set(manifest)):
        return f"lacks '{missing[0]}'"
    if malformed := sorted(_malformed(manifest)):
        return f"has a malformed '{malformed[0]}'"
    if key_of(manifest["recipe"]) != manifest["key"]:
        return "has a key that does not match its recipe"
    return None


def _malformed(manifest: Mapping[str, Any]) -> set[str]:
    """The fields of a manifest that are not the tables they must be."""
    tables = ("recipe", "note", "cost", "environment", "files")
    malformed = {name for name in tables if not isinstance(manifest[name], dict)}
    texts = [n for n in ("environment", "files") if n not in malformed]
    return malformed | {
        n for n in texts if not all(isinstance(value, str) for value in manifest[n].values())
    }


def digests(folder: Path) -> dict[str, str]:
    """The XXH3 digests of a stage's products, without notes, log, ledger and manifest."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    relative = ((path, path.relative_to(folder)) for path in paths)
    return {
        name.as_posix(): digest_file(path)
        for path, name in relative
        if name.parts[0] not in (LOG, LEDGER, PARTS, MANIFEST)
    }
