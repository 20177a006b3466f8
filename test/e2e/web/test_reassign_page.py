"""Reassignment in a browser: what would move, a refused move, and the move with its result."""

import asyncio
from typing import Any

from kit.browser.trader import SYMBOL, Trader
from kit.browser.web_desk import WebDesk
from kit.gateway.processes import Gateway
from kit.http.client import call


async def test_orders_move_to_a_strategy_together(web_desk_on_each: WebDesk) -> None:
    web_desk = web_desk_on_each
    gateway, page = web_desk.gateway, web_desk.page
    (account_id,) = await asyncio.to_thread(gateway.add_accounts, 1, position_mode="hedge")
    await asyncio.to_thread(_trade, gateway, account_id)
    await web_desk.log_in(view=f"reassign?acc={account_id}")
    trader = Trader(web_desk)
    rows = page.get_by_role("table", name="Orders to reassign").get_by_role("row")
    opener = rows.filter(has=page.get_by_role("cell", name="0.02", exact=True))

    # The order that closes half of it would have nothing to close.
    web_desk.expected_refusals.add((409, "/oms/reassign"))
    web_desk.expected_refusals.add((422, "/oms/reassign"))
    await trader.choose_action(opener.first, "Reassign…")
    await _choose_strategy(trader)
    dialog = trader.dialog("Reassign 1 order")
    await (
        dialog.get_by_role("region", name="What moves")
        .get_by_text("No strategy → moved")
        .first.wait_for()
    )
    assert await web_desk.accessibility_findings() == []
    await dialog.get_by_role("button", name="Reassign").click()
    await dialog.get_by_text("would have nothing to close").first.wait_for()
    await dialog.get_by_role("button", name="Cancel").click()

    await page.get_by_role("checkbox", name="Select all").click()
    await page.get_by_role("button", name="Reassign 2…").click()
    await _choose_strategy(trader)
    await trader.dialog("Reassign 2 orders").get_by_role("button", name="Reassign").click()
    results = page.get_by_role("list", name="What became of the move")
    await results.get_by_text("Done").wait_for()
    await results.get_by_text("Orders moved: 2").wait_for()
    assert await web_desk.accessibility_findings() == []
    await page.get_by_role("dialog").get_by_role("button", name="Close", exact=True).click()
    await page.get_by_text("No orders without a strategy").wait_for()


async def _choose_strategy(trader: Trader) -> None:
    dialog = trader.page.get_by_role("alertdialog")
    await dialog.get_by_role("combobox", name="To strategy").click()
    await trader.page.get_by_role("option", name="moved").click()
    await dialog.get_by_label("Comment").fill("orders of the new strategy")


def _trade(gateway: Gateway, account_id: int) -> None:
    """Open a position without a strategy, close half of it, and create a strategy.

    An order is rejected as well: it is not offered.
    """
    order = {"symbol": SYMBOL, "order_type": "market"}
    _send(gateway, account_id, order | {"side": "buy", "qty": "0.02"})
    _send(gateway, account_id, order | {"side": "sell", "qty": "0.01", "reduce_only": True})
    rejected = {"symbol": SYMBOL, "side": "buy", "qty": "0.01", "order_type": "limit"}
    rejected |= {"price": "1000000", "post_only": True}
    status, answer = _call(gateway, account_id, rejected)
    assert status >= 400 and answer["detail"]["results"][0]["order_id"] is not None, answer
    body = {"name": "moved", "account_ids": [account_id]}
    status, answer, _ = call(gateway, "POST", "/strategies", body)
    assert status == 200, answer


def _send(gateway: Gateway, account_id: int, order: dict[str, Any]) -> None:
    status, answer = _call(gateway, account_id, order)
    assert status == 200 and answer["results"][0]["status"] == "done", answer


def _call(gateway: Gateway, account_id: int, order: dict[str, Any]) -> tuple[int, Any]:
    """Send an order; return the status and the answer."""
    body = {"account_id": account_id, "command": "send_order", "payload": order}
    status, answer, _ = call(gateway, "POST", "/oms/commands?wait_ms=10000", body)
    return status, answer
