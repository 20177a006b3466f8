"""A grid of parameters: which combinations a parameter sweep runs."""

import itertools
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from oms.domain.errors import Invalid
from oms.domain.money import NotADecimal, add, decimal_text, parse_decimal

COMBINATIONS_MAX = 10_000
_CONDITION = re.compile(r"\s*([\w.]+)\s*(<=|>=|==|!=|<|>)\s*([\w.]+)\s*")
_OPERATORS: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

Combination = dict[str, str]
"""Values of parameters by name, as text."""


def combinations_of(axes: Sequence[str], conditions: Sequence[str]) -> list[Combination]:
    """Return the combinations of ``axes`` that satisfy all conditions, the last axis fastest.

    An axis is ``NAME=FROM:TO:STEP``, with ``TO`` included, or ``NAME=A,B,C``; a condition compares
    two parameters or numbers, as ``fast<slow``. Raises ``Invalid`` for anything else, for more than
    ``COMBINATIONS_MAX`` combinations, and for none.
    """
    names, values = [], []
    for axis in axes:
        name, numbers = _parse_axis(axis)
        if name in names:
            raise Invalid(f"the parameter {name} occurs twice in the grid")
        names.append(name)
        values.append(numbers)
    count = 1
    for numbers in values:
        count *= len(numbers)
    if count > COMBINATIONS_MAX:
        raise Invalid(f"the grid has {count} combinations; at most {COMBINATIONS_MAX} are run")
    checks = [_parse_condition(text, names) for text in conditions]
    chosen = [
        {name: decimal_text(number) for name, number in point.items()}
        for point in (
            dict(zip(names, numbers, strict=True)) for numbers in itertools.product(*values)
        )
        if all(check(point) for check in checks)
    ]
    if not chosen:
        raise Invalid("no combination of the grid satisfies the conditions")
    return chosen


def _parse_axis(text: str) -> tuple[str, list[Decimal]]:
    name, equals, rest = text.partition("=")
    if not equals or not name or not rest:
        raise Invalid(f"grid {text!r}: NAME=FROM:TO:STEP or NAME=A,B,C is required")
    if ":" not in rest:
        numbers = [_number(part, text) for part in rest.split(",")]
        if len(set(numbers)) < len(numbers):
            raise Invalid(f"grid {text!r}: a value occurs twice")
        return name, numbers
    bounds = [_number(part, text) for part in rest.split(":")]
    if len(bounds) != 3 or bounds[2] <= 0 or bounds[0] > bounds[1]:
        raise Invalid(f"grid {text!r}: FROM:TO:STEP with FROM at most TO and a step above 0")
    start, end, step = bounds
    if (end - start) / step >= COMBINATIONS_MAX:
        raise Invalid(f"grid {text!r}: at most {COMBINATIONS_MAX} values")
    numbers = [start]
    while (following := add(numbers[-1], step)) <= end:
        numbers.append(following)
    return name, numbers


def _parse_condition(text: str, names: Sequence[str]) -> Callable[[Mapping[str, Decimal]], bool]:
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise Invalid(f"condition {text!r}: LEFT OPERATOR RIGHT is required, as fast<slow")
    left, sign, right = match.groups()
    numbers = {side: _number(side, text) for side in (left, right) if side not in names}
    compare = _OPERATORS[sign]

    def holds(point: Mapping[str, Decimal]) -> bool:
        known = {**numbers, **point}
        return compare(known[left], known[right])

    return holds


def _number(text: str, where: str) -> Decimal:
    try:
        return parse_decimal(text.strip())
    except NotADecimal:
        raise Invalid(f"{where!r}: {text!r} is no number and no parameter of the grid") from None
