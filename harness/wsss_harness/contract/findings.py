"""Results of checks."""

from dataclasses import dataclass

OK, NOTE, WARNING, FAILURE = "ok", "note", "warning", "failure"


@dataclass(frozen=True)
class Finding:
    """``check`` says what should hold; ``message`` says what is wrong and what to do.

    ``count``: how many images or files it does not hold for, of which ``examples`` are the first.
    """

    check: str
    outcome: str = OK
    message: str = ""
    count: int = 0
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.outcome}: {self.check}" + (f": {self.message}" if self.message else "")


def judge(check: str, problem: str | None, outcome: str = FAILURE) -> Finding:
    """A finding with ``outcome`` if there is a problem, else OK."""
    return Finding(check, outcome, problem) if problem else Finding(check)
