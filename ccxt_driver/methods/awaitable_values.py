"""JSON values that may also be awaited; awaiting one returns the value itself.

With them one synchronous method serves callers with and without ``await``.
"""

from collections.abc import Generator
from typing import Any, Self


class _Awaitable:
    __slots__ = ()

    def __await__(self) -> Generator[Any, None, Self]:
        return self
        yield  # makes this function a generator, as ``__await__`` requires


class AwaitableDict(_Awaitable, dict[Any, Any]):
    """A dict that may be awaited."""


class AwaitableList(_Awaitable, list[Any]):
    """A list that may be awaited."""


class AwaitableStr(_Awaitable, str):
    """A str that may be awaited."""


class AwaitableFloat(_Awaitable, float):
    """A float that may be awaited."""


class AwaitableInt(_Awaitable, int):
    """An int that may be awaited."""


_AWAITABLE_TYPES: dict[type, type] = {
    dict: AwaitableDict,
    list: AwaitableList,
    str: AwaitableStr,
    float: AwaitableFloat,
    int: AwaitableInt,
}


def make_awaitable(value: Any) -> Any:
    """Returns an awaitable equal of a dict, list, str, float or int; other values unchanged."""
    awaitable_type = _AWAITABLE_TYPES.get(type(value))
    return value if awaitable_type is None else awaitable_type(value)
