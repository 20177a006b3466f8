"""Conditional orders: triggered at their price, filled at market prices."""

from datetime import timedelta
from decimal import Decimal

import pytest

from kit.exchanges.simulation_harness import (
    LINEAR,
    SPOT,
    SimulationHarness,
    event_kinds,
    fills,
    only_rejection_code,
    some_settings,
    trades,
)
from oms.domain.orders.order import Side
from oms.simulation.events import Canceled, Triggered
from oms.simulation.state.paper_order import OrderTerms, TimeInForce, TriggerBy


def make_harness(**changes: object) -> SimulationHarness:
    """Prices at 100 with unlimited depth."""
    harness = SimulationHarness(some_settings(**changes), USDT="100000", SOL="1000")
    harness.quote("100", "100")
    return harness


@pytest.mark.parametrize("kind", ["stop", "stop_loss", "stop_market"])
def test_a_stop_sells_at_market_when_the_price_falls_to_it(kind: str) -> None:
    harness = make_harness()
    assert event_kinds(harness.stop(Side.SELL, "1", "95", order_type=kind)) == ["Accepted"]
    assert harness.quote("95.01", "95.01") == ()
    events = harness.quote("95", "95")
    assert event_kinds(events) == ["Triggered", "Filled"]
    assert fills(events) == ["1 @ 95"]
    assert not trades(events)[0].maker
    assert harness.open_orders == []


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
    harness = make_harness()
    harness.stop(side, "1", trigger, order_type=kind)
    assert harness.quote(rests, rests) == ()
    assert fills(harness.quote(price, price)) == [f"1 @ {price}"]


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
    harness = make_harness()
    before = harness.state
    assert (
        only_rejection_code(harness.stop(side, "1", trigger, order_type=kind))
        == "exchange_rejected"
    )
    assert harness.state is before


def test_after_a_gap_a_stop_fills_at_the_market_price() -> None:
    harness = make_harness()
    harness.stop(Side.SELL, "3", "95")
    events = harness.book(bids=("1 @ 80", "5 @ 79"), asks=("9 @ 81",))
    assert fills(events) == ["1 @ 80", "2 @ 79"]
    (event,) = [event for event in events if isinstance(event, Triggered)]
    assert event.price == Decimal("80.5")  # no trade yet: the mid price
    assert event.order.triggered_at == trades(events)[0].executed_at


def test_a_triggered_stop_limit_rests() -> None:
    harness = make_harness()
    harness.stop(Side.SELL, "1", "95", "94.5")
    harness.quote("94", "96")  # the mid price is at the trigger, the bid below the limit
    assert harness.order("o1").triggered_at is not None
    assert harness.order("o1").queue is not None
    assert fills(harness.quote("94.5", "96")) == ["1 @ 94.5"]
    harness = make_harness()
    harness.stop(Side.BUY, "1", "105", "106")
    events = harness.quote("105", "105.5")
    assert event_kinds(events) == ["Triggered", "Filled"]
    assert fills(events) == ["1 @ 105.5"]


def test_a_take_profit_limit() -> None:
    harness = make_harness()
    harness.stop(Side.SELL, "1", "105", "104", order_type="take_profit_limit")
    assert fills(harness.quote("106", "106")) == ["1 @ 106"]


def test_the_last_price_is_clamped_to_the_quotes() -> None:
    harness = make_harness()
    harness.public_trade("100")
    harness.stop(Side.SELL, "1", "95")
    harness.book(bids=("5 @ 94",), asks=("5 @ 97",))  # last moves to 97
    assert harness.open_orders == ["o1"]
    events = harness.public_trade("95", side=Side.SELL)
    assert fills(events) == ["1 @ 94"]


def test_a_trigger_by_mark_price() -> None:
    harness = make_harness()
    harness.quote("100", "100", LINEAR)
    harness.mark("100")
    harness.buy("1", symbol=LINEAR)
    harness.stop(Side.SELL, "1", "95", symbol=LINEAR, terms={"trigger_by": TriggerBy.MARK})
    assert harness.quote("90", "90", LINEAR) == ()
    assert harness.mark("95.1") == ()
    assert fills(harness.mark("95")) == ["1 @ 90"]


def test_a_trigger_by_bid_and_ask() -> None:
    harness = make_harness()
    harness.stop(Side.SELL, "1", "95", terms={"trigger_by": TriggerBy.BID_ASK})
    assert harness.quote("95.01", "99") == ()
    assert fills(harness.quote("95", "99")) == ["1 @ 95"]
    harness.stop(Side.BUY, "1", "105", terms={"trigger_by": TriggerBy.BID_ASK})
    assert harness.quote("100", "104.99") == ()
    assert fills(harness.quote("100", "105")) == ["1 @ 105"]


def test_without_a_price_a_stop_waits() -> None:
    harness = SimulationHarness(SOL="10")
    harness.stop(Side.SELL, "1", "95")
    assert harness.open_orders == ["o1"]
    assert harness.book(asks=("1 @ 90",)) == ()  # no bids
    assert fills(harness.quote("90", "90")) == ["1 @ 90"]


