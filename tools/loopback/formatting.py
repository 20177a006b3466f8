"""How numbers, times and names are written in any dialect."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from oms.domain.money import decimal_text

Json = dict[str, Any]


def market_id(symbol: str) -> str:
    """BTC/USDT:USDT → BTCUSDT."""
    return symbol.partition(":")[0].replace("/", "")


def format_number(number: Decimal | None, empty: str = "") -> str:
    """A number in plain digits."""
    return empty if number is None else decimal_text(number)


def compact_json(told: object) -> str:
    """JSON without blanks."""
    return json.dumps(told, separators=(",", ":"))


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return int(moment.timestamp() * 1000)
