"""Decoding of rows, either strictly or without those that cannot be decoded."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from oms.adapters.sql.connection.dialect import Dialect

Decoded = TypeVar("Decoded")

#: What decoding a row raises whose values the gateway never wrote.
INVALID_ROW = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)


def decode_rows(
    rows: Iterable[Any],
    decode: Callable[[Any, Dialect], Decoded],
    dialect: Dialect,
    *,
    skips_invalid: bool,
) -> list[Decoded]:
    """Return the decoded rows; with ``skips_invalid`` those that fail are left out.

    Verification leaves them out, since its scan of all values reports them.
    """
    if not skips_invalid:
        return [decode(row, dialect) for row in rows]
    decoded: list[Decoded] = []
    for row in rows:
        try:
            decoded.append(decode(row, dialect))
        except INVALID_ROW:
            continue
    return decoded
