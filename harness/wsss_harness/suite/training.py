"""How many iterations methods and stages train for."""

from contextlib import suppress
from typing import Any

from wsss_harness.contract.errors import WsssError
from wsss_harness.store.stage import Stage


def iterations_of(plugin: Any) -> int | None:
    """How often a plugin would update its weights; None if it does not say so."""
    if "iterations" not in getattr(plugin, "in_iterations", ()):
        return None
    if plugin.iterations is not None:
        return int(plugin.iterations)
    with suppress(WsssError):  # a stand-in for a plugin of another environment cannot be asked
        return int(plugin.configuration(1).train.iterations)
    return None


def trained_iterations(stage: Stage) -> int | None:
    """The iterations of what a stage trains; None if it trains nothing that counts them."""
    if stage.kind not in ("fit", "segment", "pretrain"):
        return None
    return next(filter(None, map(iterations_of, vars(stage.body).values())), None)
