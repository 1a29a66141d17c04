"""What a check found."""

from dataclasses import dataclass

OK, WARNING, FAILURE = "ok", "warning", "failure"


@dataclass(frozen=True)
class Finding:
    """``check`` says what was looked at; ``message`` what is wrong and what to do."""

    check: str
    outcome: str = OK
    message: str = ""

    def __str__(self) -> str:
        return f"{self.outcome}: {self.check}" + (f": {self.message}" if self.message else "")


def judged(check: str, problem: str | None, outcome: str = FAILURE) -> Finding:
    """Ok, or ``outcome`` where there is a problem."""
    return Finding(check, outcome, problem) if problem else Finding(check)