def test_an_untriggered_stop_locks_money() -> None:
    harness = make_harness()
    harness.stop(Side.SELL, "2", "95")
    assert harness.balance("SOL") == ("998", "2")
    harness.stop(Side.BUY, "2", "105")
    assert harness.balance("USDT") == ("99790", "210")
    assert only_rejection_code(harness.stop(Side.SELL, "999", "95")) == "insufficient_funds"
    harness.cancel("o1")
    harness.cancel("o2")
    assert harness.balance("SOL")[1] == harness.balance("USDT")[1] == "0"


def test_an_unfunded_triggered_order_is_canceled() -> None:
    harness = SimulationHarness(USDT="210")
    harness.quote("100", "100")
    harness.stop(Side.BUY, "2", "105")
    events = harness.quote("200", "200")
    assert event_kinds(events) == ["Triggered", "Canceled"]
    assert isinstance(events[1], Canceled)
    assert events[1].reason == "insufficient_funds"
    assert harness.balance("USDT") == ("210", "0")


def test_a_triggered_reduce_only_stop_is_reduced_or_canceled() -> None:
    harness = make_harness()
    harness.quote("100", "100", LINEAR)
    harness.buy("3", symbol=LINEAR)
    harness.stop(Side.SELL, "3", "95", symbol=LINEAR, reduce_only=True)
    harness.stop(Side.SELL, "3", "90", symbol=LINEAR, reduce_only=True)
    harness.sell("2", symbol=LINEAR)
    events = harness.quote("95", "95", LINEAR)
    assert event_kinds(events) == ["Triggered", "Changed", "Filled"]
    assert fills(events) == ["1 @ 95"]
    events = harness.quote("90", "90", LINEAR)
    assert event_kinds(events) == ["Triggered", "Canceled"]
    assert harness.position_qty() == 0


def test_the_trigger_of_a_stop_can_be_changed() -> None:
    harness = make_harness()
    harness.stop(Side.SELL, "1", "95")
    assert event_kinds(harness.change("o1", trigger="90")) == ["Changed"]
    assert harness.quote("95", "95") == ()
    assert only_rejection_code(harness.change("o1", trigger="96")) == "exchange_rejected"
    assert only_rejection_code(harness.change("o1", price="96")) == "exchange_rejected"
    assert fills(harness.quote("90", "90")) == ["1 @ 90"]
    harness.stop(Side.SELL, "1", "85", "88")
    harness.quote("84", "85")
    assert (
        only_rejection_code(harness.change("o2", trigger="80")) == "exchange_rejected"
    )  # triggered already


def test_the_distance_of_a_trailing_stop_can_be_changed() -> None:
    harness = make_harness()
    terms = OrderTerms(trailing_percent=Decimal(2))
    harness.sell("1", None, order_type="trailing_stop", terms=terms)
    harness.quote("110", "110")
    assert event_kinds(harness.change("o1", trailing_amount=Decimal(5))) == ["Changed"]
    order = harness.order("o1")
    assert (order.best, order.terms.trailing_percent) == (110, None), "it keeps the best price"
    assert harness.quote("105.01", "105.01") == ()
    reached = harness.change("o1", trailing_amount=Decimal("4.9"))
    assert only_rejection_code(reached) == "exchange_rejected"
    assert fills(harness.quote("105", "105")) == ["1 @ 105"]


def test_an_untriggered_stop_limit_takes_another_time_in_force() -> None:
    harness = make_harness()
    harness.stop(Side.SELL, "8", "95", "95")
    assert event_kinds(harness.change("o1", time_in_force=TimeInForce.IOC)) == ["Changed"]
    harness.book(bids=("5 @ 94",), asks=("5 @ 95",))
    assert harness.open_orders == [], "no bid at its limit: it does not rest"


def test_a_trailing_stop_follows_and_never_moves_back() -> None:
    harness = make_harness()
    terms = OrderTerms(trailing_percent=Decimal(2))
    harness.sell("1", None, order_type="trailing_stop", terms=terms)
    harness.quote("110", "110")
    harness.quote("108", "108")
    assert harness.order("o1").best == 110
    assert fills(harness.quote("107.8", "107.8")) == ["1 @ 107.8"]
    harness = make_harness()
    terms = OrderTerms(trailing_amount=Decimal(3))
    harness.buy("1", None, order_type="trailing_stop", terms=terms)
    harness.quote("90", "90")
    harness.quote("92.99", "92.99")
    assert fills(harness.quote("93", "93")) == ["1 @ 93"]


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
def test_invalid_orders_are_rejected(kind: str, price: str | None, terms: OrderTerms) -> None:
    harness = make_harness()
    events = harness.sell("1", price, order_type=kind, terms=terms)
    assert only_rejection_code(events) == "exchange_rejected"


def test_an_unknown_type_is_rejected_by_name() -> None:
    assert (
        only_rejection_code(make_harness().sell("1", order_type="twap"))
        == "order_type_not_supported"
    )


def test_a_stale_price_fills_and_triggers_nothing() -> None:
    harness = make_harness(max_price_age=timedelta(seconds=10))
    harness.buy("1", "90")
    harness.stop(Side.SELL, "1", "95")
    harness.advance(60)
    assert only_rejection_code(harness.buy("1")) == "no_price"
    assert event_kinds(harness.buy("1", "120")) == ["Accepted"]  # not triggered without any depth
    events = harness.quote("94", "94")
    assert fills(events) == ["1 @ 120", "1 @ 94"]
    assert SPOT in harness.state.orders
