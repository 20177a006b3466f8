"""Lists of random inputs from drawn bytes: one draw of hypothesis per list.

A draw takes hypothesis longer than most inputs take the tested engine, and an input needs a dozen.
Smaller bytes make earlier choices, so hypothesis shrinks a list to fewer and plainer inputs.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeVar

from hypothesis import strategies as st

Option = TypeVar("Option")
Value = TypeVar("Value")


class ByteChoices:
    """Choices by the bytes of one input; when they are used up, all choices are the first one."""

    __slots__ = ("_number",)

    def __init__(self, drawn: bytes) -> None:
        self._number = int.from_bytes(drawn, "big")

    def below(self, count: int) -> int:
        """A number from 0 to ``count - 1``."""
        self._number, chosen = divmod(self._number, count)
        return chosen

    def between(self, low: int, high: int) -> int:
        """A number from ``low`` to ``high``."""
        return low + self.below(high - low + 1)

    def among(self, options: Sequence[Option]) -> Option:
        """One of the options."""
        return options[self.below(len(options))]

    def flag(self) -> bool:
        """False or true."""
        return self.below(2) == 1

    def maybe(self, make: "Callable[[ByteChoices], Value]") -> Value | None:
        """None, or what ``make`` chooses."""
        return make(self) if self.flag() else None


def lists_from_bytes(
    make: Callable[[ByteChoices], Value], *, width: int, min_size: int, max_size: int
) -> st.SearchStrategy[list[Value]]:
    """Lists of what ``make`` chooses, by ``width`` bytes each."""

    def made(drawn: bytes) -> list[Value]:
        starts = range(0, len(drawn) - width + 1, width)
        return [make(ByteChoices(drawn[start : start + width])) for start in starts]

    return st.binary(min_size=min_size * width, max_size=max_size * width).map(made)


def even_lists_from_bytes(
    make: Callable[[ByteChoices], Value], *, width: int, min_size: int, max_size: int
) -> st.SearchStrategy[list[Value]]:
    """Like ``lists_from_bytes``, with all lengths equally likely."""

    @cache
    def of_size(size: int) -> st.SearchStrategy[list[Value]]:
        return lists_from_bytes(make, width=width, min_size=size, max_size=size)

    return st.integers(min_size, max_size).flatmap(of_size)
