"""Methods that work once for the same arguments."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

Method = TypeVar("Method", bound=Callable[..., Any])


def once(method: Method) -> Method:
    """Keep what a method gives, as long as its object lives; functools.cache keeps the object too.

    Arguments are hashable, and given by place.
    """

    @wraps(method)
    def remembered(self: Any, *given: Any) -> Any:
        known = self.__dict__.setdefault(f"_{method.__name__}_once", {})
        if given not in known:
            known[given] = method(self, *given)
        return known[given]

    return remembered  # type: ignore[return-value]
