"""What can go wrong, by kind. A message says what happened, what was expected and what to do."""

from typing import Any


class WsssError(Exception):
    """Base of every error that a user can mend."""


class DataError(WsssError):
    """A file of a dataset is missing, damaged or disagrees with another one."""


class SupervisionError(WsssError):
    """A plugin reached for something that it did not declare, or for the truth."""


class ConfigError(WsssError):
    """A suite or an option is wrong: an unknown name or key, a value of the wrong type."""


class PluginError(WsssError):
    """A plugin broke its contract."""


class StageError(WsssError):
    """A stage could not finish; what was finished before it stays."""


class StageFailure(StageError):
    """How a row failed: the stage's title, the kind of error, the last lines of the stage's log."""

    def __init__(self, message: str, stage: str, kind: str, log_tail: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.stage = stage
        self.kind = kind
        self.log_tail = log_tail

    def __reduce__(self) -> tuple[Any, ...]:
        return StageFailure, (str(self), self.stage, self.kind, self.log_tail)


class WorkerDied(StageError):
    """The process that made a stage has ended before it was done."""
