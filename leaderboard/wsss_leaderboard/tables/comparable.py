"""Which records may share a table."""

from collections.abc import Callable, Mapping, Sequence

from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.supervision import SALIENCY, TRUTH
from wsss_leaderboard.records.record import Record

# Recognised by what they read, since their names may change. A failed one has read nothing yet.
CONTROLS: Mapping[str, Callable[[Record], bool]] = {
    "saliency with a method's classes": lambda r: SALIENCY in r.supervision.declared,
    "saliency with the true classes": lambda r: (
        {SALIENCY, TRUTH} <= r.supervision.used or r.failure is not None
    ),
    "all background": lambda r: r.sup == "-",
}


def check_comparable(records: Sequence[Record]) -> None:
    """Refuse records whose table would mislead; ``entries.boards`` refuses conflicting seeds.

    Raises:
        ConfigError: the records are of different data or protocols, or a method uses saliency and
            the control rows of saliency are missing.
    """
    if len({(record.dataset, record.data) for record in records}) > 1:
        raise ConfigError("records of different data never share a table; choose one dataset")
    _check_protocols(records)
    _check_controls(records)


def _check_protocols(records: Sequence[Record]) -> None:
    first = records[0].protocol if records else None
    for record in records:
        for field, value in record.protocol:
            expected = getattr(first, field)
            if value != expected:
                raise ConfigError(
                    f"'{record.method}' was measured with {field} {value!r}, "
                    f"'{records[0].method}' with {expected!r}; unlike protocols never share a "
                    "table: run both in one suite"
                )


def _check_controls(records: Sequence[Record]) -> None:
    controls = [record for record in records if record.control]
    methods = [
        r
        for r in records
        if not r.control
        and r.masks
        and SALIENCY in {*r.supervision.declared, *r.supervision.stated}
    ]
    missing = [name for name, fits in CONTROLS.items() if not any(map(fits, controls))]
    if methods and missing:
        raise ConfigError(
            f"'{methods[0].method}' uses saliency, so its table needs the control rows of the same "
            f"data; missing: {', '.join(missing)}. `wsss run` makes them where the "
            "dataset has saliency maps"
        )
