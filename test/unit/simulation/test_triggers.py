"""Conditional orders: released at their trigger, filled where the market is."""

from datetime import timedelta
from decimal import Decimal

import pytest

from kit.exchanges.simulation_harness import (
    LINEAR,
    SPOT,
    SimulationHarness,
    fact_kinds,
    fills,
    only_rejection_code,
    some_settings,
    trades,
)
from oms.domain.orders.order import Side
from oms.simulation.events import Canceled, Triggered
from oms.simulation.state.paper_order import OrderTerms, TriggerBy


def a_desk(**changes: object) -> SimulationHarness:
    """Prices at 100, without limit of depth."""
    desk = SimulationHarness(some_settings(**changes), USDT="100000", SOL="1000")
    desk.quote("100", "100")
    return desk


@pytest.mark.parametrize("kind", ["stop", "stop_loss", "stop_market"])
def test_a_stop_sells_at_the_market_when_the_price_falls_to_it(kind: str) -> None:
    desk = a_desk()
    assert fact_kinds(desk.stop(Side.SELL, "1", "95", order_type=kind)) == ["Accepted"]
    assert desk.quote("95.01", "95.01") == ()
    events = desk.quote("95", "95")
    assert fact_kinds(events) == ["Triggered", "Filled"]
    assert fills(events) == ["1 @ 95"]
    assert not trades(events)[0].maker
    assert desk.open_orders == []


@pytest.mark.parametrize(
    ("kind", "side", "trigger", "price", "rests"),
    [
        ("stop_market", Side.BUY, "105", "105", "104.99"),
        ("stop_market", Side.SELL, "95", "95", "95.01"),
        ("take_profit", Side.SELL, "105", "105", "104.99"),
        ("take_profit_market", Side.SELL, "105", "105", "104.99"),
        ("take_profit_market", Side.BUY, "95", "95", "95.01"),
    ],
)
def test_each_type_has_its_direction(
    kind: str, side: Side, trigger: str, price: str, rests: str
) -> None:
    desk = a_desk()
    desk.stop(side, "1", trigger, order_type=kind)
    assert desk.quote(rests, rests) == ()
    assert fills(desk.quote(price, price)) == [f"1 @ {price}"]


@pytest.mark.parametrize(
    ("kind", "side", "trigger"),
    [
        ("stop_market", Side.BUY, "99"),
        ("stop_market", Side.BUY, "100"),
        ("stop_market", Side.SELL, "101"),
        ("take_profit", Side.SELL, "99"),
        ("take_profit", Side.BUY, "101"),
    ],
)
def test_a_trigger_on_the_wrong_side_is_rejected(kind: str, side: Side, trigger: str) -> None:
    desk = a_desk()
    before = desk.state
    assert (
        only_rejection_code(desk.stop(side, "1", trigger, order_type=kind)) == "exchange_rejected"
    )
    assert desk.state is before


def test_after_a_gap_it_is_filled_where_the_market_is() -> None:
    desk = a_desk()
    desk.stop(Side.SELL, "3", "95")
    events = desk.book(bids=("1 @ 80", "5 @ 79"), asks=("9 @ 81",))
    assert fills(events) == ["1 @ 80", "2 @ 79"]
    (event,) = [event for event in events if isinstance(event, Triggered)]
    assert event.price == Decimal("80.5")  # nobody traded: the middle
    assert event.order.triggered_at == trades(events)[0].executed_at


def test_a_stop_limit_rests_once_it_is_released() -> None:
    desk = a_desk()
    desk.stop(Side.SELL, "1", "95", "94.5")
    desk.quote("94", "96")  # the middle is at the trigger, the bid below the limit
    assert desk.order("o1").triggered_at is not None
    assert desk.order("o1").queue is not None
    assert fills(desk.quote("94.5", "96")) == ["1 @ 94.5"]
    desk = a_desk()
    desk.stop(Side.BUY, "1", "105", "106")
    events = desk.quote("105", "105.5")
    assert fact_kinds(events) == ["Triggered", "Filled"]
    assert fills(events) == ["1 @ 105.5"]


def test_a_take_profit_limit() -> None:
    desk = a_desk()
    desk.stop(Side.SELL, "1", "105", "104", order_type="take_profit_limit")
    assert fills(desk.quote("106", "106")) == ["1 @ 106"]


def test_the_last_price_is_that_of_trades_kept_within_the_quotes() -> None:
    desk = a_desk()
    desk.public_trade("100")
    desk.stop(Side.SELL, "1", "95")
    desk.book(bids=("5 @ 94",), asks=("5 @ 97",))  # last moves to 97
    assert desk.open_orders == ["o1"]
    events = desk.public_trade("95", side=Side.SELL)
    assert fills(events) == ["1 @ 94"]


def test_a_trigger_on_the_mark() -> None:
    desk = a_desk()
    desk.quote("100", "100", LINEAR)
    desk.mark("100")
    desk.buy("1", symbol=LINEAR)
    desk.stop(Side.SELL, "1", "95", symbol=LINEAR, terms={"trigger_by": TriggerBy.MARK})
    assert desk.quote("90", "90", LINEAR) == ()
    assert desk.mark("95.1") == ()
    assert fills(desk.mark("95")) == ["1 @ 90"]


def test_a_trigger_on_what_it_would_meet() -> None:
    desk = a_desk()
    desk.stop(Side.SELL, "1", "95", terms={"trigger_by": TriggerBy.BID_ASK})
    assert desk.quote("95.01", "99") == ()
    assert fills(desk.quote("95", "99")) == ["1 @ 95"]
    desk.stop(Side.BUY, "1", "105", terms={"trigger_by": TriggerBy.BID_ASK})
    assert desk.quote("100", "104.99") == ()
    assert fills(desk.quote("100", "105")) == ["1 @ 105"]


