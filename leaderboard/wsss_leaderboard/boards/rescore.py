"""Records of an older version of the metrics, scored anew from their masks."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.supervision import Dataset
from wsss_harness.metrics import EVALUATOR
from wsss_harness.store.layout import RECORDS
from wsss_harness.system import locks
from wsss_harness.system.digests import digest_file
from wsss_leaderboard.boards import chain
from wsss_leaderboard.boards.chain import ChainEntry
from wsss_leaderboard.boards.folder import LOCK, BoardFolder, NewRecord, add
from wsss_leaderboard.boards.verification import is_stale
from wsss_leaderboard.records import counts
from wsss_leaderboard.records.counts import MASKS, Tallies
from wsss_leaderboard.records.record import Record, save_record
from wsss_leaderboard.submissions import agreement, rowpacks
from wsss_leaderboard.submissions.manifest import record_stem
from wsss_leaderboard.submissions.remeasure import measure


def rescore(board: Path, stem: str, packs: Path, dataset: Dataset) -> ChainEntry:
    """Score the masks of a stale record of a board anew; the new record supersedes it.

    ``packs``: the folder that has those of the record below its stem, or that of an older form.

    Raises:
        DataError: there is no such record, it is not stale, or these are not its masks.
    """
    with locks.exclusive(board / LOCK, wait=True):
        found = BoardFolder.read(board)
        entry = found.current.get(stem)
        if entry is None:
            raise DataError(f"{board} has no record {stem}; it has {', '.join(found.current)}")
        record, tallies = agreement.read(board / RECORDS / f"{stem}.json")
        if not is_stale(record):
            raise DataError(f"{stem} is not stale: its metrics are of version {EVALUATOR}")
        own = chain.packs_of(board, stem, packs)
        if rowpacks.digests(own, record) != entry.packs:
            raise DataError(f"{own} holds other packs than those that were accepted")
        new, counted = anew(record, tallies, own, dataset)
        with tempfile.TemporaryDirectory(prefix=".rescore-", dir=board) as folder:
            path = _written(Path(folder), new, counted)
            suite = chain.suite_of(board, entry)
            return add(found, [NewRecord(path, suite, entry.packs, entry.record, entry.signer)])[0]


def anew(
    record: Record, tallies: Mapping[str, Tallies], packs: Path, dataset: Dataset
) -> tuple[Record, dict[str, Tallies]]:
    """A record with the metrics of today, and its counts.

    The curve and other thresholds need scores, which are not there: they stay empty.
    """
    measured = {}
    for target, folder in rowpacks.folders(packs, record).items():
        ids = tallies[target].ids
        pack = rowpacks.opened(folder, ids, len(dataset.classes), dataset)
        measured[target] = measure(dataset, ids, pack.mask)
    assert record.masks  # it was accepted
    masks = measured[MASKS].masks(record.masks)
    changes = {
        "protocol": record.protocol.model_copy(update={"evaluator": EVALUATOR}),
        "masks": masks.model_copy(update={"curve": (), "others": {}}),
        "segmentations": tuple(
            measured[one.segmentor].segmentation(one) for one in record.segmentations
        ),
    }
    return record.model_copy(update=changes), {t: one.tallies for t, one in measured.items()}


def _written(folder: Path, record: Record, tallies: Mapping[str, Tallies]) -> Path:
    """Write a record and its counts under the name that it will have."""
    path = folder / RECORDS / "new.json"
    counts.write(counts.path_of(path), tallies)
    found = digest_file(counts.path_of(path))
    save_record(record.model_copy(update={"counts": found}), path)
    named = path.with_name(f"{record_stem(record, path)}.json")
    counts.path_of(path).rename(counts.path_of(named))
    return path.rename(named)
