"""Why a stage failed, in one sentence."""

import errno
from pathlib import Path

from wsss_harness.contract.errors import StageFailure, WsssError
from wsss_harness.store.stage import Stage
from wsss_harness.store.work import LOG

LOG_TAIL = 20


def explain(stage: Stage, folder: Path, error: BaseException) -> StageFailure:
    """The failure of a stage as one sentence that names the stage, the reason and the log."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        reason = f"the disk is full; free space below {folder.parent} and run again"
    elif isinstance(error, MemoryError):
        reason = "memory ran out; use a smaller batch or image"
    elif isinstance(error, WsssError):
        reason = str(error)
    else:
        reason = f"{type(error).__name__}: {error}"
    message = f"{stage.title}: {reason} (log: {folder / LOG})"
    return StageFailure(message, stage.title, type(error).__name__, _tail(folder / LOG))


def _tail(log: Path) -> tuple[str, ...]:
    try:
        return tuple(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL:])
    except OSError:
        return ()
