"""Orders as ccxt calls: types, triggers, times in force, and unsupported forms."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.builders import an_order
from kit.exchanges.scripted_venue import INSTRUMENTS, LINEAR
from oms.adapters.ccxt.orders.ccxt_calls import (
    Legs,
    add_legs,
    build_place_call,
    choose_legs,
    refuse_unsupported_order,
)
from oms.adapters.ccxt.orders.order_request import compute_deadline
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.account import PositionMode
from oms.domain.errors import Invalid
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.side import Side
from oms.domain.value import evolve

INSTRUMENT = INSTRUMENTS[LINEAR]
SPOT = evolve(INSTRUMENT, kind=InstrumentKind.SPOT)
NAME = {"clientOrderId": "n"}


def called(legs: Legs = Legs.ONE, spot: bool = False, **changes: Any) -> tuple[Any, Any]:
    order = an_order(order_type=changes.pop("order_type", "limit"), **changes)
    market = SPOT if spot else INSTRUMENT
    call = add_legs(build_place_call(order, market, get_profile("bybit"), "n"), market, legs)
    return call.args, dict(call.params)


def test_a_limit_order_has_a_price_and_a_market_order_none() -> None:
    price = Decimal(100)
    assert called(price=price) == ((LINEAR, "limit", "buy", Decimal(1), price), NAME)
    args, _ = called(order_type="market", price=price)
    assert args == (LINEAR, "market", "buy", Decimal(1), None)


@pytest.mark.parametrize(
    ("changes", "params"),
    [
        ({"post_only": True}, {"postOnly": True}),
        ({"time_in_force": "PO"}, {"postOnly": True}),
        ({"time_in_force": "IOC"}, {"timeInForce": "IOC"}),
        ({"time_in_force": "GTC"}, {}),
        ({"reduce_only": True}, {"reduceOnly": True}),
        ({"reduce_only": True, "legs": Legs.TWO}, {"reduceOnly": True, "hedged": True}),
        ({"reduce_only": True, "legs": Legs.VIRTUAL}, {}),
        ({"reduce_only": True, "spot": True}, {}),
        (
            {"params": {"x": 1, "deadline_ms": 5, "precision": "refuse", "unknown": "refuse"}},
            {"x": 1},
        ),
    ],
)
def test_flags(changes: dict[str, Any], params: dict[str, Any]) -> None:
    assert called(**changes)[1] == NAME | params


@pytest.mark.parametrize(
    ("order_type", "side", "direction"),
    [
        ("stop_market", Side.BUY, "ascending"),
        ("stop_limit", Side.SELL, "descending"),
        ("take_profit_market", Side.BUY, "descending"),
        ("take_profit_limit", Side.SELL, "ascending"),
    ],
)
def test_a_trigger_has_the_direction_of_the_price(
    order_type: str, side: Side, direction: str
) -> None:
    changes = {"order_type": order_type, "side": side, "trigger_price": Decimal("99.50")}
    expected = NAME | {"triggerPrice": "99.5"}
    assert called(**changes)[1] == expected | {"triggerDirection": direction}
    assert called(**changes, spot=True)[1] == expected


@pytest.mark.parametrize("market", [INSTRUMENT, SPOT])
@pytest.mark.parametrize(
    ("order_type", "word"),
    [("stop_limit", "stopLossPrice"), ("take_profit_market", "takeProfitPrice")],
)
def test_a_venue_with_typed_triggers(market: Instrument, order_type: str, word: str) -> None:
    order = an_order(order_type=order_type, trigger_price=Decimal(99))
    assert dict(build_place_call(order, market, get_profile("binance"), "n").params) == NAME | {
        word: "99"
    }


def test_contracts_are_counted_in_contracts() -> None:
    order = an_order(order_type="market", qty=Decimal("0.5"))
    instrument = evolve(INSTRUMENT, amount_unit=Decimal("0.01"))
    assert build_place_call(order, instrument, get_profile("okx"), "n").args[3] == 50


@pytest.mark.parametrize(
    ("venue", "changes"),
    [
        ("bybit", {"order_type": "trailing_stop"}),
        ("kucoin", {"time_in_force": "FOK"}),
    ],
)
def test_unsupported_orders_are_refused(venue: str, changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        refuse_unsupported_order(an_order(**changes), INSTRUMENT, get_profile(venue))
    assert refused.value.code == "order_type_not_supported"


@pytest.mark.parametrize(
    ("mode", "is_hedged", "legs"),
    [
        (PositionMode.NETTING, False, Legs.ONE),
        (PositionMode.HEDGE, False, Legs.VIRTUAL),
        (PositionMode.STRATEGY_NETTING, False, Legs.VIRTUAL),
        (PositionMode.HEDGE, True, Legs.TWO),
    ],
)
def test_legs(mode: PositionMode, is_hedged: bool, legs: Legs) -> None:
    assert choose_legs(mode, is_hedged=is_hedged) is legs


@pytest.mark.parametrize(
    ("requested_ms", "seconds"), [(None, 10), (500, 0.5), (60_000, 10), (True, 10)]
)
def test_a_shorter_deadline_wins(requested_ms: object, seconds: float) -> None:
    now = datetime(2024, 1, 1, tzinfo=UTC)
    params = {} if requested_ms is None else {"deadline_ms": requested_ms}
    assert compute_deadline(an_order(params=params), now, 10) == now + timedelta(seconds=seconds)


@pytest.mark.parametrize("name", ["type", "quantity", "quoteOrderQty", "test", "orderLinkId"])
def test_params_that_trade_other_terms_are_refused(name: str) -> None:
    order = an_order(order_type="limit", price=Decimal(100), params={name: "1"})
    for market in (INSTRUMENT, SPOT):
        with pytest.raises(Invalid, match=rf"params\.{name} "):
            refuse_unsupported_order(order, market, get_profile("bybit"))


def test_a_margin_mode_is_refused_on_spot() -> None:
    order = an_order(order_type="limit", price=Decimal(100), params={"marginMode": "cross"})
    refuse_unsupported_order(order, INSTRUMENT, get_profile("bybit"))
    with pytest.raises(Invalid, match="marginMode"):
        refuse_unsupported_order(order, SPOT, get_profile("bybit"))
