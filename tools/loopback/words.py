"""How numbers, times and names are written in any dialect."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from oms.domain.money import plain

Json = dict[str, Any]


def id_of(symbol: str) -> str:
    """BTC/USDT:USDT → BTCUSDT."""
    return symbol.partition(":")[0].replace("/", "")


def text(number: Decimal | None, empty: str = "") -> str:
    """A number in plain digits."""
    return empty if number is None else plain(number)


def compact(told: object) -> str:
    """JSON without blanks."""
    return json.dumps(told, separators=(",", ":"))


def ms(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return int(moment.timestamp() * 1000)
