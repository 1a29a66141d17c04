"""The mask packs of a row: its pseudo-masks of the scored images, and the masks of each segmentor.

PACKS/STEM/0-masks/             a pack, see wsss_harness.packs
PACKS/STEM/1-deeplab-v1/        of the first segmentor on val
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.kinds import STATED, TRUTH
from wsss_harness.contract.supervision import Dataset
from wsss_harness.packs.exchange import blank, copier, write_pack
from wsss_harness.packs.manifest import MANIFEST, Manifest, Pack
from wsss_harness.store.store import Store
from wsss_harness.suite.rows import RowStages
from wsss_leaderboard.records.counts import MASKS, Tallies
from wsss_leaderboard.records.record import Record, slug

PACKS = "packs"
MAX_BYTES = 8 * 2**20  # of the manifest of a pack
PIXELS = 25_000_000  # the most of one mask if the size of its image is unknown


def name_of(number: int, target: str) -> str:
    """The folder of the pack of a target: MASKS, or the label of a segmentor."""
    return f"{number}-{slug(target) or 'masks'}"


def folders(packs: Path, record: Record) -> dict[str, Path]:
    """The folder of each target's pack, in the folder of a record's packs."""
    targets = (MASKS, *(part.segmentor for part in record.segmentations))
    return {target: packs / name_of(number, target) for number, target in enumerate(targets)}


def write(
    packs: Path,
    record: Record,
    tallies: Mapping[str, Tallies],
    row: RowStages,
    store: Store,
    dataset: Dataset,
) -> dict[str, str]:
    """Write the masks of the scored images of a finished row as packs; return their digests."""
    stages = {MASKS: row.masks, **{s.label: s.predictions for s in row.segmentations}}
    read = record.supervision.used
    used = None if TRUTH in read else sorted(read & {*STATED})
    chosen_on = record.masks.chosen_on if record.masks else "unknown"
    for target, folder in folders(packs, record).items():
        origin = {"seed": str(record.seed), "stage": stages[target].key, "target": target}
        manifest = blank("masks", record.method, dataset, used, origin, chosen_on)
        copy = copier(store.folder(stages[target]), "masks")
        write_pack(folder, manifest, tallies[target].ids, dataset, copy)
    return digests(packs, record)


def digests(packs: Path, record: Record) -> dict[str, str]:
    """SHA-256 of the manifest of each target's pack; the manifest has that of every mask.

    Raises:
        DataError: A pack is missing, or its manifest is too long.
    """
    return {target: digest(folder) for target, folder in folders(packs, record).items()}


def digest(pack: Path) -> str:
    try:
        if (pack / MANIFEST).stat().st_size > MAX_BYTES:
            raise DataError(f"{pack / MANIFEST} has more than {MAX_BYTES} bytes; it is not read")
        return hashlib.sha256((pack / MANIFEST).read_bytes()).hexdigest()
    except OSError:
        raise DataError(f"{pack / MANIFEST} is missing; get the mask packs of the row") from None


def opened(folder: Path, ids: Sequence[str], classes: int, dataset: Dataset | None) -> Pack:
    """Open a pack of exactly these images, without decoding any mask.

    Raises:
        DataError: Its images, classes or sizes are not those of the counts or the dataset.
    """
    pack = Pack(folder)
    manifest = pack.manifest
    _check_manifest(manifest, folder / MANIFEST, ids, classes)
    if dataset is not None:
        pack.refuse_other(dataset.classes, ids)
    for image_id, entry in manifest.images.items():
        if dataset is not None:
            pack.check_size(image_id, dataset.truth(image_id).shape)
        elif entry.size[0] * entry.size[1] > PIXELS:
            raise DataError(
                f"{folder / MANIFEST}: image {image_id!a} would have {entry.size[0]}x"
                f"{entry.size[1]} pixels; more than {PIXELS} are not unpacked"
            )
    return pack


def _check_manifest(manifest: Manifest, path: Path, ids: Sequence[str], classes: int) -> None:
    if manifest.kind != "masks":
        raise DataError(f"{path} holds {manifest.kind}; expected masks")
    if sorted(manifest.images) != sorted(ids):
        other = sorted(set(manifest.images) ^ set(ids))
        raise DataError(
            f"{path} and the counts of the record are not of the same images; "
            f"{other[0]!a} is in one of them ({len(other)} such)"
        )
    if len(manifest.classes) != classes:
        raise DataError(f"{path} has {len(manifest.classes)} classes, not {classes}")
