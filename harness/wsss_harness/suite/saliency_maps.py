"""Saliency maps of a detector that a suite names, in place of those of the dataset."""

from pathlib import Path
from typing import Any

import xxhash

from wsss_harness.contract.errors import DataError
from wsss_harness.suite.spec import SaliencyMaps
from wsss_harness.system.digests import digest_files


def identity(label: str, maps: SaliencyMaps) -> dict[str, Any]:
    """What cache keys and records say of saliency maps: their origin, and a digest of all maps.

    Raises:
        DataError: the folder is missing or holds no map.
    """
    folder = Path(maps.folder)
    paths = sorted(folder.glob("*.png"))
    if not paths:
        raise DataError(
            f"saliency '{label}': {folder} holds no maps ID.png; set saliency.{label}.folder"
        )
    map_digests = digest_files(paths, str(folder.resolve()))
    content = "".join(
        f"{path.name} {map_digest}\n" for path, map_digest in zip(paths, map_digests, strict=True)
    )
    digest = xxhash.xxh3_128_hexdigest(content.encode())
    return {"detector": maps.detector, "trained_on": maps.trained_on, "digest": digest}
