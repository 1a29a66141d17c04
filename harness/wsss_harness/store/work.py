"""What a stage works with. Kept apart from ``Stage``, so that cache keys are no code of stages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wsss_harness.contract.run import LOG as LOG
from wsss_harness.contract.supervision import Ledger


@dataclass(frozen=True)
class Shard:
    """One of ``count`` shards of a stage's images; by default all of them."""

    index: int = 0
    count: int = 1

    def of(self, ids: Sequence[str]) -> Sequence[str]:
        return ids[self.index :: self.count]


@dataclass(frozen=True)
class Work:
    """What a stage works with: its folder, the folders of its inputs, its ledger and its shard."""

    folder: Path
    inputs: Mapping[str, Path]
    ledger: Ledger
    progress: Callable[[int, int], None]
    shard: Shard = Shard()
