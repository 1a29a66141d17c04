"""Memoized methods."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

Method = TypeVar("Method", bound=Callable[..., Any])


def memoize(method: Method) -> Method:
    """Cache what a method returns in its object; functools.cache would keep the object alive.

    Arguments are hashable and positional.
    """
    name = f"_{method.__name__}_results"

    @wraps(method)
    def memoized(self: Any, *arguments: Any) -> Any:
        results = self.__dict__.setdefault(name, {})
        if arguments not in results:
            results[arguments] = method(self, *arguments)
        return results[arguments]

    return memoized  # type: ignore[return-value]