def test_without_any_price_it_waits_and_then_decides() -> None:
    desk = SimulationHarness(SOL="10")
    desk.stop(Side.SELL, "1", "95")
    assert desk.open_orders == ["o1"]
    assert desk.book(asks=("1 @ 90",)) == ()  # nobody buys
    assert fills(desk.quote("90", "90")) == ["1 @ 90"]


def test_a_waiting_stop_locks_what_it_will_need() -> None:
    desk = a_desk()
    desk.stop(Side.SELL, "2", "95")
    assert desk.balance("SOL") == ("998", "2")
    desk.stop(Side.BUY, "2", "105")
    assert desk.balance("USDT") == ("99790", "210")
    assert only_rejection_code(desk.stop(Side.SELL, "999", "95")) == "insufficient_funds"
    desk.cancel("o1")
    desk.cancel("o2")
    assert desk.balance("SOL")[1] == desk.balance("USDT")[1] == "0"


def test_what_is_too_dear_when_it_is_released_is_canceled() -> None:
    desk = SimulationHarness(USDT="210")
    desk.quote("100", "100")
    desk.stop(Side.BUY, "2", "105")
    events = desk.quote("200", "200")
    assert fact_kinds(events) == ["Triggered", "Canceled"]
    assert isinstance(events[1], Canceled)
    assert events[1].reason == "insufficient_funds"
    assert desk.balance("USDT") == ("210", "0")


def test_a_reduce_only_stop_is_cut_when_it_is_released_and_canceled_without_position() -> None:
    desk = a_desk()
    desk.quote("100", "100", LINEAR)
    desk.buy("3", symbol=LINEAR)
    desk.stop(Side.SELL, "3", "95", symbol=LINEAR, reduce_only=True)
    desk.stop(Side.SELL, "3", "90", symbol=LINEAR, reduce_only=True)
    desk.sell("2", symbol=LINEAR)
    events = desk.quote("95", "95", LINEAR)
    assert fact_kinds(events) == ["Triggered", "Changed", "Filled"]
    assert fills(events) == ["1 @ 95"]
    events = desk.quote("90", "90", LINEAR)
    assert fact_kinds(events) == ["Triggered", "Canceled"]
    assert desk.position_qty() == 0


def test_the_trigger_of_a_waiting_stop_can_be_changed() -> None:
    desk = a_desk()
    desk.stop(Side.SELL, "1", "95")
    assert fact_kinds(desk.change("o1", trigger="90")) == ["Changed"]
    assert desk.quote("95", "95") == ()
    assert only_rejection_code(desk.change("o1", trigger="96")) == "exchange_rejected"
    assert only_rejection_code(desk.change("o1", price="96")) == "exchange_rejected"
    assert fills(desk.quote("90", "90")) == ["1 @ 90"]
    desk.stop(Side.SELL, "1", "85", "88")
    desk.quote("84", "85")
    assert (
        only_rejection_code(desk.change("o2", trigger="80")) == "exchange_rejected"
    )  # released already


def test_a_trailing_stop_follows_and_never_gives_way() -> None:
    desk = a_desk()
    terms = OrderTerms(trailing_percent=Decimal(2))
    desk.sell("1", None, order_type="trailing_stop", terms=terms)
    desk.quote("110", "110")
    desk.quote("108", "108")
    assert desk.order("o1").best == 110
    assert fills(desk.quote("107.8", "107.8")) == ["1 @ 107.8"]
    desk = a_desk()
    terms = OrderTerms(trailing_amount=Decimal(3))
    desk.buy("1", None, order_type="trailing_stop", terms=terms)
    desk.quote("90", "90")
    desk.quote("92.99", "92.99")
    assert fills(desk.quote("93", "93")) == ["1 @ 93"]


@pytest.mark.parametrize(
    ("kind", "price", "terms"),
    [
        ("stop_market", None, OrderTerms()),
        ("stop_market", "90", OrderTerms(trigger_price=Decimal(95))),
        ("stop_limit", None, OrderTerms(trigger_price=Decimal(95))),
        ("market", None, OrderTerms(trigger_price=Decimal(95))),
        ("trailing_stop", None, OrderTerms()),
        (
            "trailing_stop",
            None,
            OrderTerms(trailing_amount=Decimal(1), trailing_percent=Decimal(1)),
        ),
        ("trailing_stop", None, OrderTerms(trailing_amount=Decimal(1), trigger_price=Decimal(95))),
        ("limit", "90", OrderTerms(trailing_amount=Decimal(1))),
    ],
)
def test_orders_that_make_no_sense_are_rejected(
    kind: str, price: str | None, terms: OrderTerms
) -> None:
    desk = a_desk()
    events = desk.sell("1", price, order_type=kind, terms=terms)
    assert only_rejection_code(events) == "exchange_rejected"


def test_an_unknown_type_is_rejected_by_name() -> None:
    assert only_rejection_code(a_desk().sell("1", order_type="twap")) == "order_type_not_supported"


def test_a_stale_price_fills_and_releases_nothing() -> None:
    desk = a_desk(max_price_age=timedelta(seconds=10))
    desk.buy("1", "90")
    desk.stop(Side.SELL, "1", "95")
    desk.advance(60)
    assert only_rejection_code(desk.buy("1")) == "no_price"
    assert fact_kinds(desk.buy("1", "120")) == ["Accepted"]  # waits, whatever was shown once
    events = desk.quote("94", "94")
    assert fills(events) == ["1 @ 120", "1 @ 94"]
    assert SPOT in desk.state.orders
