"""Brackets of orders: attached exits where the exchange has them, else levels of the position."""

from typing import Any

import pytest

from kit.gateway.paper_trader import SYMBOL, PaperTrader

ENTRY = {"symbol": SYMBOL, "side": "buy", "order_type": "limit", "qty": "4", "price": "100"}
PRICES = {
    "take_profit": {"price": "110"},
    "stop_loss": {"trigger_price": "95", "limit_price": "94"},
}


async def exits(trader: PaperTrader) -> list[tuple[str, str, str]]:
    """Reason, quantity and status of the children."""
    rows = [row for row in await trader.orders() if row["parent_order_id"] is not None]
    return sorted((row["reason"], row["qty"], row["status"]) for row in rows)


async def test_prices_become_exits_for_what_is_filled(trader: PaperTrader) -> None:
    await trader.price("101")
    await trader.run("send_order", **ENTRY, bracket=PRICES)
    assert await exits(trader) == []
    await trader.book(("98", "9"), ("100", "1"))
    assert await exits(trader) == [("sl", "1", "SUBMITTED"), ("tp", "1", "SUBMITTED")]
    await trader.book(("98", "9"), ("100", "9"))
    assert await exits(trader) == [("sl", "4", "SUBMITTED"), ("tp", "4", "SUBMITTED")]
    await trader.price("111")
    assert await exits(trader) == [("sl", "4", "CANCELED"), ("tp", "4", "FILLED")]
    reasons = {row["reason"]: row["cancel_reason"] for row in await trader.orders()}
    assert reasons == {"api": None, "sl": "oco", "tp": None}


async def test_an_entry_without_a_fill_leaves_nothing(trader: PaperTrader) -> None:
    await trader.price("101")
    row = await trader.run("send_order", **ENTRY, bracket=PRICES)
    await trader.run("cancel_order", order_id=row["order_id"])
    await trader.price("94")
    assert [order["status"] for order in await trader.orders()] == ["CANCELED"]


async def test_percentages_become_levels_of_the_position(trader: PaperTrader) -> None:
    bracket = {"take_profit": {"pct": "10"}, "stop_loss": {"pct": "5"}}
    row = await trader.run("send_order", **(ENTRY | {"order_type": "market"}), bracket=bracket)
    position = await trader.position(row["order"]["position_id"])
    assert (position["stop_gain"], position["stop_loss"]) == ("110", "95")
    assert (position["stop_gain_pct"], position["stop_loss_pct"]) == ("10", "5")
    mixed = {"take_profit": {"price": "120"}, "stop_loss": {"pct": "5"}}
    row = await trader.run("send_order", **(ENTRY | {"order_type": "market"}), bracket=mixed)
    position = await trader.position(row["order"]["position_id"])
    assert (position["stop_gain"], position["stop_loss_pct"]) == ("120", "5")


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"bracket": {}}, "validation_error", "bracket"),
        ({"bracket": {"take_profit": {}}}, "validation_error", "take_profit"),
        (
            {"bracket": {"stop_loss": {"pct": "1", "trigger_price": "2"}}},
            "validation_error",
            "stop_loss",
        ),
        ({"bracket": {"take_profit": {"price": "99"}}}, "validation_error", "bracket"),
        ({"bracket": {"stop_loss": {"trigger_price": "100"}}}, "validation_error", "bracket"),
        ({"bracket": {"stop_loss": {"pct": "100"}}}, "validation_error", "pct"),
        ({"stop_gain": "120"}, "validation_error", "stop_gain"),
        ({"max_hold_seconds": 5}, "validation_error", "max_hold_seconds"),
        ({"reduce_only": True}, "validation_error", "bracket"),
        ({"params": {"takeProfit": {"triggerPrice": "1"}}}, "validation_error", "takeProfit"),
        (
            {
                "bracket": {
                    "take_profit": {"pct": "9"},
                    "stop_loss": {"trigger_price": "95", "limit_price": "94"},
                }
            },
            "order_type_not_supported",
            None,
        ),
    ],
)
async def test_what_is_no_bracket_is_refused(
    trader: PaperTrader, changes: dict[str, Any], code: str, field: str | None
) -> None:
    answer = await trader.answer("send_order", **(ENTRY | {"bracket": PRICES} | changes))
    assert (answer.status, answer.detail["code"]) == (422, code), answer.detail
    if field is not None:
        assert answer.detail["errors"][0]["loc"][-1] == field, answer.detail
