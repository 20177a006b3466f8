"""Prices of currencies whose totals differ: read together, and only where they decide."""

import asyncio
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

from kit.builders import NOON, a_spot_instrument
from oms.domain.quotes import Quote
from oms.domain.reconcile.discrepancy import DiscrepancyPolicy
from oms.ports.exchange import ExchangeSnapshot
from oms.services.account_state.state import AccountState
from oms.services.reconcile.diff import ReconcileDiff

SECONDS_MAX = 10


class SlowPrices:
    """An exchange that answers when two prices were requested."""

    def __init__(self, *bases: str) -> None:
        self.both = asyncio.Barrier(2)
        self.requested: list[str] = []
        symbols = {base: f"{base}/USDT" for base in bases}
        self._instruments = {
            symbol: a_spot_instrument(symbol=symbol, base=base) for base, symbol in symbols.items()
        }

    def instruments(self) -> dict[str, Any]:
        """Return the instruments by symbol."""
        return self._instruments

    async def fetch_quote(self, symbol: str, now: datetime) -> Quote:
        """Return a price of 2 once two were requested."""
        self.requested.append(symbol)
        async with asyncio.timeout(SECONDS_MAX):
            await self.both.wait()
        price = {"bid": Decimal(1), "ask": Decimal(3)}
        return Quote(symbol=symbol, bid_qty=None, ask_qty=None, at=now, **price)


async def test_prices_of_differing_balances_are_read_at_once() -> None:
    """SOL differs by less than a basis point: its price decides nothing."""
    exchange = SlowPrices("BTC", "ETH", "SOL")
    state: Any = SimpleNamespace(
        exchange=exchange,
        positions={},
        orders={},
        account=SimpleNamespace(policies={}),
        uncommitted_deals=list,
    )
    totals = {"BTC": Decimal("0.4"), "ETH": Decimal(5), "SOL": Decimal(100_000)}
    snapshot = ExchangeSnapshot(since=NOON, orders=(), trades=(), holdings={}, balances=totals)
    diff = ReconcileDiff(state=cast(AccountState, state), snapshot=snapshot, now=NOON)

    findings = await diff.balances({"SOL": Decimal(99_000)}, {"SOL": Decimal(999)})

    assert exchange.requested == ["BTC/USDT", "ETH/USDT"]
    assert [(finding.symbol, finding.policy) for finding in findings] == [
        ("BTC", DiscrepancyPolicy.AUTO),
        ("ETH", DiscrepancyPolicy.ASK),
        ("SOL", DiscrepancyPolicy.AUTO),
    ]
