"""What a plugin says of a value of one of its options that it cannot use."""

from typing import Any

from wsss_harness.contract.errors import OptionError


def require_option(options: Any, name: str, valid: bool, expected: str) -> None:
    """Raise OptionError, which names the class and its option, unless the value is ``valid``."""
    if not valid:
        raise wrong_value(type(options).__name__, name, getattr(options, name), expected)


def wrong_value(owner: str, name: str, value: Any, expected: str) -> OptionError:
    """The error for an option of ``owner`` whose value is not as ``expected``."""
    problem = f"is {value!r}; expected {expected}"
    return OptionError(f"option '{name}' of {owner} {problem}", name, problem)
