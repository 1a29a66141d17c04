"""Libraries that only some methods need, and that the base install does not bring."""

from importlib.util import find_spec

from wsss_harness.contract.errors import MissingExtra


def require_extra(module: str, extra: str, user: str) -> None:
    """Raise unless ``module`` is installed; it is not imported.

    ``user`` names what needs it in the message, ``extra`` is the extra of wsss-bench that has it.

    Raises:
        MissingExtra: it is not installed; the message says how to install it.
    """
    if find_spec(module) is None:
        raise MissingExtra(
            f"{user} needs {module}; install it with pip install 'wsss-bench[{extra}]'"
        )
