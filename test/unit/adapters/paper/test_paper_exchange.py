"""The paper exchange behind the port: reports, prices, and changes to be stored."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.builders import NOON, an_order
from kit.exchanges.paper_harness import SPOT, a_paper_account
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.adapters.paper.simulation_settings import simulation_settings
from oms.domain.account import PositionMode
from oms.domain.errors import Conflict, Invalid
from oms.domain.instrument import InstrumentKind
from oms.domain.orders.execution_report import ExecutionReport, ReportKind, ReportSource
from oms.domain.orders.order import Order, Side
from oms.domain.quotes import PublicTrade, Quote
from oms.ports.exchange import Exchange, ExchangeStateRows
from oms.simulation.invariants import InvariantBroken


def a_quote(bid: str, ask: str, **changes: Any) -> Quote:
    values: dict[str, Any] = {
        "symbol": SPOT,
        "bid": Decimal(bid),
        "ask": Decimal(ask),
        "bid_qty": None,
        "ask_qty": None,
        "at": NOON,
    }
    return Quote(**(values | changes))


def a_limit(order_id: int, price: str, **changes: Any) -> Order:
    values: dict[str, Any] = {
        "id": order_id,
        "symbol": SPOT,
        "order_type": "limit",
        "price": Decimal(price),
        "qty": Decimal(1),
    }
    return an_order(**(values | changes))


def report_keys(reports: Any) -> list[tuple[int, str, str]]:
    return [(report.order_id, report.kind.value, report.source.value) for report in reports]


class Stored:
    """Rows as a store keeps them."""

    def __init__(self) -> None:
        self.rows = ExchangeStateRows()

    def write(self, exchange: PaperExchange) -> ExchangeStateRows:
        changed = exchange.take_state_changes()
        assert changed is not None
        orders = {**self.rows.orders, **changed.orders}
        self.rows = ExchangeStateRows(
            state=changed.state,
            state_hash=changed.state_hash,
            version=changed.version,
            orders={name: text for name, text in orders.items() if text is not None},
            prices={**self.rows.prices, **changed.prices},
        )
        return changed


async def test_a_market_order_is_accepted_and_filled_in_one_reply() -> None:
    exchange: Exchange = PaperExchange.restore(a_paper_account(), ExchangeStateRows())
    assert exchange.set_price(a_quote("99", "100")) == []
    order = an_order(id=5, symbol=SPOT, qty=Decimal(2))
    reports = await exchange.place(order, NOON)
    assert report_keys(reports) == [
        (5, "accepted", "exchange_reply"),
        (5, "execution", "exchange_reply"),
    ]
    assert {report.exchange_order_id for report in reports} == {"o1"}
    fill = reports[1].execution
    assert fill is not None
    assert (fill.exchange_trade_id, fill.qty, fill.price, fill.maker) == ("t1", 2, 100, False)
    assert (fill.fee, fill.fee_currency, fill.executed_at) == (0, "SOL", NOON)


async def test_a_rejection_names_the_order_and_the_reason() -> None:
    exchange = PaperExchange.restore(a_paper_account(), ExchangeStateRows())
    (report,) = await exchange.place(an_order(id=5, symbol=SPOT), NOON)
    assert (report.kind, report.order_id, report.code) == (ReportKind.REJECTED, 5, "no_price")
    (report,) = await exchange.place(an_order(id=6, symbol=SPOT, order_type="iceberg"), NOON)
    assert report.code == "order_type_not_supported"
    assert exchange.take_state_changes() is None


async def test_a_manual_price_fills_resting_orders_with_stream_reports() -> None:
    exchange = PaperExchange.restore(a_paper_account(), ExchangeStateRows())
    await exchange.place(a_limit(5, "90"), NOON)
    reports = exchange.set_price(a_quote("88", "89"))
    assert report_keys(reports) == [(5, "execution", "exchange_stream")]
    assert reports[0].execution is not None
    assert (reports[0].execution.price, reports[0].execution.maker) == (90, True)


async def test_change_and_cancel() -> None:
    exchange = PaperExchange.restore(a_paper_account(), ExchangeStateRows())
    order = a_limit(5, "90", exchange_order_id="o1")
    await exchange.place(order, NOON)
    (changed,) = await exchange.change(order, Decimal(91), None, NOON)
    assert (changed.kind, changed.price, changed.qty) == (ReportKind.CHANGED, 91, 1)
    (canceled,) = await exchange.cancel(order, NOON)
    assert (canceled.kind, canceled.source) == (ReportKind.CANCELED, ReportSource.REPLY)
    (again,) = await exchange.cancel(order, NOON)
    assert (again.kind, again.code) == (ReportKind.REJECTED, "too_late")
    (never,) = await exchange.cancel(a_limit(6, "90"), NOON)
    assert (never.kind, never.code) == (ReportKind.REJECTED, "order_not_found")


async def test_consumed_depth_survives_a_restart() -> None:
    account = a_paper_account(balances={"USDT": Decimal(1000)})
    exchange, stored = PaperExchange.restore(account, ExchangeStateRows()), Stored()
    exchange.set_price(a_quote("99", "100", ask_qty=Decimal(3)))
    await exchange.place(an_order(id=5, symbol=SPOT, qty=Decimal(2)), NOON)
    stored.write(exchange)
    again = PaperExchange.restore(account, stored.rows)
    assert again.state_hash() == exchange.state_hash()
    quote = again.quote(SPOT, NOON)
    assert quote is not None
    assert (quote.ask, quote.ask_qty, quote.bid_qty) == (100, 1, None)


async def test_changed_rows_are_taken_once() -> None:
    exchange, stored = PaperExchange.restore(a_paper_account(), ExchangeStateRows()), Stored()
    assert exchange.take_state_changes() is None
    exchange.set_price(a_quote("99", "100"))
    first = stored.write(exchange)
    assert (list(first.prices), first.orders, first.trades) == ([SPOT], {}, ())
    await exchange.place(a_limit(5, "90"), NOON)
    await exchange.place(an_order(id=6, symbol=SPOT), NOON)
    second = stored.write(exchange)
    assert list(second.orders) == ["o1"]
    assert [row.trade_id for row in second.trades] == ["t1"]
    assert second.version == 3  # the deposit, and two orders
    assert exchange.take_state_changes() is None
    await exchange.cancel(a_limit(5, "90", exchange_order_id="o1"), NOON)
    third = stored.write(exchange)
    assert third.orders == {"o1": None}
    assert third.prices == {}
    assert (
        PaperExchange.restore(a_paper_account(), stored.rows).state_hash() == exchange.state_hash()
    )


async def test_corrupt_rows_are_refused() -> None:
    exchange, stored = PaperExchange.restore(a_paper_account(), ExchangeStateRows()), Stored()
    await exchange.place(a_limit(5, "90"), NOON)
    stored.write(exchange)
    assert stored.rows.state is not None
    bent = stored.rows.state.replace("99910", "99911")
    assert bent != stored.rows.state
    with pytest.raises(InvariantBroken):
        PaperExchange.restore(
            a_paper_account(), ExchangeStateRows(state=bent, state_hash=stored.rows.state_hash)
        )


def test_invalid_manual_prices_are_refused() -> None:
    exchange = PaperExchange.restore(
        a_paper_account(sources={"BTC/USDT": "sim"}), ExchangeStateRows()
    )
    with pytest.raises(Conflict) as refused:
        exchange.set_price(a_quote("1", "2", symbol="BTC/USDT"))
    assert refused.value.reason == "price_source_not_manual"
    for bad in (a_quote("2", "1"), a_quote("0", "1"), a_quote("1", "2", ask_qty=Decimal(-1))):
        with pytest.raises(Invalid):
            exchange.set_price(bad)
    with pytest.raises(Invalid):
        PaperExchange.restore(a_paper_account(source="dice"), ExchangeStateRows())


async def test_a_random_walk_fills_resting_orders() -> None:
    exchange = PaperExchange.restore(a_paper_account(source="walk"), ExchangeStateRows())
    quote = exchange.quote(SPOT, NOON)
    assert quote is not None
    order = a_limit(5, str(quote.bid))
    assert report_keys(await exchange.place(order, NOON)) == [(5, "accepted", "exchange_reply")]
    reports, now = await _until_reports(exchange, NOON)
    assert report_keys(reports) == [(5, "execution", "exchange_stream")]
    assert reports[0].execution is not None
    assert reports[0].execution.price == quote.bid
    assert reports[0].received_at == now
    assert await exchange.poll_reports(now + timedelta(hours=1)) == []


async def _until_reports(
    exchange: PaperExchange, now: datetime
) -> tuple[list[ExecutionReport], datetime]:
    for _ in range(36_000):
        now += timedelta(milliseconds=100)
        reports = list(await exchange.poll_reports(now))
        if reports:
            return reports, now
    raise AssertionError("an hour of the random walk never reached its own best bid")


async def test_a_random_walk_depends_on_its_seed_only() -> None:
    one = PaperExchange.restore(a_paper_account(source="walk", seed=42), ExchangeStateRows())
    two = PaperExchange.restore(a_paper_account(source="walk", seed=42), ExchangeStateRows())
    own = PaperExchange.restore(a_paper_account(source="walk"), ExchangeStateRows())
    assert one.quote(SPOT, NOON) == two.quote(SPOT, NOON)
    assert one.quote(SPOT, NOON) != own.quote(SPOT, NOON)


async def test_a_random_walk_loses_depth_within_its_step() -> None:
    exchange = PaperExchange.restore(a_paper_account(source="walk"), ExchangeStateRows())
    before = exchange.quote(SPOT, NOON)
    assert before is not None
    assert before.ask_qty is not None
    await exchange.place(an_order(id=5, symbol=SPOT, qty=before.ask_qty), NOON)
    after = exchange.quote(SPOT, NOON + timedelta(milliseconds=1))
    assert after is not None
    assert after.ask > before.ask


async def test_legs_follow_the_position_mode() -> None:
    hedge = PaperExchange.restore(a_paper_account(PositionMode.HEDGE), ExchangeStateRows())
    symbol = "ETH/USDT:USDT"
    hedge.set_price(a_quote("100", "100", symbol=symbol))
    for order_id, side in ((1, Side.BUY), (2, Side.SELL)):
        await hedge.place(an_order(id=order_id, symbol=symbol, side=side), NOON)
    closing = an_order(id=3, symbol=symbol, side=Side.SELL, reduce_only=True)
    assert len(await hedge.place(closing, NOON)) == 2
    (report,) = await hedge.place(closing, NOON)
    assert report.kind is ReportKind.REJECTED


def test_an_account_can_have_fees_of_its_own() -> None:
    settings = simulation_settings(a_paper_account(maker=Decimal("-0.0001"), taker=None))
    assert settings.fees[InstrumentKind.LINEAR].maker == Decimal("-0.0001")
    assert settings.fees[InstrumentKind.LINEAR].taker == Decimal("0.0005")
    assert not settings.hedge


def make_public_trade(price: str, qty: str, **changes: Any) -> PublicTrade:
    values: dict[str, Any] = {"symbol": SPOT, "side": Side.SELL, "at": NOON}
    return PublicTrade(price=Decimal(price), qty=Decimal(qty), **(values | changes))


def levels(*pairs: str) -> tuple[tuple[Decimal, Decimal | None], ...]:
    split = (pair.split("@") for pair in pairs)
    return tuple((Decimal(price), None if qty == "*" else Decimal(qty)) for qty, price in split)


async def test_a_manual_book_is_matched_level_by_level() -> None:
    exchange = PaperExchange.restore(a_paper_account(), ExchangeStateRows())
    book = {"bids": levels("1@99"), "asks": levels("0.5@100", "2@101", "*@105")}
    exchange.set_price(a_quote("99", "100", **book))
    order = an_order(symbol=SPOT, qty=Decimal(3))
    fills = [r.execution for r in await exchange.place(order, NOON) if r.execution is not None]
    assert [(f.qty, f.price) for f in fills] == [
        (Decimal("0.5"), 100),
        (Decimal(2), 101),
        (Decimal("0.5"), 105),
    ]


@pytest.mark.parametrize(
    "book",
    [
        {"bids": levels("1@99", "1@99"), "asks": levels("1@100")},
        {"bids": levels("1@99"), "asks": levels("1@100", "1@99.5")},
        {"bids": levels("1@98"), "asks": levels("1@100")},
        {"bids": levels("1@99")},
        {"bids": levels("1@99"), "asks": levels("-1@100")},
        {"bids": levels("1@99", "1@0"), "asks": levels("1@100")},
    ],
)
def test_invalid_books_are_refused(book: dict[str, Any]) -> None:
    exchange = PaperExchange.restore(a_paper_account(), ExchangeStateRows())
    with pytest.raises(Invalid):
        exchange.set_price(a_quote("99", "100", **book))


async def test_public_trades_consume_the_queue_then_the_order() -> None:
    exchange = PaperExchange.restore(a_paper_account(), ExchangeStateRows())
    exchange.set_price(a_quote("100", "101", bid_qty=Decimal(5)))
    await exchange.place(a_limit(1, "100", qty=Decimal(2)), NOON)
    report_keys = [
        exchange.set_public_trade(make_public_trade("100", qty)) for qty in ("4", "2", "1")
    ]
    filled = [
        [r.execution.qty for r in reports if r.execution is not None] for reports in report_keys
    ]
    assert filled == [[], [1], [1]]


@pytest.mark.parametrize("wrong", [("0", "1"), ("1", "0")])
def test_invalid_public_trades_are_refused(wrong: tuple[str, str]) -> None:
    exchange = PaperExchange.restore(a_paper_account(), ExchangeStateRows())
    with pytest.raises(Invalid):
        exchange.set_public_trade(make_public_trade(*wrong))
    with pytest.raises(Conflict):
        walking = PaperExchange.restore(a_paper_account(source="walk"), ExchangeStateRows())
        walking.set_public_trade(make_public_trade("1", "1"))


def test_deposits_and_withdrawals() -> None:
    exchange = PaperExchange.restore(a_paper_account(), ExchangeStateRows())
    exchange.deposit("EUR", Decimal("5.5"), NOON)
    exchange.deposit("EUR", Decimal(-2), NOON)
    assert exchange.state.balances["EUR"].free == Decimal("3.5")
    with pytest.raises(Conflict) as caught:
        exchange.deposit("EUR", Decimal(-4), NOON)
    assert caught.value.code == "insufficient_funds"
    assert exchange.state.balances["EUR"].free == Decimal("3.5")
