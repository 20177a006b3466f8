"""Every order type and time in force, through the port and back as reports."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.builders import NOON
from kit.exchanges.paper_harness import LINEAR, SPOT, PaperHarness
from oms.domain.account import PositionMode


@pytest.mark.parametrize(
    ("side", "form", "away", "reached", "filled_at"),
    [
        ("sell", {"order_type": "stop_market", "trigger_price": "95"}, "96", "94", 94),
        ("buy", {"order_type": "stop_market", "trigger_price": "105"}, "104", "106", 106),
        ("sell", {"order_type": "take_profit_market", "trigger_price": "105"}, "104", "107", 107),
        ("buy", {"order_type": "take_profit_market", "trigger_price": "95"}, "96", "93", 93),
        (
            "sell",
            {"order_type": "stop_limit", "trigger_price": "95", "price": "90"},
            "96",
            "94",
            94,
        ),
        (
            "buy",
            {"order_type": "take_profit_limit", "trigger_price": "95", "price": "97"},
            "96",
            "94",
            94,
        ),
        ("sell", {"order_type": "trailing_stop", "trailing_amount": "5"}, "110", "105", 105),
        ("buy", {"order_type": "trailing_stop", "trailing_percent": "10"}, "90", "99", 99),
    ],
)
async def test_a_conditional_order_triggers_and_fills(
    side: str, form: dict[str, Any], away: str, reached: str, filled_at: int
) -> None:
    port = PaperHarness()
    port.quote("100")
    assert await getattr(port, side)("1", **form) == ["1 accepted"]
    assert port.quote(away) == []
    assert port.quote(reached) == ["1 triggered", "1 execution"]
    order = port.orders[1]
    assert (order.state.value, order.avg_fill_price) == ("FILLED", filled_at)
    assert order.triggered_at == NOON


async def test_a_trigger_on_the_wrong_side_is_rejected() -> None:
    port = PaperHarness()
    port.quote("100")
    assert await port.sell("1", order_type="stop_market", trigger_price="101") == ["1 rejected"]
    assert port.orders[1].reject_source == "exchange"


async def test_trigger_price_types() -> None:
    port = PaperHarness()
    port.quote("100", "110")
    form = {"order_type": "stop_market", "trigger_price": "108"}
    await port.buy("1", **form, params={"triggerPriceType": "bid_ask"})
    assert port.orders[1].reject_code == "exchange_rejected"  # it would match 110 immediately
    assert await port.buy("1", **form, params={"triggerPriceType": "last"}) == ["2 accepted"]
    await port.buy("1", **form, params={"triggerPriceType": "index"})
    assert port.orders[3].reject_code == "validation_error"


async def test_times_in_force() -> None:
    port = PaperHarness()
    port.quote("100", "101")
    limit = {"order_type": "limit", "price": "100"}
    assert await port.buy("1", **limit, time_in_force="IOC") == ["1 accepted", "1 canceled"]
    assert await port.buy("1", **limit, time_in_force="FOK") == ["2 accepted", "2 canceled"]
    crossing = {"order_type": "limit", "price": "101"}
    assert await port.buy("1", **crossing, time_in_force="FOK") == ["3 accepted", "3 execution"]
    await port.buy("1", **crossing, time_in_force="PO")
    assert (port.state(4), port.orders[4].reject_code) == ("REJECTED", "post_only_would_take")
    assert await port.buy("1", **limit, post_only=True) == ["5 accepted"]


async def test_an_order_expires_without_market_updates() -> None:
    port = PaperHarness()
    until = {"time_in_force": "GTD", "expires_at": NOON + timedelta(minutes=5)}
    assert await port.buy("1", order_type="limit", price="90", **until) == ["1 accepted"]
    assert await port.advance_time(minutes=4) == []
    port.restart()
    assert await port.advance_time(minutes=2) == ["1 expired"]
    assert port.state(1) == "EXPIRED"
    assert not port.exchange.needs_polling()


async def test_the_price_of_a_market_order_is_ignored() -> None:
    port = PaperHarness()
    port.quote("100")
    assert await port.buy("1", price="3") == ["1 accepted", "1 execution"]


async def test_reduce_only_and_hedge_legs() -> None:
    port = PaperHarness(PositionMode.HEDGE)
    port.quote("100")
    await port.buy("2")
    await port.sell("1")
    await port.buy("5", reduce_only=True)
    assert (port.state(3), port.orders[3].qty, port.orders[3].filled_qty) == ("FILLED", 1, 1)
    held = {leg.value: each.qty for (_, leg), each in port.paper.state.positions.items()}
    assert held == {"long": 2}
    await port.buy("1", reduce_only=True)
    assert port.state(4) == "REJECTED"


async def test_attached_exits_are_external_orders_with_a_parent() -> None:
    port = PaperHarness()
    port.quote("100")
    exits = {"takeProfit": {"triggerPrice": "110"}, "stopLoss": {"triggerPrice": 95.5}}
    summaries = await port.buy("2", params=exits)
    assert summaries[:4] == ["1 accepted", "1 execution", "o2 accepted", "o3 accepted"]
    gain, loss = port.externals["o2"], port.externals["o3"]
    assert (gain.reason, gain.order_type, gain.price, gain.qty) == ("tp", "limit", 110, 2)
    assert (loss.reason, loss.order_type, float(loss.trigger_price or 0)) == (
        "sl",
        "stop_market",
        95.5,
    )
    assert {gain.parent_order_id, loss.parent_order_id} == {1}
    assert gain.reduce_only and loss.reduce_only
    assert gain.symbol == LINEAR
    assert port.quote("111") == ["o3 canceled", "o2 execution"]
    assert port.externals["o3"].reason == "sl"
    assert not port.exchange.needs_polling()


async def test_attached_exits_keep_their_parent_after_growth_and_restart() -> None:
    port = PaperHarness()
    port.quote("100")
    exits = {"stopLoss": {"triggerPrice": "90", "price": "89"}}
    await port.buy("2", order_type="limit", price="99", params={**exits, "sim": "partial:0.5"})
    port.quote("99")
    assert port.externals["o2"].parent_order_id == 1
    port.restart()
    assert port.quote("89.5") == ["o2 triggered", "o2 execution"]
    assert port.external_kinds["o2"][-2:] == ["triggered", "execution"]
    assert port.externals["o2"].reason == "sl"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"stopLoss": "95"}, "validation_error"),
        ({"stopLoss": {"price": "95"}}, "validation_error"),
        ({"stopLoss": {"triggerPrice": True}}, "validation_error"),
        ({"stopLoss": {"triggerPrice": -1}}, "validation_error"),
        ({"takeProfit": {"triggerPrice": "soon"}}, "validation_error"),
        (
            {"takeProfit": {"triggerPrice": "110.005"}, "precision": "refuse"},
            "precision_mismatch",
        ),
        (
            {"stopLoss": {"triggerPrice": "90", "price": "89.005"}, "precision": "refuse"},
            "precision_mismatch",
        ),
        ({"takeProfit": {"triggerPrice": "90"}}, "exchange_rejected"),
        ({"takeProfit": {"triggerPrice": "110", "trailing": 1}}, "validation_error"),
    ],
)
async def test_invalid_exits_are_refused(params: dict[str, Any], code: str) -> None:
    port = PaperHarness()
    port.quote("100")
    assert await port.buy("1", params=params) == ["1 rejected"]
    assert port.orders[1].reject_code == code
    assert port.paper.state.orders_made == 0


async def test_prices_of_attached_exits_are_rounded() -> None:
    """Exits of a purchase are sales: triggers fire earlier, limits are passive."""
    port = PaperHarness()
    port.quote("100")
    exits = {
        "stopLoss": {"triggerPrice": "90.001", "price": "89.001"},
        "takeProfit": {"triggerPrice": "110.009"},
    }
    await port.buy("1", params=exits)
    terms = {each.reason: (each.trigger_price, each.price) for each in port.externals.values()}
    assert terms == {
        "sl": (Decimal("90.01"), Decimal("89.01")),
        "tp": (None, Decimal(110)),
    }


async def test_unknown_params_are_ignored() -> None:
    port = PaperHarness()
    port.quote("100", symbol=SPOT)
    summaries = await port.buy("1", symbol=SPOT, params={"marginMode": "cross"})
    assert summaries == ["1 accepted", "1 execution"]
