"""ccxt's market tables as instruments, shared in a process and stored on disk.

A table of 3,000 markets takes 90 MiB; a client that shares one takes next to nothing.
"""

import asyncio
import gzip
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from oms.adapters.ccxt.parsing.decimals import to_decimal
from oms.adapters.ccxt.ratelimit.rate_bucket import RateLimitBuckets
from oms.adapters.ccxt.venues.order_batches import OrderLimit
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import ZERO

TABLE_AGE_MAX = timedelta(hours=6)
#: The option of the ccxt object that holds limits on new orders.
ORDER_LIMITS = "venueOrderLimits"
#: ccxt's precision modes.
DECIMAL_PLACES, SIGNIFICANT_DIGITS, TICK_SIZE = 2, 3, 4
_FINEST_STEP = Decimal("1E-8")


class MarketCache:
    """Market tables by name and request budgets, shared by the clients of one process."""

    def __init__(self, buckets: RateLimitBuckets | None = None) -> None:
        self.buckets = buckets or RateLimitBuckets()
        self._tables: dict[str, Mapping[str, Any]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    def lock(self, name: str) -> asyncio.Lock:
        """Returns the lock under which a table is loaded."""
        return self._locks.setdefault(name, asyncio.Lock())

    def apply_shared(self, name: str, exchange: Any) -> bool:
        """Gives ``exchange`` the table that another client loaded; returns whether there is one."""
        table = self._tables.get(name)
        if table is None:
            return False
        for key, each in table["shared"].items():
            setattr(exchange, key, each)
        exchange.options.update(table["options"])
        return True

    def store(self, name: str, exchange: Any) -> None:
        """Shares what ``exchange`` has loaded."""
        self._tables[name] = {
            "shared": {key: getattr(exchange, key) for key in _SHARED},
            "options": helper_options(exchange),
        }


#: What ``set_markets`` fills in, and ``set_markets_from_exchange`` copies.
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
    """Returns the options that some venues store with their markets and cannot trade without."""
    names = [*(exchange.options.get("marketHelperProps") or []), ORDER_LIMITS]
    return {name: exchange.options.get(name) for name in names if exchange.options.get(name)}


def keep_order_limits(exchange: Any, limits: Sequence[OrderLimit]) -> None:
    """Keeps limits on new orders that a reply reported, with the market table."""
    kept = {" ".join(map(str, each.key)): asdict(each) for each in limits}
    exchange.options[ORDER_LIMITS] = {**exchange.options.get(ORDER_LIMITS, {}), **kept}


def read_order_limits(exchange: Any) -> Sequence[OrderLimit]:
    """Returns the limits on new orders that were kept."""
    return [OrderLimit(**each) for each in exchange.options.get(ORDER_LIMITS, {}).values()]


def save_table(path: Path, exchange: Any, now: datetime) -> None:
    """Writes the table of ``exchange``, replacing the old file at the end. Raises ``OSError``."""
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
    """Returns a stored table and whether it is fresh; ``None`` without a readable one."""
    try:
        saved = json.loads(gzip.decompress(path.read_bytes()))
        age = now - datetime.fromisoformat(saved["saved_at"])
    except (OSError, EOFError, ValueError, KeyError):
        return None
    return saved, timedelta(0) <= age < TABLE_AGE_MAX


def apply_table(exchange: Any, saved: Mapping[str, Any]) -> None:
    """Gives ``exchange`` a stored table."""
    exchange.set_markets(saved["markets"], saved["currencies"])
    exchange.options.update(saved["options"])


def table_file_name(name: str, version: str) -> str:
    """Returns the file name of a table."""
    return f"{name}.{version}.json.gz"


def build_instruments(
    exchange: Any, contract_kind: InstrumentKind = InstrumentKind.LINEAR
) -> dict[str, Instrument]:
    """Returns spot markets and contracts of ``contract_kind`` by unified symbol, without closed
    markets and those without steps.

    Quantities are in base currency: the step is that of one contract times its size, and
    ``amount_unit`` is the size, for requests to the venue. Those of inverse contracts are numbers
    of contracts, of ``contract_size`` in quote.
    """
    instruments = {}
    for symbol, market in (exchange.markets or {}).items():
        instrument = _instrument(market, int(exchange.precisionMode), contract_kind)
        if instrument is not None:
            instruments[symbol] = instrument
    return instruments


def now_utc() -> datetime:
    """Returns the machine's time in UTC."""
    return datetime.now(UTC)


def _instrument(
    market: Mapping[str, Any], mode: int, contract_kind: InstrumentKind
) -> Instrument | None:
    is_spot = bool(market.get("spot"))
    if not is_spot and not (market.get("swap") and market.get(contract_kind.value)):
        return None
    is_inverse = not is_spot and contract_kind is InstrumentKind.INVERSE
    precision = market.get("precision") or {}
    tick = _step(precision.get("price"), mode, is_price=True)
    step = _step(precision.get("amount"), mode, is_price=False)
    if market.get("active") is False or tick is None or step is None:
        return None
    size = to_decimal(market.get("contractSize")) or Decimal(1)
    limits = market.get("limits") or {}
    min_notional = to_decimal((limits.get("cost") or {}).get("min"))
    leverage = to_decimal((limits.get("leverage") or {}).get("max"))
    return Instrument(
        symbol=market["symbol"],
        kind=InstrumentKind.SPOT if is_spot else contract_kind,
        base=market["base"],
        quote=market["quote"],
        settle=market["quote"] if is_spot else market["settle"],
        tick=tick,
        step=step if is_inverse else step * size,
        min_notional=min_notional or ZERO,
        contract_size=size if is_inverse else Decimal(1),
        amount_unit=Decimal(1) if is_spot or is_inverse else size,
        max_leverage=1 if leverage is None else max(int(leverage), 1),
    )


def _step(value: Any, mode: int, *, is_price: bool) -> Decimal | None:
    """Returns the step of a number; with significant digits the finest, which ccxt rounds."""
    number = to_decimal(value)
    if number is None:
        return None
    if mode == TICK_SIZE:
        return number if number > 0 else None
    if mode == SIGNIFICANT_DIGITS and is_price:
        return _FINEST_STEP
    return Decimal(1).scaleb(-int(number))
