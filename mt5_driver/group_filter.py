"""Filters of symbols by group, as in ``*,!EUR``."""

from collections.abc import Callable
from fnmatch import translate
from re import compile as compile_pattern

from mt5_driver.errors import invalid_argument


def make_group_filter(group: str) -> Callable[[str], bool]:
    """Returns whether a symbol belongs to a group of comma-separated masks.

    ``*`` stands for any text; a mask without it matches symbols that contain it. Masks are applied
    in their order: one with ``!`` takes out what the ones before it let in. Raises ``CallFailed``.
    """
    if not isinstance(group, str):
        raise invalid_argument("group")
    masks: list[tuple[bool, Callable[[str], object]]] = []
    for word in (part.strip() for part in group.split(",")):
        is_excluded = word.startswith("!")
        mask = word.lstrip("!").strip()
        if mask:
            masks.append((is_excluded, compile_pattern(_pattern(mask)).match))

    def belongs(symbol: str) -> bool:
        is_in = False
        for is_excluded, matches in masks:
            if matches(symbol):
                is_in = not is_excluded
        return is_in

    return belongs


def _pattern(mask: str) -> str:
    literal = mask.replace("[", "[[]").replace("?", "[?]")
    return translate(literal if "*" in mask else f"*{literal}*")
