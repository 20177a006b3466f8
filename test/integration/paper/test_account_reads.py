"""Account reads in ccxt's structures at current mark prices."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from kit.builders import NOON
from kit.databases.store_rows import a_deal
from kit.exchanges.paper_harness import LINEAR, SPOT, PaperHarness
from oms.domain.account import PositionMode
from oms.domain.errors import Invalid
from oms.domain.ledger.deal import Deal, DealType
from oms.domain.orders.order import Order
from oms.ports.history_reads import HistoryQuery, Page


class Recorded:
    """A history of a harness's orders; only the method used by reads."""

    def __init__(self, port: PaperHarness) -> None:
        self._port = port

    async def orders(self, window: HistoryQuery) -> Page[Order]:
        words = window.status or frozenset()
        found = [
            order
            for order in self._port.orders.values()
            if order.state.value in words and window.symbol in (None, order.symbol)
        ]
        return Page(items=found[::-1][: window.page_size], total=None, next_after_id=None)


async def call_read(port: PaperHarness, func: str, *args: object, **kwargs: object) -> Any:
    """Returns the result as JSON carries it."""
    answer = await port.exchange.call(func, args, kwargs, port.now)
    return json.loads(json.dumps(answer, allow_nan=False))


async def test_positions_are_valued_at_their_mark_prices() -> None:
    port = PaperHarness(PositionMode.HEDGE, leverage=10, balances={"USDT": Decimal(1000)})
    port.quote("100")
    await port.buy("2")
    await port.sell("1")
    port.quote("110")
    long, short = await call_read(port, "fetch_positions")
    assert (long["side"], long["contracts"], long["entryPrice"], long["markPrice"]) == (
        "long",
        2,
        100,
        110,
    )
    assert (long["unrealizedPnl"], short["unrealizedPnl"]) == (20, -10)
    assert (long["notional"], long["leverage"], long["initialMargin"]) == (220, 10, 22)
    assert (long["marginMode"], long["hedged"], short["side"]) == ("cross", True, "short")
    assert short["liquidationPrice"] is None or short["liquidationPrice"] > 110
    assert {"collateral", "maintenanceMargin", "percentage", "info", "datetime"} <= set(long)
    assert await call_read(port, "fetch_positions", [SPOT]) == []
    balance = await call_read(port, "fetch_balance")
    wallet = balance["info"]["wallets"]["USDT"]
    assert (wallet["unrealizedPnl"], wallet["equity"], balance["USDT"]["total"]) == (10, 1010, 1000)


async def test_random_walk_marks_are_current() -> None:
    port = PaperHarness(source="walk")
    await port.buy("1")
    (before,) = await call_read(port, "fetch_positions")
    port.now = port.now.replace(hour=13)
    (after,) = await call_read(port, "fetch_positions")
    assert before["markPrice"] != after["markPrice"]
    assert after["unrealizedPnl"] == pytest.approx(after["markPrice"] - after["entryPrice"])


async def test_open_orders() -> None:
    port = PaperHarness()
    port.quote("100")
    await port.buy("2", order_type="limit", price="90", post_only=True)
    await port.sell("1", order_type="stop_market", trigger_price="95", symbol=LINEAR)
    port.quote("10", symbol=SPOT)
    await port.buy("1", symbol=SPOT, order_type="limit", price="9")
    orders = await call_read(port, "fetch_open_orders")
    assert [order["id"] for order in orders] == ["o1", "o2", "o3"]
    first, stop, _ = orders
    assert set(ccxt.Exchange().safe_order({})) <= set(first)
    assert (first["type"], first["side"], first["price"], first["amount"]) == (
        "limit",
        "buy",
        90,
        2,
    )
    assert (first["status"], first["remaining"], first["timeInForce"]) == ("open", 2, "PO")
    assert (stop["triggerPrice"], stop["price"]) == (95, None)
    of_spot = await call_read(port, "fetch_open_orders", SPOT)
    assert [order["id"] for order in of_spot] == ["o3"]
    assert len(await call_read(port, "fetch_open_orders", None, None, 2)) == 2
    assert await call_read(port, "fetch_order", "o2", LINEAR) == stop


async def test_finished_orders_are_read_from_history() -> None:
    port = PaperHarness()
    port.quote("100")
    await port.buy("2")
    await port.buy("1", order_type="limit", price="90")
    await port.cancel(2)
    await port.sell("1", order_type="limit", price="120")
    await port.buy("1", order_type="iceberg")
    assert await call_read(port, "fetch_closed_orders") == []
    port.paper._history = Recorded(port)  # type: ignore[assignment]
    (closed,) = await call_read(port, "fetch_closed_orders", LINEAR)
    assert set(ccxt.Exchange().safe_order({})) <= set(closed)
    assert (closed["id"], closed["status"], closed["filled"], closed["average"]) == (
        "o1",
        "closed",
        2,
        100,
    )
    (canceled,) = await call_read(port, "fetch_canceled_orders")
    assert (canceled["id"], canceled["status"], canceled["remaining"]) == ("o2", "canceled", 1)
    every = await call_read(port, "fetch_orders")
    assert [order["id"] for order in every] == ["o1", "o2", "o3"]
    assert await call_read(port, "fetch_order", "o1") == closed


