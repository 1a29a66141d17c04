"""Which arrays generators leave for refiners, and which rows have a refiner without its own."""

from collections.abc import Collection
from typing import Any

from wsss_harness.contract.errors import ConfigError
from wsss_harness.suite.spec import Row


def left_by(generator: Any) -> frozenset[str]:
    """The names of the arrays that a generator can leave."""
    return frozenset(getattr(generator, "leaves", ()))


def wanted_by(refiner: Any) -> tuple[str, ...]:
    """The names of the arrays that a refiner wants, sorted."""
    return tuple(sorted(getattr(refiner, "wants", ())))


def check_wants(label: str, refiner: Any, row: Row, leaves: Collection[str]) -> None:
    """Raise ConfigError where a refiner wants an array that the row's generator does not leave."""
    lacking = [name for name in wanted_by(refiner) if name not in leaves]
    if lacking:
        raise ConfigError(
            f"row '{row.method}': refiner '{label}' wants the array '{lacking[0]}', but generator "
            f"'{row.generator}' leaves {', '.join(sorted(leaves)) or 'none'}; take the refiner "
            "out, or use a generator that leaves it"
        )
