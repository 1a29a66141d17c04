"""What was verified of a record, by whom and how closely, in a file beside it.

A verification holds the digest of the record that it is of, so a record that was changed has lost
it, and one that was copied to another record is worth nothing there.
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
from wsss_leaderboard.submissions.canonical import digest
from wsss_leaderboard.submissions.names import refuse_name
from wsss_leaderboard.submissions.tiers import TIERS, Tier

VERIFIED = "verified"  # the folder beside that of the records


class Verification(StrictModel):
    """A tier that a record has passed, and all below it; but 3 where nobody had the weights.

    ``tolerance``: by how much mIoU was allowed to differ, as a fraction; 0 where all bytes or all
    numbers are the same. ``record`` is the digest of the record, ``by`` who says so.
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
    """Where the verifications of the record in a file lie."""
    return record.parent.with_name(VERIFIED) / record.name


def badge(record: Path) -> Verification | None:
    """The highest tier that the record in a file has passed, the last of equals; None for none.

    Raises:
        DataError: the file of verifications is no good.
    """
    found = read(record)
    own = digest(read_json(record)) if found else ""
    return max(
        (one for one in reversed(found) if one.record == own),
        key=lambda one: one.tier,
        default=None,
    )


def read(record: Path) -> tuple[Verification, ...]:
    """All verifications beside the record in a file, also those that are of another record."""
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
    """Note that the record in a file has passed a tier; DataError if ``by`` is no plain name."""
    refuse_name(by, "who verified it")
    made = Verification(
        tier=tier,
        by=by,
        date=datetime.datetime.now(datetime.UTC).date(),
        tolerance=tolerance,
        record=digest(read_json(record)),
    )
    write_json(path_of(record), _LIST.dump_python((*read(record), made), mode="json"))
    return made


def is_stale(record: Record) -> bool:
    """Whether the metrics have changed since: its masks may score differently today."""
    return record.protocol.evaluator != EVALUATOR
