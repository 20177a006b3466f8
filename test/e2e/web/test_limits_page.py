"""Limits in a browser: a refused value at its field, a limit that refuses the next order."""

import asyncio
from typing import TYPE_CHECKING

from e2e.web.conftest import open_web_desk
from kit.browser.trader import SYMBOL, Trader
from kit.browser.web_desk import WebDesk
from kit.http.client import call

if TYPE_CHECKING:
    from playwright.async_api import Browser

COMMENT = "limits of the first week"


async def test_next_order_is_refused_by_the_limit(web_desk: WebDesk, browser: "Browser") -> None:
    gateway, page = web_desk.gateway, web_desk.page
    (account_id,) = await asyncio.to_thread(gateway.add_accounts, 1, position_mode="hedge")
    await web_desk.log_in(
        gateway.admin_api_key, f"risk?tab=limits&id={account_id}&acc={account_id}"
    )
    admin = Trader(web_desk)
    await _refuse_a_fraction(admin)
    await page.get_by_role("textbox", name="Open positions", exact=True).fill("3")
    await page.get_by_label("Largest order value").fill("500")
    await page.get_by_role("button", name="Save 2 changes").click()
    await admin.confirm("Limits of", "Save the limits", comment=COMMENT)
    await page.get_by_text(COMMENT).first.wait_for()
    used = page.get_by_role("region", name="In use: Open positions", exact=True)
    await used.get_by_text("0 / 3").wait_for()
    assert await web_desk.accessibility_findings() == []

    async for other in open_web_desk(browser, gateway):
        await other.log_in(view=f"trade?acc={account_id}")
        trader = Trader(other)
        await trader.fill_ticket("0.02")
        await trader.preview.get_by_text("Largest order value: 500").wait_for()
        assert await trader.ticket.get_by_role("button", name="Buy").last.is_disabled()
        assert await other.accessibility_findings() == []

    await _list_the_refusal(admin, account_id)
    await _apply_open_preset(admin)
    _, policy, _ = await asyncio.to_thread(
        call, gateway, "GET", f"/risk/policy?scope=account&scope_id={account_id}"
    )
    assert policy["limits"] == []


async def _list_the_refusal(admin: Trader, account_id: int) -> None:
    """An order that came all the same stands among the breaches, and among the alerts."""
    gateway, page = admin.web_desk.gateway, admin.page
    order = {"symbol": SYMBOL, "order_type": "market", "side": "buy", "qty": "0.02"}
    body = {"account_id": account_id, "command": "send_order", "payload": order}
    path = "/oms/commands?wait_ms=10000"
    status, answer, _ = await asyncio.to_thread(call, gateway, "POST", path, body)
    assert status == 409, answer
    await admin.show_rows("Breaches")
    row = page.get_by_role("table", name="Refused by the gateway").get_by_role("row")
    await row.filter(has_text="Largest order value").get_by_text("500", exact=True).wait_for()
    assert await admin.web_desk.accessibility_findings() == []
    await admin.go_to("Dashboard")
    await page.get_by_role("link", name=f"{SYMBOL} refused: Largest order value").click()
    await row.filter(has_text="Largest order value").wait_for()
    await admin.show_rows("API keys")
    await page.get_by_role("table", name="API keys").get_by_text("trader").first.wait_for()
    await admin.show_rows("Limits")


async def _refuse_a_fraction(admin: Trader) -> None:
    admin.web_desk.expected_refusals.add((422, "/risk/policy"))
    field = admin.page.get_by_role("textbox", name="Open positions", exact=True)
    await field.fill("three")
    await admin.page.get_by_text("Not a clear number").wait_for()
    assert await admin.page.get_by_role("button", name="Save", exact=True).is_disabled()
    await field.fill("1.5")
    await admin.page.get_by_role("button", name="Save 1 change").click()
    await admin.confirm("Limits of", "Save the limits", comment=COMMENT)
    await admin.page.get_by_text("a whole number is expected").wait_for()


async def _apply_open_preset(admin: Trader) -> None:
    """To remove limits is a looser policy: the session is confirmed by the key."""
    admin.web_desk.expected_refusals.add((403, "/risk/policy/preset"))
    page = admin.page
    await page.get_by_role("button", name="Preset…").click()
    dialog = admin.dialog("Apply a preset")
    await dialog.get_by_role("combobox", name="Preset").click()
    await page.get_by_role("option", name="Open", exact=True).click()
    await dialog.get_by_label("Comment").fill("end of the first week")
    await dialog.get_by_role("button", name="Apply the preset").click()
    await page.get_by_role("textbox", name="API key").fill(admin.web_desk.gateway.admin_api_key)
    await page.get_by_role("button", name="Confirm").click()
    await dialog.wait_for(state="detached")
    await page.get_by_role("button", name="Save", exact=True).wait_for()
