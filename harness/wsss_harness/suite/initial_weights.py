"""Initial weights: where they come from, and what a key and a record say of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import DataError
from wsss_harness.store.stage import Stage, Work
from wsss_harness.suite.spec import Weights
from wsss_harness.system.digests import digest_once


@dataclass(frozen=True)
class Initial:
    """``identity`` goes into keys and records; ``path`` finds the file, if there is one."""

    identity: Mapping[str, Any]
    inputs: Mapping[str, Stage]
    path: Callable[[Work], Path | None]


NO_WEIGHTS = Initial({}, {}, lambda work: None)


def from_file(label: str, spec: Weights) -> Initial:
    path = Path(spec.file or "")
    if not path.is_file():
        raise DataError(f"weights '{label}': there is no file {path}; set weights.{label}.file")
    identity = {"name": label, "trained_on": spec.trained_on, "digest": digest_once(path)}
    return Initial(identity, {}, lambda work: path)
