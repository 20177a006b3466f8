"""Exact numbers, times and texts from ccxt's rows: the venue's own text first, floats last.

Empty or absent is ``None``, never zero; a malformed number makes the row malformed.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.decimals import to_decimal

#: The id that some venues give to an update without an execution.
NO_ID = "-1"
#: The year 5138: some venues send microseconds, and ccxt passes nanoseconds of some on.
_MILLISECONDS_MAX = 10**14
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def get_decimal(row: Mapping[str, Any], name: str, info_keys: Sequence[str] = ()) -> Decimal | None:
    """Returns the number ``name``, from ``info`` under the first of ``info_keys`` that has one.

    Raises ``ReadFailed`` for a malformed number.
    """
    info = row.get("info")
    if isinstance(info, Mapping):
        for key in info_keys:
            if info.get(key) not in (None, ""):
                return _parse_decimal(info[key], key)
    value = row.get(name)
    return None if value in (None, "") else _parse_decimal(value, name)


def require_decimal(row: Mapping[str, Any], name: str, info_keys: Sequence[str] = ()) -> Decimal:
    """As ``get_decimal``. Raises ``ReadFailed`` where there is none."""
    value = get_decimal(row, name, info_keys)
    if value is None:
        raise malformed_response(f"{name} is missing")
    return value


def get_price(row: Mapping[str, Any], name: str) -> Decimal | None:
    """As ``get_decimal``, of a price that is positive: venues send 0 where there is none yet."""
    price = get_decimal(row, name)
    return price if price is not None and price > 0 else None


def get_text(row: Mapping[str, Any], name: str) -> str | None:
    """Returns a text; ``None`` if it is empty."""
    value = row.get(name)
    return None if value in (None, "") else str(value)


def get_row_id(row: Mapping[str, Any]) -> str | None:
    """Returns the row's id; ``None`` where the venue says that there is none."""
    name = get_text(row, "id")
    return None if name == NO_ID else name


def get_timestamp(row: Mapping[str, Any], name: str) -> datetime | None:
    """Returns a time in milliseconds as UTC; finer units are recognized by their size."""
    value = row.get(name)
    if value in (None, ""):
        return None
    try:
        stamp = int(value)
        while stamp >= _MILLISECONDS_MAX:
            stamp //= 1000
        return _EPOCH + timedelta(milliseconds=stamp)
    except (TypeError, ValueError, OverflowError):
        raise malformed_response(f"{name} is no time: {value!r:.40}") from None


def to_milliseconds(at: datetime) -> int:
    """Returns the time in milliseconds, as exchanges send it."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def require_rows(value: Any, what: str) -> list[Mapping[str, Any]]:
    """Returns the rows of a list reply. Raises ``ReadFailed`` for anything else."""
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        raise malformed_response(f"no list of {what}")
    return value


def malformed_response(message: str) -> ReadFailed:
    """Returns the error of a malformed reply."""
    return ReadFailed("exchange_error", message, retryable=True)


def _parse_decimal(value: Any, name: str) -> Decimal | None:
    try:
        return to_decimal(value)
    except ValueError:
        raise malformed_response(f"{name} is no number: {value!r:.40}") from None
