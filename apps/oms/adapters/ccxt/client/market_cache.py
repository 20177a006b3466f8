"""Markets: ccxt's table as our instruments, shared in a process and kept on disk.

A table of 3,000 markets takes 90 MiB, an instance that shares one next to nothing. What is read
here is read from texts; nothing is traded.
"""

import asyncio
import gzip
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from oms.adapters.ccxt.parsing.decimals import to_decimal
from oms.adapters.ccxt.ratelimit.rate_bucket import RateLimitBuckets
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import ZERO
from oms.domain.value import value

TABLE_AGE_MAX = timedelta(hours=6)
#: ccxt's ways to say how exact a number is.
DECIMAL_PLACES, SIGNIFICANT_DIGITS, TICK_SIZE = 2, 3, 4
_FINEST_STEP = Decimal("1E-8")


@value
class MarketLimits:
    """What an order must fit beside its instrument's grid; quantities in base, ``None`` unknown."""

    contract_size: Decimal
    qty_min: Decimal | None
    qty_max: Decimal | None
    notional_min: Decimal | None


class MarketCache:
    """What the clients of one process share: tables of markets by name, and budgets of requests."""

    def __init__(self, buckets: RateLimitBuckets | None = None) -> None:
        self.buckets = buckets or RateLimitBuckets()
        self._tables: dict[str, Mapping[str, Any]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    def lock(self, name: str) -> asyncio.Lock:
        """One at a time loads a table."""
        return self._locks.setdefault(name, asyncio.Lock())

    def apply_shared(self, name: str, exchange: Any) -> bool:
        """Give ``exchange`` the table that another one loaded; whether there is one."""
        table = self._tables.get(name)
        if table is None:
            return False
        for key, each in table["shared"].items():
            setattr(exchange, key, each)
        exchange.options.update(table["options"])
        return True

    def store(self, name: str, exchange: Any) -> None:
        """Others share what ``exchange`` has loaded from now on."""
        self._tables[name] = {
            "shared": {key: getattr(exchange, key) for key in _SHARED},
            "options": helper_options(exchange),
        }


#: What ``set_markets`` fills, and ``set_markets_from_exchange`` hands on.
_SHARED = (
    "markets",
    "markets_by_id",
    "symbols",
    "ids",
    "currencies",
    "currencies_by_id",
    "baseCurrencies",
    "quoteCurrencies",
    "codes",
)


def helper_options(exchange: Any) -> dict[str, Any]:
    """What some venues remember beside their markets and cannot trade without."""
    names = exchange.options.get("marketHelperProps") or []
    return {name: exchange.options.get(name) for name in names if exchange.options.get(name)}


def save_table(path: Path, exchange: Any, now: datetime) -> None:
    """Write the table of ``exchange``; an old file stays whole until then. Raises ``OSError``."""
    saved = {
        "saved_at": now.isoformat(),
        "markets": list(exchange.markets.values()),
        "currencies": exchange.currencies,
        "options": helper_options(exchange),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.half")
    partial.write_bytes(gzip.compress(json.dumps(saved, default=str).encode(), compresslevel=6))
    partial.replace(path)


def load_saved_table(path: Path, now: datetime) -> tuple[Mapping[str, Any], bool] | None:
    """A stored table and whether it is fresh; ``None`` without a readable one."""
    try:
        saved = json.loads(gzip.decompress(path.read_bytes()))
        age = now - datetime.fromisoformat(saved["saved_at"])
    except (OSError, EOFError, ValueError, KeyError):
        return None
    return saved, timedelta(0) <= age < TABLE_AGE_MAX


def apply_table(exchange: Any, saved: Mapping[str, Any]) -> None:
    """Give ``exchange`` a stored table."""
    exchange.set_markets(saved["markets"], saved["currencies"])
    exchange.options.update(saved["options"])


def table_file_name(name: str, version: str) -> str:
    """Where a table is kept."""
    return f"{name}.{version}.json.gz"


def build_instruments(exchange: Any) -> dict[str, Instrument]:
    """Spot and linear markets by unified symbol; what has no grid or is closed is left out.

    Quantities are in base everywhere, so ``contract_size`` is 1 and the step is that of one
    contract times its size; ``amount_unit`` is the size, for who speaks with the venue.
    """
    instruments = {}
    for symbol, market in (exchange.markets or {}).items():
        instrument = _instrument(market, int(exchange.precisionMode))
        if instrument is not None:
            instruments[symbol] = instrument
    return instruments


def read_market_limits(market: Mapping[str, Any]) -> MarketLimits:
    """The rest of a market's terms."""
    size = _contract_size(market)
    amount = (market.get("limits") or {}).get("amount") or {}
    cost = (market.get("limits") or {}).get("cost") or {}
    least, most = to_decimal(amount.get("min")), to_decimal(amount.get("max"))
    return MarketLimits(
        contract_size=size,
        qty_min=None if least is None else least * size,
        qty_max=None if most is None else most * size,
        notional_min=to_decimal(cost.get("min")),
    )


def now_utc() -> datetime:
    """Now, by this machine's clock."""
    return datetime.now(UTC)


def _instrument(market: Mapping[str, Any], mode: int) -> Instrument | None:
    is_spot = bool(market.get("spot"))
    if not is_spot and not (market.get("swap") and market.get("linear")):
        return None
    precision = market.get("precision") or {}
    tick = _step(precision.get("price"), mode, is_price=True)
    step = _step(precision.get("amount"), mode, is_price=False)
    if market.get("active") is False or tick is None or step is None:
        return None
    size, terms = _contract_size(market), read_market_limits(market)
    leverage = to_decimal(((market.get("limits") or {}).get("leverage") or {}).get("max"))
    return Instrument(
        symbol=market["symbol"],
        kind=InstrumentKind.SPOT if is_spot else InstrumentKind.LINEAR,
        base=market["base"],
        quote=market["quote"],
        settle=market["quote"] if is_spot else market["settle"],
        tick=tick,
        step=step * size,
        min_notional=terms.notional_min or ZERO,
        amount_unit=Decimal(1) if is_spot else size,
        max_leverage=1 if leverage is None else max(int(leverage), 1),
    )


def _contract_size(market: Mapping[str, Any]) -> Decimal:
    return to_decimal(market.get("contractSize")) or Decimal(1)


def _step(value: Any, mode: int, *, is_price: bool) -> Decimal | None:
    """The grid of a number. With significant digits it depends on the price: the finest is saved,
    and ccxt's own rounding has the last word."""
    number = to_decimal(value)
    if number is None:
        return None
    if mode == TICK_SIZE:
        return number if number > 0 else None
    if mode == SIGNIFICANT_DIGITS and is_price:
        return _FINEST_STEP
    return Decimal(1).scaleb(-int(number))
