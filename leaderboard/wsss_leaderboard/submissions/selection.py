"""How often the store of a submitter has scored something on the truth of a row's dataset.

A best row of many was also selected by its score, so readers want to know of how many. Only the
submitter can count them; others can see whether the counts are possible.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from wsss_harness.contract.supervision import Dataset, scored_ids
from wsss_harness.store.selection_ledger import Truth, scored
from wsss_leaderboard.records.provenance import TruthUse
from wsss_leaderboard.records.record import Record


def selection_of(root: Path, name: str, dataset: Dataset) -> tuple[TruthUse, ...]:
    """What the store ``root`` has scored on each truth of the dataset ``name``, own lists first.

    Other lists of the dataset count too: they may share images with those of the row.
    """
    own = Truth.of(name, "train", scored_ids(dataset)), Truth.of(name, "val", dataset.ids("val"))
    uses = [
        TruthUse(
            split=truth.split, images=truth.images, list=truth.digest, own=truth in own, **counts
        )
        for truth, counts in scored(root).items()
        if truth.dataset == name
    ]
    return tuple(sorted(uses, key=lambda use: not use.own))


def problems(record: Record) -> Iterator[str]:
    """Counts that are lower than what the record itself shows, or of other lists."""
    own = {use.split: use for use in record.selection or () if use.own}
    protocol, masks = record.protocol, record.masks
    images = {"train": protocol.images + protocol.held_out, "val": protocol.val_images}
    for split, use in own.items():
        if use.images != images[split]:
            yield f"selection: {split} has {use.images} images, in the protocol {images[split]}"
    if record.selection is not None and masks:
        shown = (
            ("train", "masks", int(not record.control)),
            ("train", "thresholds", len(masks.curve)),
        )
        for split, unit, least in (*shown, ("val", "masks", len(record.segmentations))):
            count = getattr(own[split], unit) if split in own else 0
            if count < least:
                yield f"selection has {count} {unit} on {split}, but this row alone has {least}"


def notes(records: Sequence[Record]) -> Iterator[str]:
    """What a submission says of its store, on the lists of its row."""
    for record in records:
        if uses := [use.words for use in record.selection or () if use.own]:
            yield f"selection: its store had scored {'; '.join(uses)}; nobody else can count this"
