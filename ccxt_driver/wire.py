"""Encoding of requests to the gateway: JSON, decimals as plain text, times. No I/O."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote, urlencode

Body = dict[str, Any]
"""The JSON object of a response."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
#: Largest power of ten of a number, up or down: its plain text has as many digits.
_EXPONENT_MAX = 400
#: ccxt functions that change nothing begin with one of these prefixes.
_READS = ("fetch_", "load_", "describe")
_ORDER_PATHS = ("/oms/commands", "/oms/orders")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request; ``path`` is relative to the gateway's base URL."""

    method: str
    path: str
    query: Mapping[str, str | int] = field(default_factory=dict)
    payload: Any = None
    #: Seconds to wait before it is sent.
    delay_seconds: float = 0

    @property
    def is_read(self) -> bool:
        """Whether the request changes nothing and may therefore be repeated."""
        if self.method.upper() == "GET" or self.path.endswith("/preview"):
            return True
        return self.path.startswith("/ccxt/") and self.path.split("/")[-1].startswith(_READS)

    @property
    def is_about_orders(self) -> bool:
        """Whether the resource of a 404 or 422 response is an order."""
        return self.path.startswith(_ORDER_PATHS)

    def url(self, base_url: str) -> str:
        """Returns the absolute URL."""
        query = f"?{urlencode(self.query)}" if self.query else ""
        return f"{base_url.rstrip('/')}{self.path}{query}"


def ccxt_call(account_id: int, func: str, args: list[Any], keywords: dict[str, Any]) -> Request:
    """Returns the request that calls the ccxt method ``func`` (snake_case) on the account."""
    return Request(
        method="POST",
        path=f"/ccxt/{account_id}/{quote_path_part(func)}",
        payload={"args": args, "kwargs": keywords},
    )


def quote_path_part(value: object) -> str:
    """Returns ``value`` percent-encoded as one path segment."""
    return quote(str(value), safe="")


def json_bytes(payload: Any) -> bytes:
    """Returns JSON; decimals and types unknown to JSON are written as strings."""
    return json.dumps(payload, separators=(",", ":"), default=_as_text).encode()


def format_decimal(value: Any) -> str:
    """Returns a number as decimal text without exponent and trailing zeros.

    ``1e-07`` becomes ``0.0000001``. A float is read by its shortest representation. Raises
    ``ValueError`` for anything that is not a finite number.
    """
    if isinstance(value, bool):
        raise ValueError("a boolean is not a number")
    try:
        number = Decimal(repr(float(value)) if isinstance(value, float) else str(value).strip())
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a number") from None
    if not number.is_finite() or not -_EXPONENT_MAX <= number.adjusted() <= _EXPONENT_MAX:
        raise ValueError(f"{str(value)[:64]!r} is not a finite number of a supported size")
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def parse_milliseconds(timestamp: Any) -> int | None:
    """Returns RFC 3339 text as milliseconds since 1970; ``None`` if it is not a time.

    Text without a time zone is taken as UTC.
    """
    if not isinstance(timestamp, str):
        return None
    try:
        parsed = datetime.fromisoformat(timestamp.strip())
    except ValueError:
        return None
    aware = parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MILLISECOND


def iso8601(timestamp_ms: int | None) -> str | None:
    """Returns milliseconds since 1970 in the format of ccxt's ``datetime`` fields."""
    if timestamp_ms is None:
        return None
    text = (_EPOCH + timestamp_ms * _MILLISECOND).replace(tzinfo=None)
    return text.isoformat(timespec="milliseconds") + "Z"


def utc_date(timestamp_ms: int) -> str:
    """Returns the UTC date of a timestamp, YYYY-MM-DD."""
    return (_EPOCH + timestamp_ms * _MILLISECOND).date().isoformat()


def _as_text(value: object) -> str:
    return format_decimal(value) if isinstance(value, Decimal) else str(value)
