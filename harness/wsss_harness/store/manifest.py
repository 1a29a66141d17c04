"""The manifest that a stage leaves when it is finished: what it is, what it read, made and cost."""

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
    """The key of a stage: the SHA-256 of its recipe."""
    text = json.dumps(recipe, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a finished stage.

    Raises:
        DataError: it is of a newer version, lacks something, or its key is not that of its recipe.
    """
    path = folder / MANIFEST
    manifest = read_json(path)
    version = manifest.get("format", FORMAT) if isinstance(manifest, dict) else FORMAT
    if version != FORMAT:
        raise DataError(
            f"{path} has format {version}, and this version of wsss-bench reads {FORMAT}; update "
            "wsss-bench or give another --store"
        )
    lacking = sorted(FIELDS - set(manifest))
    if lacking or key_of(manifest["recipe"]) != manifest["key"]:
        what = f"lacks '{lacking[0]}'" if lacking else "has another key than that of its recipe"
        raise DataError(
            f"{path} {what}: somebody changed it, or an older version wrote it; delete "
            f"{folder} to have it made again"
        )
    return dict(manifest)


def digests(folder: Path) -> dict[str, str]:
    """xxh3 digests of a stage's products; notes, log, ledger and manifest are none."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    relative = ((path, path.relative_to(folder)) for path in paths)
    return {
        name.as_posix(): digest_file(path)
        for path, name in relative
        if name.parts[0] not in (LOG, LEDGER, PARTS, MANIFEST)
    }
