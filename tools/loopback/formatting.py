"""Formats of numbers, times and market ids that all dialects share."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from oms.domain.money import decimal_text

Json = dict[str, Any]


def market_id(symbol: str) -> str:
    """Returns the exchange id of a symbol: BTCUSDT for BTC/USDT:USDT."""
    return symbol.partition(":")[0].replace("/", "")


def format_number(number: Decimal | None, empty: str = "") -> str:
    """Returns a number as decimal text; ``empty`` for ``None``."""
    return empty if number is None else decimal_text(number)


def compact_json(value: object) -> str:
    """Returns JSON without white space."""
    return json.dumps(value, separators=(",", ":"))


def to_ms(timestamp: datetime) -> int:
    """Returns milliseconds since 1970."""
    return int(timestamp.timestamp() * 1000)
