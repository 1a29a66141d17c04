"""SHA-256 digests of published JSON content, independent of its spacing, and of files."""

import hashlib
import json
from pathlib import Path
from typing import Any

from wsss_harness.system.digests import digest_file


def digest(content: Any) -> str:
    """The SHA-256 of JSON content with sorted keys and without spaces."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of_file(path: Path) -> str:
    """The SHA-256 of a file's bytes."""
    return digest_file(path, hashlib.sha256)
