"""Values that may also be awaited and yield themselves.

So one call serves a caller who waits for nothing and one who writes ``await`` before everything.
"""

from collections.abc import Generator
from typing import Any, Self


class _Awaitable:
    __slots__ = ()

    def __await__(self) -> Generator[Any, None, Self]:
        return self
        yield  # what makes this function a generator, as awaiting wants one


class AwaitableDict(_Awaitable, dict[Any, Any]):
    """A dict to be had at once or by ``await``."""


class AwaitableList(_Awaitable, list[Any]):
    """A list, likewise."""


class AwaitableStr(_Awaitable, str):
    """A text, likewise."""


class AwaitableFloat(_Awaitable, float):
    """A float, likewise."""


class AwaitableInt(_Awaitable, int):
    """A whole number, likewise."""


_KINDS: dict[type, type] = {
    dict: AwaitableDict,
    list: AwaitableList,
    str: AwaitableStr,
    float: AwaitableFloat,
    int: AwaitableInt,
}


def make_awaitable(value: Any) -> Any:
    """``value``, to be awaited too if it is JSON of a kind that can be; ``None`` cannot."""
    kind = _KINDS.get(type(value))
    return value if kind is None else kind(value)
