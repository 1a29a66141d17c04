"""Which generators can stand where a suite has them."""

from typing import Any

from wsss_harness.contract.errors import ConfigError
from wsss_harness.plugins.loading import is_single_stage
from wsss_harness.suite.spec import Row


def check_follows(plugin: Any, label: str, previous: str | None) -> None:
    """Raise ConfigError unless a generator has a previous one if, and only if, it follows one."""
    follows = getattr(plugin, "follows", None)
    if follows and previous is None:
        raise ConfigError(
            f"generator '{label}' builds on another one; set generators.{label}.previous to the "
            f"label of one, usually of '{follows}'"
        )
    if previous is not None and not follows:
        raise ConfigError(
            f"generator '{label}' builds on no other; take generators.{label}.previous out"
        )


def check_single_stage(generator: Any, label: str, row: Row) -> None:
    """Raise ConfigError unless a row's generator segments, and nothing changes what it learnt."""
    if not is_single_stage(generator):
        raise ConfigError(
            f"row '{row.method}': its generator '{row.generator}' is not single-stage, so the "
            f"segmentor '{label}' has nothing to segment with; take it out of the row, or name a "
            "segmentor that learns from masks"
        )
    if row.refiners:
        raise ConfigError(
            f"row '{row.method}': refiners change masks, not what its generator segments; give "
            f"the segmentor '{label}' to a row of the generator alone"
        )
