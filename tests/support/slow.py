"""Which cases of a test `make test` leaves out."""

import pytest


def slow_but(*always, cases):
    """The cases as parameters; those that are not named to run ``always`` are marked slow."""
    return [
        case if case in always else pytest.param(*_values(case), marks=pytest.mark.slow)
        for case in cases
    ]


def _values(case):
    return case if isinstance(case, tuple) else (case,)
