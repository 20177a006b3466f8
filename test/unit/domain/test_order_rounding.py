"""Order rounding: quantities down, prices to the passive side."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.builders import an_instrument, an_order
from oms.domain.commands.command import ChangeOrder, ClosePosition, SendOrder
from oms.domain.money import is_on_step
from oms.domain.orders.order_rounding import (
    round_change_order,
    round_close_position,
    round_send_order,
)
from oms.domain.side import Side
from oms.domain.value import evolve

BTC = evolve(an_instrument(), tick=Decimal("0.1"), step=Decimal("0.001"))
OFF = Decimal("60000.05")
LOW, HIGH = Decimal("60000.0"), Decimal("60000.1")


def _send(side: Side, order_type: str = "limit", **more: object) -> SendOrder:
    request = SendOrder(
        symbol=BTC.symbol, side=side, order_type=order_type, qty=Decimal("0.0019999")
    )
    return round_send_order(evolve(request, **more), BTC)


@pytest.mark.parametrize(
    ("side", "price"), [(Side.BUY, LOW), (Side.SELL, HIGH)], ids=["buy down", "sell up"]
)
def test_a_limit_goes_to_the_passive_side(side: Side, price: Decimal) -> None:
    sent = _send(side, price=OFF)
    assert (sent.price, sent.qty) == (price, Decimal("0.001"))


@pytest.mark.parametrize(
    ("side", "order_type", "trigger"),
    [
        (Side.BUY, "stop_market", LOW),
        (Side.SELL, "stop_market", HIGH),
        (Side.BUY, "take_profit_market", HIGH),
        (Side.SELL, "take_profit_limit", LOW),
    ],
)
def test_a_trigger_fires_earlier(side: Side, order_type: str, trigger: Decimal) -> None:
    assert _send(side, order_type, trigger_price=OFF).trigger_price == trigger


def test_levels_of_a_purchase_are_sales() -> None:
    sent = _send(Side.BUY, "market", stop_loss=OFF, stop_gain=OFF)
    assert (sent.stop_loss, sent.stop_gain) == (HIGH, LOW)


def test_rounding_can_be_refused() -> None:
    request = SendOrder(
        symbol=BTC.symbol,
        side=Side.BUY,
        order_type="limit",
        qty=Decimal("0.0019999"),
        price=OFF,
        params={"precision": "refuse"},
    )
    assert round_send_order(request, BTC) is request


def test_a_take_profit_price_stays_the_trigger() -> None:
    request = SendOrder(
        symbol=BTC.symbol,
        side=Side.SELL,
        order_type="take_profit_market",
        qty=Decimal(1),
        trigger_price=OFF,
        take_profit_price=OFF,
    )
    sent = round_send_order(request, BTC)
    assert sent.trigger_price == sent.take_profit_price != OFF


def test_closes_and_changes_are_rounded_alike() -> None:
    close = ClosePosition(position_id=1, order_type="limit", qty=Decimal("0.0019"), price=OFF)
    sent = round_close_position(close, Side.SELL, BTC)
    assert (sent.qty, sent.price) == (Decimal("0.001"), HIGH)
    change = ChangeOrder(order_id=1, new_price=OFF)
    order = an_order(side=Side.BUY, order_type="stop_limit")
    assert round_change_order(change, order, BTC) == ChangeOrder(order_id=1, new_price=LOW)
    change = ChangeOrder(order_id=1, new_trigger_price=OFF)
    assert round_change_order(change, order, BTC).new_trigger_price == LOW
    gain = an_order(side=Side.BUY, order_type="take_profit_market")
    assert round_change_order(change, gain, BTC).new_trigger_price == HIGH


@given(
    st.decimals(min_value="0.00001", max_value="99999", places=5),
    st.decimals(min_value="0.00001", max_value="99999", places=5),
    st.sampled_from(list(Side)),
)
def test_sent_values_are_rounded(qty: Decimal, price: Decimal, side: Side) -> None:
    request = SendOrder(symbol=BTC.symbol, side=side, order_type="limit", qty=qty, price=price)
    sent = round_send_order(request, BTC)
    assert sent.price is not None and sent.price > 0
    assert is_on_step(sent.price, BTC.tick) and is_on_step(sent.qty, BTC.step)
    assert 0 <= qty - sent.qty < BTC.step
    assert abs(sent.price - price) < BTC.tick
    assert round_send_order(sent, BTC) == sent
