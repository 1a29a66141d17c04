"""Verifications of a record, in a file next to it: which tier, by whom, with which tolerance.

A verification holds the digest of its record, so it does not count for a record that was changed,
or for another record that it was copied to.
"""

import datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from wsss_harness.contract.errors import DataError
from wsss_harness.metrics import EVALUATOR
from wsss_harness.system.files import read_json, write_json
from wsss_leaderboard.records.model import Fraction, StrictModel
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.submissions.manifest import TIERS, Tier, digest
from wsss_leaderboard.submissions.names import refuse_name

VERIFIED = "verified"  # folder next to that of the records


class Verification(StrictModel):
    """A tier that a record has passed, like all tiers below it, except 3 if weights are missing.

    ``tolerance``: allowed difference of mIoU, a fraction; 0 if all bytes or all numbers are equal.
    ``record``: the digest of the record. ``by``: who verified it.
    """

    tier: Tier
    by: Annotated[str, Field(min_length=1, max_length=100)]
    date: datetime.date
    tolerance: Fraction
    record: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]

    @property
    def title(self) -> str:
        return TIERS[self.tier]


_LIST = TypeAdapter(tuple[Verification, ...])


def path_of(record: Path) -> Path:
    """The file of the verifications of a record."""
    return record.parent.with_name(VERIFIED) / record.name


def badge(record: Path) -> Verification | None:
    """The latest verification of the highest tier that a record has passed; None without one.

    Raises:
        DataError: The file of verifications is invalid.
    """
    verifications = read(record)
    own_digest = digest(read_json(record)) if verifications else ""
    return max(
        (entry for entry in reversed(verifications) if entry.record == own_digest),
        key=lambda entry: entry.tier,
        default=None,
    )


def read(record: Path) -> tuple[Verification, ...]:
    """All verifications next to a record, including those of another record."""
    path = path_of(record)
    if not path.is_file():
        return ()
    try:
        return _LIST.validate_python(read_json(path))
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise DataError(f"{path}: field '{field}': {problem['msg']}") from None


def add(record: Path, tier: Tier, by: str, tolerance: float = 0.0) -> Verification:
    """Note that a record has passed a tier; DataError if ``by`` is not a plain name."""
    refuse_name(by, "who verified it")
    verification = Verification(
        tier=tier,
        by=by,
        date=datetime.datetime.now(datetime.UTC).date(),
        tolerance=tolerance,
        record=digest(read_json(record)),
    )
    write_json(path_of(record), _LIST.dump_python((*read(record), verification), mode="json"))
    return verification


def is_stale(record: Record) -> bool:
    """Whether the metrics have changed since: its masks may now score differently."""
    return record.protocol.evaluator != EVALUATOR
