"""submission.json: what a submitted folder holds, each file with its size and SHA-256."""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from wsss_harness.system.digests import digest_file
from wsss_harness.system.files import read_json
from wsss_harness.system.models import StrictModel, validated
from wsss_leaderboard.records.record import Record, slug


def digest(content: Any) -> str:
    """The SHA-256 of JSON content with sorted keys and without spaces."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of_file(path: Path) -> str:
    """The SHA-256 of a file's bytes."""
    return digest_file(path, hashlib.sha256)


Tier = Literal[1, 2, 3, 4]
TIERS: dict[Tier, str] = {
    1: "schema and digests",
    2: "metrics recomputed from masks",
    3: "scores inferred again from weights",
    4: "trained again with the same seeds",
}


MANIFEST, README, SUITE, LOGS = "submission.json", "README.md", "suite.json", "logs"
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Stem = Annotated[str, Field(pattern=r"^\w[\w-]{0,199}$")]


class ListedFile(StrictModel):
    sha256: Digest
    bytes: Annotated[int, Field(ge=0)]


class Submission(StrictModel):
    """The content of submission.json.

    ``files`` by path in the folder; ``packs``: digests of mask packs by stem and target.
    ``corrects``: the records replace those of the same method and seed.
    """

    format: Literal[1] = 1
    suite: str
    method: str
    command: str
    version: str
    files: dict[str, ListedFile]
    packs: dict[Stem, dict[str, Digest]]
    corrects: bool = False


def read_submission(folder: Path) -> Submission:
    """Read submission.json; DataError names the invalid field."""
    path = folder / MANIFEST
    return validated(Submission, read_json(path), path)


def record_stem(record: Record, path: Path) -> str:
    """The name of a record's files, unique among all records."""
    name = slug(record.method)[:80] or "row"
    return f"{name}-seed{record.seed}-{digest(read_json(path))[:8]}"
