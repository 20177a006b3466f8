"""Sinks of notifications and price alerts: made, refused, shown and ended in a browser."""

import asyncio
from typing import Any

from kit.browser.trader import SYMBOL, Trader
from kit.browser.web_desk import WebDesk
from kit.databases.sql import fetch_rows
from kit.gateway.processes import Gateway
from kit.http.client import call
from kit.polling import wait_until


async def test_sink_is_refused_created_and_disabled(web_desk: WebDesk) -> None:
    page, trader = web_desk.page, Trader(web_desk)
    await web_desk.log_in(web_desk.gateway.admin_api_key, "notifications")
    await page.get_by_role("button", name="New sink").first.click()
    dialog = page.get_by_role("alertdialog")
    await dialog.get_by_role("textbox", name="Name").fill("ops")
    address = dialog.get_by_role("textbox", name="Address")
    await address.fill("http://127.0.0.1:1/hook")
    await dialog.get_by_label("Secret").fill("a-long-secret")
    await dialog.get_by_role("textbox", name="Events").fill("deal_created, risk_tripped")
    account = dialog.get_by_role("group", name="Accounts").get_by_role("checkbox").first
    await account.check()
    assert await web_desk.accessibility_findings() == []
    web_desk.expected_refusals |= {(422, "/notifications/sinks"), (403, "/notifications/sinks")}
    await dialog.get_by_role("button", name="Create the sink").click()
    await _confirm_session(web_desk)
    await dialog.get_by_text("the address is not public").wait_for()
    await address.fill("https://hooks.example.com/hook")
    await dialog.get_by_role("button", name="Create the sink").click()
    await dialog.wait_for(state="detached")
    row = page.get_by_role("table", name="Sinks").get_by_role("row").filter(has_text="ops")
    await row.get_by_text("deal_created, risk_tripped").wait_for()
    assert len((await _sink(web_desk))["account_ids"]) == 1
    await trader.choose_action(row, "Change")
    changed = trader.dialog("Change ops")
    assert await account.is_checked()
    await account.uncheck()
    await changed.get_by_role("textbox", name="Events").fill("risk_tripped")
    await trader.confirm("Change ops", "Change")
    await row.get_by_role("cell", name="risk_tripped", exact=True).wait_for()
    sink = await _sink(web_desk)
    assert (sink["account_ids"], sink["has_secret"]) == ([], True)
    await trader.choose_action(row, "Messages")
    drawer = page.get_by_role("dialog", name="Messages to ops")
    await drawer.get_by_text("No messages yet.").wait_for()
    assert await web_desk.accessibility_findings() == []
    await page.keyboard.press("Escape")
    await trader.choose_action(row, "Send a test message")
    await row.get_by_role("cell", name="1", exact=True).first.wait_for()
    await trader.choose_action(row, "Disable")
    await trader.confirm("Disable ops", "Disable")
    await row.get_by_text("Disabled", exact=True).wait_for()


async def _sink(web_desk: WebDesk) -> dict[str, Any]:
    """Return the sink as the gateway has it."""
    gateway = web_desk.gateway
    _, sinks, _ = await asyncio.to_thread(
        call, gateway, "GET", "/notifications/sinks", key=gateway.admin_api_key
    )
    (sink,) = (one for one in sinks["items"] if one["name"] == "ops")
    return dict(sink)


async def _confirm_session(web_desk: WebDesk) -> None:
    page = web_desk.page
    await page.get_by_role("textbox", name="API key").fill(web_desk.gateway.admin_api_key)
    await page.get_by_role("button", name="Confirm").click()


async def test_alert_is_created_removed_and_fires(web_desk: WebDesk) -> None:
    gateway, page, trader = web_desk.gateway, web_desk.page, Trader(web_desk)
    (account_id,) = await asyncio.to_thread(gateway.add_accounts, 1, position_mode="netting")
    await web_desk.log_in(view=f"alerts?acc={account_id}")
    await page.get_by_text("No price alerts.").wait_for()
    await _create(trader, "9000000")
    rows = page.get_by_role("table", name="Price alerts").get_by_role("row")
    row = rows.filter(has_text="9,000,000")
    await row.get_by_text("At or above").wait_for()
    assert await web_desk.accessibility_findings() == []
    await trader.choose_action(row, "Remove")
    await trader.confirm("Remove the alert on", "Remove")
    await row.wait_for(state="detached")
    # One whose price is reached already fires at once, and is no alert any more.
    await _create(trader, "1")
    await asyncio.to_thread(_wait_until_fired, gateway, account_id)
    await page.get_by_text("No price alerts.").wait_for()
    _, left, _ = await asyncio.to_thread(call, gateway, "GET", f"/alerts?account_id={account_id}")
    assert left["items"] == []


def _wait_until_fired(gateway: Gateway, account_id: int) -> None:
    fired = "SELECT COUNT(*) FROM event_outbox WHERE account_id = {} AND event_type = 'price_alert'"
    query = fired.format(account_id)
    wait_until(lambda: fetch_rows(gateway.dsn, query)[0][0] == 1, 30, "the alert fires")


async def _create(trader: Trader, price: str) -> None:
    page = trader.page
    await page.get_by_role("button", name="New price alert").first.click()
    dialog = trader.dialog("New price alert")
    await dialog.get_by_role("combobox", name="Symbol").fill(SYMBOL)
    await page.get_by_role("option", name=SYMBOL, exact=True).click()
    await dialog.get_by_text("Now ").wait_for()
    await dialog.get_by_role("textbox", name="Price").fill(price)
    await dialog.get_by_role("button", name="Create the alert").click()
    await dialog.wait_for(state="detached")