class RecordedFunding:
    """Payments of two legs each, and of symbols that the account may not trade any more."""

    def __init__(self, symbols: list[str], next_after_id: int | None = None) -> None:
        self._symbols, self._next_after_id = symbols, next_after_id
        self.windows: list[HistoryQuery] = []

    async def deals(self, window: HistoryQuery) -> Page[Deal]:
        self.windows.append(window)
        found = [
            a_deal(
                2 * number + leg,
                1,
                symbol=symbol,
                type=DealType.FUNDING,
                exchange_trade_id=f"funding:{number}",
                leg=leg,
                profit=Decimal(number + 1),
                executed_at=NOON + number * timedelta(hours=8),
            )
            for number, symbol in enumerate(self._symbols)
            for leg in (0, 1)
        ]
        if window.descending:
            found.reverse()
        return Page(items=found, total=None, next_after_id=self._next_after_id)


async def test_a_funding_payment_of_several_positions_is_one_row() -> None:
    port = PaperHarness()
    history = RecordedFunding([LINEAR, LINEAR, LINEAR])
    port.paper._history = history  # type: ignore[assignment]
    rows = await call_read(port, "fetch_funding_history", LINEAR)
    assert [(row["id"], row["amount"]) for row in rows] == [
        ("funding:0", 2),
        ("funding:1", 4),
        ("funding:2", 6),
    ]
    assert {(row["symbol"], row["code"]) for row in rows} == {(LINEAR, "USDT")}
    assert await call_read(port, "fetch_funding_history", LINEAR, None, 1) == rows[-1:]
    since = rows[0]["timestamp"]
    assert await call_read(port, "fetch_funding_history", LINEAR, since, 1) == rows[:1]
    assert [each.since for each in history.windows] == [None, None, NOON]


async def test_a_funding_payment_that_may_continue_on_the_next_page_is_left_out() -> None:
    port = PaperHarness()
    port.paper._history = RecordedFunding([LINEAR] * 3, 9)  # type: ignore[assignment]
    newest = await call_read(port, "fetch_funding_history")
    assert [row["id"] for row in newest] == ["funding:1", "funding:2"]
    oldest = await call_read(port, "fetch_funding_history", None, 0)
    assert [row["id"] for row in oldest] == ["funding:0", "funding:1"]


async def test_funding_of_a_symbol_that_is_not_traded_any_more_has_no_currency() -> None:
    port = PaperHarness()
    port.paper._history = RecordedFunding(["OLD/USDT:USDT"])  # type: ignore[assignment]
    (row,) = await call_read(port, "fetch_funding_history")
    assert (row["symbol"], row["code"], row["amount"]) == ("OLD/USDT:USDT", None, 2)


async def test_trades_are_read_back_after_a_restart() -> None:
    port = PaperHarness(maker=Decimal("0.001"), taker=Decimal("0.002"))
    port.quote("100")
    await port.buy("2")
    rows = port.exchange.take_state_changes()
    assert rows is not None
    port.now = NOON.replace(hour=13)
    await port.sell("1")
    first, second = await call_read(port, "fetch_my_trades", LINEAR)
    known = {"id", "order", "timestamp", "datetime", "symbol", "side", "takerOrMaker", "price"}
    assert known | set(ccxt.Exchange().safe_trade({})) <= set(first)
    assert (first["id"], first["order"], first["amount"], first["cost"]) == ("t1", "o1", 2, 200)
    assert first["fee"] == {"cost": 0.4, "currency": "USDT"}
    since = int(port.now.timestamp() * 1000)
    assert await call_read(port, "fetch_my_trades", LINEAR, since) == [second]
    assert await call_read(port, "fetch_my_trades", LINEAR, None, 1) == [second]
    again = type(port.paper).restore(port.account, rows)
    port.paper = again
    assert await call_read(port, "fetch_my_trades") == [first]


@pytest.mark.parametrize(
    ("func", "args", "code"),
    [
        ("fetch_order", ["o77"], "order_not_found"),
        ("fetch_open_orders", ["NO/SUCH"], "instrument_not_supported"),
        ("fetch_positions", ["ETH/USDT:USDT"], "validation_error"),
        ("fetch_my_trades", [None, "soon"], "validation_error"),
        ("fetch_my_trades", [None, None, 0], "validation_error"),
        ("fetch_order", [], "validation_error"),
        ("fetch_ledger", [], "unsupported_func"),
    ],
)
async def test_invalid_reads_are_refused(func: str, args: list[object], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        await PaperHarness().exchange.call(func, args, {}, NOON)
    assert refused.value.code == code
