"""The kinds of errors. A message says what happened, what was expected and what to do."""

from typing import Any


class WsssError(Exception):
    """Base of all errors that a user can correct."""


class DataError(WsssError):
    """A file is missing or damaged, or contradicts another one."""


class SupervisionError(WsssError):
    """A plugin read supervision that it did not declare, or the truth."""


class ConfigError(WsssError):
    """A suite or an option has an unknown name or key, or a wrong value."""


class OptionError(ConfigError):
    """An option of a plugin has an unknown name or a wrong value.

    ``option``: its name. ``problem``: what is wrong with its value, to follow the key that sets it.
    """

    def __init__(self, message: str, option: str = "", problem: str = "") -> None:
        super().__init__(message)
        self.option = option
        self.problem = problem

    def set_by(self, place: str) -> ConfigError:
        """The same error about the key that sets the option: ``place``, such as
        ``generators.EPS.``, before its name."""
        key = place + self.option if self.option else place.rstrip(".")
        return ConfigError(f"{key} {self.problem}" if self.problem else f"{key}: {self}")


class MissingExtra(ConfigError):
    """A library is not installed that only some methods need; see wsss_harness.system.extras."""


class PluginError(WsssError):
    """A plugin broke its contract."""


class StageError(WsssError):
    """A stage could not finish; finished stages are kept."""


class StageFailure(StageError):
    """A stage that failed: its title, the kind of error, and the last lines of its log."""

    def __init__(self, message: str, stage: str, kind: str, log_tail: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.stage = stage
        self.kind = kind
        self.log_tail = log_tail

    def __reduce__(self) -> tuple[Any, ...]:
        return StageFailure, (str(self), self.stage, self.kind, self.log_tail)


class WorkerDied(StageError):
    """The process of a job died before the job was done."""
