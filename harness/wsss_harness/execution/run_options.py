"""Options of commands that make stages; none is part of a stage's key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import ConfigError
from wsss_harness.execution.engine import Engine
from wsss_harness.execution.job import Policy
from wsss_harness.plugins.options import names
from wsss_harness.plugins.registry import Plugins
from wsss_harness.store.store import Store
from wsss_harness.system.limits import GB, NO_LIMITS, Limits


@dataclass(frozen=True)
class RunOptions:
    """The executor by name and its options, limits and policy, and whether to print events."""

    executor: str = "local"
    executor_options: Mapping[str, Any] = field(default_factory=dict)
    limits: Limits = NO_LIMITS
    policy: Policy = field(default_factory=Policy)
    events: bool = False

    def engine(self, root: Path, plugins: Plugins) -> Engine:
        """An engine for the store at ``root``.

        Raises:
            ConfigError: no executor has this name or one of these options.
        """
        implied = {"threads": 1} if self.policy.deterministic else {}
        if self.policy.processes > 1:
            implied["gpus"] = self.policy.processes
        known = names(plugins.dataclass_of("executor", self.executor))
        options = {name: value for name, value in implied.items() if name in known}
        executor = plugins.build("executor", self.executor, {**options, **self.executor_options})
        return Engine(Store(root, plugins.tell, self.limits), executor, self.policy)


def limits_of(times: Sequence[str], memory: float | None) -> Limits:
    """Limits from texts like ``600`` or ``fit=3600`` (seconds) and ``memory`` (gigabytes).

    Raises:
        ConfigError: a text is not of this form.
    """
    seconds, by_kind = None, {}
    for text in times:
        kind, _, number = text.rpartition("=")
        try:
            value = float(number)
        except ValueError:
            value = 0.0
        if not value >= 1:
            raise ConfigError(
                f"--time-limit {text}: expected seconds, 1 or more, for all stages (600) or for "
                "one kind of stage (fit=3600)"
            )
        if kind:
            by_kind[kind] = value
        else:
            seconds = value
    return Limits(seconds, by_kind, round(memory * GB) if memory else None)
