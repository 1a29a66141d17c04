"""Verifications of a record, in a file next to it: which tier, by whom, with which tolerance.

A verification holds the digest of its record, so it does not count for a record that was changed,
or for another record that it was copied to."""

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, RootModel

from wsss_harness.contract.errors import ConfigError, DataError, StageFailure, WsssError
from wsss_harness.contract.supervision import Dataset
from wsss_harness.execution.run_stage import dataset_of
from wsss_harness.metrics import EVALUATOR
from wsss_harness.suite.spec import Suite
from wsss_harness.system.files import read_json, write_json
from wsss_harness.system.models import Fraction, StrictModel, validated
from wsss_leaderboard.boards import chain
from wsss_leaderboard.records.record import Record, load_record
from wsss_leaderboard.submissions import agreement, hostile, rowpacks
from wsss_leaderboard.submissions.agreement import disagreements
from wsss_leaderboard.submissions.checking import LocalResources
from wsss_leaderboard.submissions.definitions import check_same, suite_of
from wsss_leaderboard.submissions.hostile import refuse_hostile, refuse_name
from wsss_leaderboard.submissions.manifest import MANIFEST, TIERS, Tier, digest, read_submission
from wsss_leaderboard.submissions.remake import RemakeResult, remake
from wsss_leaderboard.submissions.rowpacks import PACKS

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


class Verifications(RootModel[tuple[Verification, ...]]):
    """The content of a file of verifications."""


def path_of(record: Path) -> Path:
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
    return validated(Verifications, read_json(path), path).root if path.is_file() else ()


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
    content = Verifications((*read(record), verification)).model_dump(mode="json")
    write_json(path_of(record), content)
    return verification


def is_stale(record: Record) -> bool:
    """Whether the metrics have changed since: its masks may now score differently."""
    return record.protocol.evaluator != EVALUATOR


# Allowed change of mIoU, a fraction, where bytes cannot be equal: inference on another device
# rounds differently, and training there differs like training with another seed.
TOLERANCES: Mapping[Tier, float] = {3: 0.001, 4: 0.01}


@dataclass(frozen=True)
class Verdict:
    """The result of one tier: passed or not, None if it could not be checked, and an explanation.

    ``tolerance``: allowed difference of mIoU, a fraction.
    """

    tier: Tier
    passed: bool | None
    explanation: str
    tolerance: float = 0.0


class MissingResource(Exception):
    """Something that a tier needs is missing, which says nothing about the record."""


@dataclass(frozen=True)
class Verifier:
    """Verifies the record at ``path`` with what its ``reader`` has.

    Without a suite of the reader, that of the record is used, with ``overrides``. ``tolerance``
    replaces TOLERANCES, and the demand for equal bytes.
    """

    path: Path
    reader: LocalResources
    overrides: tuple[str, ...] = ()
    tolerance: float | None = None

    def verify(self, highest: int) -> Iterator[Verdict]:
        """Yield the verdict of each tier, up to the first failure.

        Tiers 3 and 4 are tried only if tier 2 was passed.
        """
        for tier in tuple(TIERS)[:highest]:
            verdict = self.verdict(tier)
            yield verdict
            if verdict.passed is False or (tier == 2 and not verdict.passed):
                return  # a row made again says nothing about unseen masks

    def verdict(self, tier: Tier) -> Verdict:
        try:
            if tier == 1:
                return self._digests()
            return self._masks() if tier == 2 else self._remade(tier)
        except (MissingResource, ConfigError) as reason:
            return Verdict(tier, None, str(reason))
        except (DataError, StageFailure) as error:
            return Verdict(tier, False, str(error))

    def _digests(self) -> Verdict:
        refuse_hostile(read_json(self.path), str(self.path))
        run = agreement.read(self.path, hostile.UNPACKED)
        accepted_packs(self.path)
        problems = list(agreement.problems(run.record, run.tallies))
        return Verdict(1, not problems, "; ".join(problems) or "metrics are those of the counts")

    def _masks(self) -> Verdict:
        run = agreement.read(self.path)
        board = self.path.parents[1]
        packs = chain.packs_of(board, self.path.stem, self.reader.packs or board / PACKS)
        if not packs.is_dir():
            raise MissingResource(
                f"there are no mask packs in {packs}; give their folder with --packs"
            )
        accepted = accepted_packs(self.path)
        if accepted is not None and rowpacks.digests(packs, run.record) != accepted:
            raise DataError(f"{packs} holds other packs than those that were submitted")
        dataset = self._dataset(run.record)
        problems = list(disagreements(run.record, run.tallies, packs, dataset))
        masks = sum(len(target.ids) for target in run.tallies.values())
        return Verdict(2, not problems, "; ".join(problems) or f"{masks} masks give its metrics")

    def _remade(self, tier: Tier) -> Verdict:
        record, reader = load_record(self.path), self.reader
        self._dataset(record)
        try:
            remade = remake(record, self._suite(record), reader.plugins, reader.store, tier == 3)
        except DataError as error:
            raise MissingResource(str(error)) from None
        return judged(remade, tier, self.tolerance)

    def _suite(self, record: Record) -> Suite:
        return self.reader.suite or suite_of(record, str(self.path), self.overrides)

    def _dataset(self, record: Record) -> Dataset:
        """The data of the record; MissingResource if it is not available."""
        try:
            dataset = dataset_of(self._suite(record), self.reader.plugins, self.reader.store)
            check_same(dataset, record, str(self.path))
        except WsssError as error:
            raise MissingResource(str(error)) from None
        return dataset


def judged(remade: RemakeResult, tier: Tier, tolerance: float | None) -> Verdict:
    """Equal bytes pass; where they cannot be equal, mIoU may change by the tolerance.

    In both cases, the other fields of the record must be those of the row made again.
    """
    if remade.unlike:
        return Verdict(tier, False, "; ".join(remade.unlike))
    if not remade.differing:
        return Verdict(tier, True, f"{remade.stages} stages have the same bytes")
    explanation = _differences(remade)
    if remade.alike and tolerance is None:
        same = "on a CPU with the same versions and threads all bytes should be the same"
        return Verdict(tier, False, f"{explanation}; {same}")
    allowed = TOLERANCES[tier] if tolerance is None else tolerance
    explanation += f"; allowed {100 * allowed:g}"
    passed = all(abs(moved) <= allowed for moved in remade.moved.values())
    return Verdict(tier, passed, explanation, allowed)


def _differences(remade: RemakeResult) -> str:
    others = f", and {len(remade.differing) - 1} more" if remade.differing[1:] else ""
    moves = (f"{target} {100 * moved:+.2f} points" for target, moved in remade.moved.items())
    return f"{remade.differing[0]} differs{others}; mIoU: {', '.join(moves)}"


def accepted_packs(path: Path) -> dict[str, str] | None:
    """Digests of the packs of a submitted or accepted record; None for any other record.

    Raises:
        DataError: The record is not the one that the board accepted.
    """
    folder = path.parents[1]
    if (folder / MANIFEST).is_file():
        return read_submission(folder).packs.get(path.stem)
    for entry in chain.read(folder):
        if entry.stem == path.stem:
            if entry.record != digest(read_json(path)):
                raise DataError(f"{path} is not the record that was accepted: it was edited")
            return entry.packs
    return None
