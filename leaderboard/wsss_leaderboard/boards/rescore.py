"""Score records of an older version of the metrics again, from their masks."""

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
from wsss_leaderboard.ranking.entries import LoadedRecord
from wsss_leaderboard.records import counts
from wsss_leaderboard.records.counts import MASKS, Tallies
from wsss_leaderboard.records.record import Record, save_record
from wsss_leaderboard.submissions import agreement, rowpacks
from wsss_leaderboard.submissions.agreement import Measurement, measure
from wsss_leaderboard.submissions.manifest import record_stem


def rescore(board: Path, stem: str, packs: Path, dataset: Dataset) -> ChainEntry:
    """Score the masks of a stale record of a board again; the new record supersedes it.

    ``packs``: the folder with its packs, below its stem or that of a record it was rescored from.

    Raises:
        DataError: There is no such record, it is not stale, or these are not its masks.
    """
    with locks.exclusive(board / LOCK, wait=True):
        board_folder = BoardFolder.read(board)
        entry, run = _stale(board_folder, stem)
        own_packs = chain.packs_of(board, stem, packs)
        if rowpacks.digests(own_packs, run.record) != entry.packs:
            raise DataError(f"{own_packs} holds other packs than those that were accepted")
        new, counted = scored_again(run, own_packs, dataset)
        with tempfile.TemporaryDirectory(prefix=".rescore-", dir=board) as folder:
            path = _written(Path(folder), new, counted)
            suite = chain.suite_of(board, entry)
            new_record = NewRecord(path, suite, entry.packs, entry.record, entry.signer)
            return add(board_folder, [new_record])[0]


def _stale(board: BoardFolder, stem: str) -> tuple[ChainEntry, LoadedRecord]:
    """The entry of a stale record of a board, and the record."""
    entry = board.current.get(stem)
    if entry is None:
        raise DataError(f"{board.folder} has no record {stem}; it has {', '.join(board.current)}")
    run = agreement.read(board.folder / RECORDS / f"{stem}.json")
    if not is_stale(run.record):
        raise DataError(f"{stem} is not stale: its metrics are of version {EVALUATOR}")
    return entry, run


def scored_again(
    run: LoadedRecord, packs: Path, dataset: Dataset
) -> tuple[Record, dict[str, Tallies]]:
    """A record with the current metrics, and its counts.

    The curve and the other thresholds need scores, which packs lack: they become empty.
    """
    record, measured = run.record, _measured(run, packs, dataset)
    assert record.masks  # accepted records have masks
    masks = measured[MASKS].masks(record.masks)
    changes = {
        "protocol": record.protocol.model_copy(update={"evaluator": EVALUATOR}),
        "masks": masks.model_copy(update={"curve": (), "others": {}}),
        "segmentations": tuple(
            measured[part.segmentor].segmentation(part) for part in record.segmentations
        ),
    }
    tallies = {target: part.tallies for target, part in measured.items()}
    return record.model_copy(update=changes), tallies


def _measured(run: LoadedRecord, packs: Path, dataset: Dataset) -> dict[str, Measurement]:
    """The masks of each target, measured with the current metrics."""
    measured = {}
    for target, folder in rowpacks.folders(packs, run.record).items():
        ids = run.tallies[target].ids
        pack = rowpacks.opened(folder, ids, len(dataset.classes), dataset)
        measured[target] = measure(dataset, ids, pack.mask)
    return measured


def _written(folder: Path, record: Record, tallies: Mapping[str, Tallies]) -> Path:
    path = folder / RECORDS / "new.json"
    counts.write(counts.path_of(path), tallies)
    digest = digest_file(counts.path_of(path))
    save_record(record.model_copy(update={"counts": digest}), path)
    final_path = path.with_name(f"{record_stem(record, path)}.json")
    counts.path_of(path).rename(counts.path_of(final_path))
    return path.rename(final_path)
