"""Which last prices a reconcile pass reads of the coins of an account."""

from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import CcxtHarness
from kit.exchanges.scripted_venue import INSTRUMENTS, ScriptedVenue
from oms.adapters.ccxt.sync import mark_prices
from oms.domain.instrument import Instrument, InstrumentKind
from oms.wire.json import loads


def spot(base: str) -> Instrument:
    return Instrument(
        symbol=f"{base}/USDT",
        kind=InstrumentKind.SPOT,
        base=base,
        quote="USDT",
        settle="USDT",
        tick=Decimal("0.01"),
        step=Decimal("0.001"),
        min_notional=Decimal(5),
    )


@dataclass
class SpotVenue(ScriptedVenue):
    """It holds two coins, and has a ticker of each."""

    tickers_read: list[str] = field(default_factory=list)

    async def read(self, method: str, *args: Any, **kwargs: Any) -> Any:
        if method == "fetch_ticker":
            self.tickers_read.append(args[0])
            return {"symbol": args[0], "last": "25"}
        if method == "fetch_balance":
            return {"info": {}, "total": {"SOL": "2", "ADA": "3", "USDT": "10"}}
        return await super().read(method, *args, **kwargs)


@pytest.fixture
def venue() -> SpotVenue:
    spots = {each.symbol: each for each in map(spot, ("SOL", "ADA", "XRP"))}
    return SpotVenue(instruments=INSTRUMENTS | spots)


@pytest.fixture
async def start(
    venue: SpotVenue,
) -> AsyncIterator[Callable[[Collection[str]], CcxtHarness]]:
    harnesses: list[CcxtHarness] = []

    def make(known_symbols: Collection[str]) -> CcxtHarness:
        options = {"known_symbols": known_symbols}
        harnesses.append(CcxtHarness(make_client=lambda: venue, options=options).start())
        return harnesses[-1]

    yield make
    for harness in harnesses:
        await harness.exchange.close()


async def take_snapshot(harness: CcxtHarness) -> None:
    count = len(harness.snapshots)
    harness.exchange.start_snapshot(datetime.now(UTC) - timedelta(minutes=1))
    await harness.wait_until(lambda: len(harness.snapshots) > count, "a snapshot")


async def test_a_coin_held_is_valued_after_a_restart_without_an_order_in_it(
    venue: SpotVenue, start: Callable[[Collection[str]], CcxtHarness]
) -> None:
    """Coins that the account never traded have no position, and need no price."""
    harness = await start(["SOL/USDT", "XRP/USDT"]).wait_ready()
    for number in (1, 2):
        await take_snapshot(harness)
        assert venue.tickers_read == ["SOL/USDT"] * number
    assert loads(harness.marks["SOL/USDT"])["exchange_mark"] == "25"


async def test_coins_that_one_pass_leaves_out_are_read_by_the_next(
    venue: SpotVenue,
    start: Callable[[Collection[str]], CcxtHarness],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mark_prices, "SPOT_SYMBOLS_MAX", 1)
    harness = await start(["SOL/USDT", "ADA/USDT"]).wait_ready()
    for _ in range(4):
        await take_snapshot(harness)
    assert venue.tickers_read == ["ADA/USDT", "SOL/USDT"] * 2
