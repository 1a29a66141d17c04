"""How a command makes stages, which decides nothing of what they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import ConfigError
from wsss_harness.execution.engine import DEFAULT, Engine, Policy
from wsss_harness.plugins.options import names
from wsss_harness.plugins.registry import Plugins
from wsss_harness.store.store import Store
from wsss_harness.system.limits import GB, NO_LIMITS, Limits


@dataclass(frozen=True)
class How:
    """An executor by name with its options, limits, and whether to tell events as JSON."""

    executor: str = "local"
    options: Mapping[str, Any] = field(default_factory=dict)
    limits: Limits = NO_LIMITS
    policy: Policy = DEFAULT
    events: bool = False

    def engine(self, root: Path, plugins: Plugins) -> Engine:
        known = names(plugins.dataclass_of("executor", self.executor))
        implied = {"threads": 1} if self.policy.deterministic else {}
        if self.policy.processes > 1:
            implied["gpus"] = self.policy.processes
        implied = {name: value for name, value in implied.items() if name in known}
        executor = plugins.build("executor", self.executor, {**implied, **self.options})
        return Engine(Store(root, plugins.tell, self.limits), executor, self.policy)


def limits_of(times: Sequence[str], memory: float | None) -> Limits:
    """Limits from words as ``600`` or ``fit=3600``, in seconds, and from gigabytes.

    Raises:
        ConfigError: a word is neither.
    """
    seconds, by_kind = None, {}
    for word in times:
        kind, _, number = word.rpartition("=")
        try:
            value = float(number)
        except ValueError:
            value = 0.0
        if not value >= 1:
            raise ConfigError(
                f"--time-limit {word}: expected seconds, 1 or more, as 600, or those of a kind of "
                "stage, as fit=3600"
            )
        if kind:
            by_kind[kind] = value
        else:
            seconds = value
    return Limits(seconds, by_kind, round(memory * GB) if memory else None)
