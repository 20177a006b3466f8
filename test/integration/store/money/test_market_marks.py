"""Prices of markets: stored in place of those before, and what accounts have that needs them."""

import asyncio
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

import pytest

from kit.databases.store_rows import AUDIT, NOON, a_lease, a_position, an_account, seconds_after
from oms.adapters.clock import SystemClock
from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.store import SqlStore
from oms.domain.ledger.position import PositionState
from oms.domain.performance.balances import Balance, Balances
from oms.domain.quotes import Quote
from oms.ports.exchange import ExchangeStateRows
from oms.ports.ledger_store import AccountBatch
from oms.ports.performance.market_marks import HeldMarkets, MarketMark
from oms.ports.price_feed import PriceFeed
from oms.services.performance.refresh_marks import RefreshMarks

FIRST = MarketMark(
    source="bybit.live",
    symbol="BTC/USDT:USDT",
    bid=Decimal("99.5"),
    ask=Decimal("100.000000000000000001"),
    mark=Decimal(100),
    at=seconds_after(1),
)
SPOT = MarketMark(source="bybit.live", symbol="BTC/USDT", last=Decimal(3), at=seconds_after(2))
ELSEWHERE = replace(FIRST, source="bybit.testnet", mark=None)


async def test_marks_are_stored_by_source_and_symbol(store: SqlStore) -> None:
    marks = store.market_marks
    assert await marks.read({}) == {}
    await marks.put([])
    await marks.put([SPOT, FIRST, ELSEWHERE])
    wanted = {"bybit.live": {FIRST.symbol, SPOT.symbol, "XRP/USDT"}}
    assert await marks.read(wanted) == {
        ("bybit.live", FIRST.symbol): FIRST,
        ("bybit.live", SPOT.symbol): SPOT,
    }
    later = replace(FIRST, bid=None, mark=Decimal("100.5"), at=seconds_after(3))
    await marks.put([later])
    assert await marks.read({"bybit.live": {FIRST.symbol}}) == {("bybit.live", FIRST.symbol): later}
    both = {"bybit.live": {FIRST.symbol}, "bybit.testnet": {FIRST.symbol}}
    assert set((await marks.read(both)).values()) == {later, ELSEWHERE}


async def test_what_accounts_hold_is_looked_up(store: SqlStore) -> None:
    account_id, empty = await an_account(store), await an_account(store)
    lease = await a_lease(store, account_id)
    held = a_position(1, account_id)
    closed = a_position(
        2, account_id, symbol="OLD/USDT", qty=Decimal(0), state=PositionState.CLOSED
    )
    amounts = {"USDT": Balance(total=Decimal(5)), "ADA": Balance(total=Decimal(0))}
    rows = ExchangeStateRows(balances=Balances(amounts=amounts, as_of=seconds_after(1)))
    batch = AccountBatch(
        lease=lease,
        head_before=0,
        head_after=0,
        positions_new=(held, closed),
        exchange_state=rows,
    )
    assert not await store.ledger.commit([batch])
    expected = HeldMarkets(symbols=frozenset({held.symbol}), currencies=frozenset({"USDT"}))
    assert await store.market_marks.held([account_id, empty]) == {account_id: expected}
    assert await store.market_marks.held([]) == {}


def test_contracts_are_valued_at_marks_and_coins_at_last_prices() -> None:
    mid = Decimal("99.7500000000000000005")
    assert FIRST.price == 100
    assert replace(FIRST, mark=None, last=Decimal(7)).price == mid
    assert SPOT.price == 3
    assert replace(SPOT, last=None).price is None
    assert replace(FIRST, symbol="BTC/USDT", mark=None).price == mid


class _Feed:
    """A feed with one quote of each symbol, and a new one at each call."""

    def __init__(self) -> None:
        self.seconds = 0

    def take_updates(self, symbol: str, now: datetime, *, with_depth: bool) -> list[Quote]:
        self.seconds += 1
        price, at = Decimal(100), seconds_after(self.seconds)
        return [Quote(symbol=symbol, bid=price, ask=price, bid_qty=None, ask_qty=None, at=at)]

    async def close(self) -> None:
        self.seconds = -1


async def test_statements_do_not_grow_with_accounts(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look reads three times and a refresh writes once, for 20 accounts as for one."""
    feed, ids = _Feed(), [await _an_account_at_bybit(store, number) for number in range(20)]
    for number, account_id in enumerate(ids, 1):
        lease = await a_lease(store, account_id)
        position = a_position(number, account_id, symbol=f"C{number}/USDT:USDT")
        batch = AccountBatch(lease=lease, head_before=0, head_after=0, positions_new=(position,))
        assert not await store.ledger.commit([batch])
    refresh = RefreshMarks(
        registry=store.registry,
        marks=store.market_marks,
        open_feed=lambda account: cast("PriceFeed", feed),
        clock=SystemClock(),
        report_currency="USDT",
    )
    reads, writes = _count(monkeypatch, "fetch"), _count(monkeypatch, "commit")
    await refresh.look(ids)
    assert (len(reads), len(writes)) == (3, 0)
    assert await refresh.store() == 20
    assert (len(reads), len(writes)) == (3, 1)
    marks = await store.market_marks.read({"bybit.live": {f"C{n}/USDT:USDT" for n in range(21)}})
    assert len(marks) == 20
    await refresh.close()
    assert feed.seconds == -1


def _count(monkeypatch: pytest.MonkeyPatch, name: str) -> list[Any]:
    """Return the list to which each call of a method of databases is added.

    Calls of other event loops are those of gateways that other tests left running.
    """
    calls, method, loop = list[Any](), getattr(Database, name), asyncio.get_running_loop()

    async def counted(self: Database, *args: Any, **kwargs: Any) -> Any:
        if asyncio.get_running_loop() is loop:
            calls.append(args)
        return await method(self, *args, **kwargs)

    monkeypatch.setattr(Database, name, counted)
    return calls


async def _an_account_at_bybit(store: SqlStore, number: int) -> int:
    return await store.registry.create_account(
        exchange_id="ccxt.bybit",
        label=f"bybit {number}",
        position_mode="netting",
        environment="live",
        is_testnet=False,
        extra_config="{}",
        trader_name=None,
        now=NOON,
        audit=AUDIT,
    )
