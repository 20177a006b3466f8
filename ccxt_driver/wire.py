"""What crosses the border to the gateway: requests, decimals as plain text, times.

Nothing is sent from here, and nothing decided about orders.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote, urlencode

Body = dict[str, Any]
"""A JSON object that the gateway answered."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
#: ccxt functions that change nothing begin with one of these.
_READS = ("fetch_", "load_", "describe")
_ORDER_PATHS = ("/oms/commands", "/oms/orders")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request; ``path`` is relative to the gateway's address."""

    method: str
    path: str
    query: Mapping[str, str | int] = field(default_factory=dict)
    payload: Any = None

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing, so that asking again does no harm."""
        if self.method.upper() == "GET":
            return True
        return self.path.startswith("/ccxt/") and self.path.split("/")[-1].startswith(_READS)

    @property
    def is_about_orders(self) -> bool:
        """Whether what is not found, or wrong, is an order."""
        return self.path.startswith(_ORDER_PATHS)

    def url(self, base_url: str) -> str:
        """The whole address."""
        query = f"?{urlencode(self.query)}" if self.query else ""
        return f"{base_url.rstrip('/')}{self.path}{query}"


def ccxt_call(account_id: int, func: str, args: list[Any], keywords: dict[str, Any]) -> Request:
    """A call of the ccxt method ``func`` (snake_case) on the account's exchange."""
    return Request(
        method="POST",
        path=f"/ccxt/{account_id}/{quote_path_part(func)}",
        payload={"args": args, "kwargs": keywords},
    )


def quote_path_part(value: object) -> str:
    """``value`` as one part of a path, whatever it holds."""
    return quote(str(value), safe="")


def json_bytes(payload: Any) -> bytes:
    """JSON text; decimals as plain text, what JSON does not know as text."""
    return json.dumps(payload, separators=(",", ":"), default=_as_text).encode()


def format_decimal(value: Any) -> str:
    """A number as decimal text without exponent and trailing zeros: ``1e-07`` is ``0.0000001``.

    A float counts as the shortest text that stands for it. Raises ``ValueError`` for anything
    that is no finite number.
    """
    if isinstance(value, bool):
        raise ValueError("a truth value is no number")
    try:
        number = Decimal(repr(float(value)) if isinstance(value, float) else str(value).strip())
    except InvalidOperation:
        raise ValueError(f"{value!r} is no number") from None
    if not number.is_finite():
        raise ValueError(f"{value!r} is not finite")
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def parse_milliseconds(moment: Any) -> int | None:
    """RFC 3339 text (a naive one is UTC) as milliseconds since 1970; ``None`` if it is no time."""
    if not isinstance(moment, str):
        return None
    try:
        read = datetime.fromisoformat(moment.strip())
    except ValueError:
        return None
    aware = read if read.tzinfo is not None else read.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MILLISECOND


def iso8601(moment_ms: int | None) -> str | None:
    """Milliseconds since 1970 as ccxt writes a ``datetime``."""
    if moment_ms is None:
        return None
    text = (_EPOCH + moment_ms * _MILLISECOND).replace(tzinfo=None)
    return text.isoformat(timespec="milliseconds") + "Z"


def utc_date(moment_ms: int) -> str:
    """The UTC date in which a moment lies, YYYY-MM-DD."""
    return (_EPOCH + moment_ms * _MILLISECOND).date().isoformat()


def _as_text(value: object) -> str:
    return format_decimal(value) if isinstance(value, Decimal) else str(value)
