"""The tiers of verification of a record, each stronger than the one before."""

from typing import Literal

Tier = Literal[1, 2, 3, 4]
TIERS: dict[Tier, str] = {
    1: "schema and digests",
    2: "metrics recomputed from masks",
    3: "scores inferred again from weights",
    4: "trained again with the same seeds",
}
