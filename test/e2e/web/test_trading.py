"""A trader's session on the web desk, from login to logout."""

import asyncio
import re
import secrets
from typing import TYPE_CHECKING, Any

from e2e.web.conftest import open_web_desk
from kit.browser.trader import Trader
from kit.browser.web_desk import WebDesk
from kit.gateway.kill_switches import make_releasable
from kit.gateway.processes import Gateway
from kit.http.client import call

if TYPE_CHECKING:
    from playwright.async_api import Browser

PASSWORD = secrets.token_urlsafe(16)
POSITIONS, ORDERS = "Open positions", "Open orders"
NO_POSITION = "No open positions in"


async def test_trader_works_from_login_to_logout(web_desk: WebDesk, browser: "Browser") -> None:
    trader = Trader(web_desk)
    # Other tests share the gateway: the kill switch is for an account of this test.
    gateway = web_desk.gateway
    (account_id,) = await asyncio.to_thread(gateway.add_accounts, 1, position_mode="hedge")
    _set_password(gateway)
    await _refuse_wrong_password(trader)
    await trader.log_in("trader", PASSWORD)
    await trader.go_to("Trade desk")
    await trader.show_only(_label(gateway, account_id))
    await _open_and_close_a_position(trader, browser, account_id)
    await _merge_positions(trader)
    await _change_and_cancel_an_order(trader, account_id)
    await _close_by_and_stop(trader, browser, account_id)
    await trader.fill_ticket("0.02")
    await trader.send_ticket()
    await _stop_trading(trader)
    await _refuse_to_reverse(trader)
    await trader.log_out()
    assert await web_desk.context.cookies() == []


async def test_mariadb_stores_what_the_trader_does(
    web_desk_on_mariadb: WebDesk, browser: "Browser"
) -> None:
    trader = Trader(web_desk_on_mariadb)
    gateway = web_desk_on_mariadb.gateway
    (account_id,) = await asyncio.to_thread(gateway.add_accounts, 1, position_mode="hedge")
    _set_password(gateway)
    await trader.web_desk.open("trade")
    await trader.log_in("trader", PASSWORD)
    await trader.show_only(_label(gateway, account_id))
    await trader.fill_ticket("0.02")
    await trader.send_ticket()
    await _set_stop(trader)
    await _close_half(trader)
    await _close_rest(trader)
    await _change_and_cancel_an_order(trader, account_id)
    await _close_by_and_stop(trader, browser, account_id)
    await trader.log_out()


async def _open_and_close_a_position(trader: Trader, browser: "Browser", account_id: int) -> None:
    """A second browser, logged in with a key, shows each change without being asked to."""
    await trader.fill_ticket("0.02")
    await trader.send_ticket()
    await trader.row(POSITIONS, "0.02").wait_for()
    async for other in open_web_desk(browser, trader.web_desk.gateway):
        await other.log_in(view=f"positions?acc={account_id}")
        observer = Trader(other)
        await observer.row(POSITIONS, "0.02").wait_for()
        assert await other.accessibility_findings() == []
        await _set_stop(trader)
        await _close_half(trader)
        await observer.row(POSITIONS, "0.01").wait_for()
        assert await trader.web_desk.accessibility_findings() == []
        await _close_rest(trader)
        await observer.row(POSITIONS, "0.01").wait_for(state="detached")


async def _set_stop(trader: Trader) -> None:
    """The stop is in the row of the position, beside the ticket."""
    row = trader.row(POSITIONS, "0.02")
    await trader.choose_action(row, "Stop and target…")
    dialog = trader.dialog("Stop and target")
    await dialog.get_by_role("textbox", name="Stop loss").fill("1002")
    await trader.confirm("Stop and target", "Change levels")
    await row.get_by_role("cell", name="1,002", exact=True).wait_for()


async def _close_half(trader: Trader) -> None:
    await trader.choose_action(trader.row(POSITIONS, "0.02"), "Close a part…")
    await trader.confirm("Close position", "Close 0.01 BTC")
    await trader.row(POSITIONS, "0.01").wait_for()


async def _close_rest(trader: Trader) -> None:
    await trader.choose_action(trader.row(POSITIONS, "0.01"), "Close…")
    await trader.confirm("Close position", "Close 0.01 BTC")
    await trader.page.get_by_text(NO_POSITION).wait_for()


async def _merge_positions(trader: Trader) -> None:
    """Two positions of the same side become one; no order is sent."""
    await trader.fill_ticket("0.02")
    await trader.send_ticket()
    await trader.row(POSITIONS, "0.02").wait_for()
    await trader.ticket.get_by_role("combobox", name="For position").click()
    await trader.page.get_by_role("option", name="A new position").click()
    await trader.fill_ticket("0.03")
    await trader.send_ticket()
    await trader.row(POSITIONS, "0.03").wait_for()
    await trader.choose_action(trader.row(POSITIONS, "0.02"), "Merge…")
    await trader.dialog("Merge position").get_by_text("which then has 0.05").wait_for()
    assert await trader.web_desk.accessibility_findings() == []
    await trader.confirm("Merge position", "Merge")
    merged = trader.row(POSITIONS, "0.05")
    await merged.wait_for()
    await trader.choose_action(merged, "Close…")
    await trader.confirm("Close position", "Close 0.05 BTC")
    await trader.page.get_by_text(NO_POSITION).wait_for()


async def _change_and_cancel_an_order(trader: Trader, account_id: int) -> None:
    await trader.show_rows("Orders")
    await trader.fill_ticket("0.2", limit_price="1000")
    await _let_the_order_end(trader)
    await trader.send_ticket()
    await trader.row(ORDERS, "1,000").wait_for()
    (order,) = await _open_orders(trader, account_id)
    assert (order["time_in_force"], order["expires_at"]) == ("GTD", "2099-01-01T20:00:00.000000Z")
    await trader.choose_action(trader.row(ORDERS, "1,000"), "Change…")
    dialog = trader.dialog("Change order")
    await dialog.get_by_role("textbox", name="Price").fill("1001.5")
    assert await trader.web_desk.accessibility_findings() == []
    await trader.confirm("Change order", "Change")
    changed = trader.row(ORDERS, "1,001.5")
    await changed.get_by_text("Open", exact=True).wait_for()
    await trader.choose_action(changed, "Cancel order…")
    await trader.confirm("Cancel order", "Cancel the order")
    await trader.page.get_by_text("No open orders in").wait_for()
    await _look_at_an_executed_order(trader)


async def _open_orders(trader: Trader, account_id: int) -> list[dict[str, Any]]:
    path = f"/oms/orders/open?account_ids={account_id}"
    _, answer, _ = await asyncio.to_thread(call, trader.web_desk.gateway, "GET", path)
    return list(answer["items"])


async def _let_the_order_end(trader: Trader) -> None:
    """It is good till a date, and takes no other quantity than the one that is typed."""
    ticket = trader.ticket
    await ticket.get_by_role("combobox", name="Time in force").click()
    await trader.page.get_by_role("option", name="Until a date (GTD)").click()
    submit = ticket.get_by_role("button", name="Fill in the order")
    assert await submit.is_disabled()
    await ticket.get_by_label("Ends at").fill("2099-01-01T20:00")
    await ticket.get_by_text("Advanced").click()
    parameters = ticket.get_by_role("textbox", name="Parameters for the exchange")
    await parameters.fill('{"precision": ')
    await ticket.get_by_text("This is no JSON object.").wait_for()
    assert await submit.is_disabled()
    await parameters.fill('{"precision": "refuse"}')
    assert await trader.web_desk.accessibility_findings() == []


async def _look_at_an_executed_order(trader: Trader) -> None:
    """Its executions, its steps, and what it cost against the market."""
    await trader.show_rows("Order history")
    rows = trader.page.get_by_role("table", name="Order history").get_by_role("row")
    executed = rows.filter(has=trader.page.get_by_role("cell", name="Market", exact=True))
    await trader.choose_action(executed.first, "Details")
    details = trader.page.get_by_role("dialog", name=re.compile(r"^Order \d+"))
    await details.get_by_text("Slippage", exact=True).wait_for()
    await details.get_by_role("heading", name="Deals").wait_for()
    await trader.page.keyboard.press("Escape")
    await details.wait_for(state="detached")


async def _close_by_and_stop(trader: Trader, browser: "Browser", account_id: int) -> None:
    """Close by, a blocked account, a kill switch and its release by an administrator."""
    await trader.show_rows("Positions")
    await trader.fill_ticket("0.02")
    await trader.send_ticket()
    await _close_half(trader)
    await trader.fill_ticket("0.03", side="Sell")
    await trader.send_ticket("Sell")
    await trader.row(POSITIONS, "0.03").wait_for()
    await _close_by(trader)
    await _block_and_activate(trader)
    await _stop_trading(trader)
    await _release(trader, browser, account_id)
    await trader.preview.get_by_text("Limits passed").wait_for()
    await trader.choose_action(trader.row(POSITIONS, "0.02"), "Close…")
    await trader.confirm("Close position", "Close 0.02 BTC")
    await trader.page.get_by_text(NO_POSITION).wait_for()


async def _close_by(trader: Trader) -> None:
    """The short position is larger: what is left of it stays open."""
    await trader.choose_action(trader.row(POSITIONS, "0.01"), "Close by…")
    dialog = trader.dialog("Close position")
    await dialog.get_by_text("Nets 0.01 BTC/USDT:USDT").wait_for()
    assert await trader.web_desk.accessibility_findings() == []
    await trader.confirm("Close position", "Close by")
    await trader.row(POSITIONS, "0.02").wait_for()
    await trader.row(POSITIONS, "0.01").wait_for(state="detached")


async def _block_and_activate(trader: Trader) -> None:
    """A blocked account refuses orders until it is active again."""
    await trader.go_to("Risk")
    account = trader.page.get_by_role("table", name="Accounts").get_by_role("row").nth(1)
    await trader.choose_action(account, "Block…")
    await trader.confirm("Block an account", "Block", comment="nobody watches it")
    await account.get_by_text("Blocked", exact=True).wait_for()
    assert await trader.web_desk.accessibility_findings() == []
    await trader.go_to("Trade desk")
    await trader.fill_ticket("0.02")
    await trader.preview.get_by_text("The account is blocked.").wait_for()
    await trader.go_to("Risk")
    await trader.choose_action(account, "Make active…")
    await trader.confirm("Make an account active", "Make active", comment="watched again")
    await account.get_by_text("Active", exact=True).wait_for()
    await trader.go_to("Trade desk")


async def _release(trader: Trader, browser: "Browser", account_id: int) -> None:
    """An administrator types the phrase, says why, and confirms the session by the key."""
    gateway = trader.web_desk.gateway
    _, switches, _ = await asyncio.to_thread(call, gateway, "GET", "/risk/kill")
    (switch,) = (one for one in switches["items"] if one["scope_id"] == str(account_id))
    async for opened in open_web_desk(browser, gateway):
        path = f"/risk/kill/{switch['id']}/release"
        opened.expected_refusals |= {(403, path), (409, path)}
        await opened.log_in(gateway.admin_api_key, f"risk?acc={account_id}")
        admin = Trader(opened)
        row = opened.page.get_by_role("listitem").filter(has_text=_label(gateway, account_id))
        await row.get_by_role("button", name="Release").click()
        dialog = admin.dialog("Release a kill switch")
        await dialog.get_by_label("Comment").fill("the session goes on")
        await dialog.get_by_label(f"Type {switch['confirm']} to confirm").fill(switch["confirm"])
        assert await opened.accessibility_findings() == []
        await dialog.get_by_role("button", name="Release").click()
        await opened.page.get_by_role("textbox", name="API key").fill(gateway.admin_api_key)
        await opened.page.get_by_role("button", name="Confirm").click()
        await dialog.get_by_text("not before 60 s").wait_for()
        make_releasable(gateway.dsn, switch["id"])
        await dialog.get_by_role("button", name="Release").click()
        await dialog.wait_for(state="detached")
        await row.wait_for(state="detached")
    await trader.page.get_by_role("button", name="Trading on").wait_for()


async def _stop_trading(trader: Trader) -> None:
    """The kill switch refuses an order, and the page says why before it is sent."""
    await trader.page.get_by_role("button", name="Trading on").click()
    await trader.confirm("Stop trading now", "Stop trading", comment="end of the session")
    await trader.page.get_by_role("status").get_by_text("end of the session").wait_for()
    await trader.fill_ticket("0.02")
    await trader.preview.get_by_text("A kill switch is on.").wait_for()
    assert await trader.ticket.get_by_role("button", name="Buy").last.is_disabled()
    assert await trader.web_desk.accessibility_findings() == []


async def _refuse_to_reverse(trader: Trader) -> None:
    """Opening is refused after the close: the dialog stays and says both."""
    trader.web_desk.expected_refusals.add((409, "/oms/commands"))
    await trader.show_rows("Positions")
    await trader.choose_action(trader.row(POSITIONS, "0.02"), "Reverse…")
    dialog = trader.dialog("Reverse position")
    await dialog.get_by_role("button", name="Reverse", exact=True).click()
    await dialog.get_by_role("alert").get_by_text("A kill switch is on.").wait_for()
    await dialog.get_by_role("status").get_by_text("is closed.").wait_for()
    await dialog.get_by_role("button", name="Cancel").click()
    await trader.page.get_by_text(NO_POSITION).wait_for()


def _label(gateway: Gateway, account_id: int) -> str:
    _, accounts, _ = call(gateway, "GET", "/oms/accounts")
    (label,) = (one["label"] for one in accounts["items"] if one["account_id"] == account_id)
    return str(label)


def _set_password(gateway: Gateway) -> None:
    admin = gateway.admin_api_key
    status, users, _ = call(gateway, "GET", "/admin/users", key=admin)
    assert status == 200, users
    (user_id,) = (one["user_id"] for one in users["items"] if one["user_name"] == "trader")
    change = {"password": PASSWORD}
    status, answer, _ = call(gateway, "PATCH", f"/admin/users/{user_id}", change, key=admin)
    assert status == 200, answer


async def _refuse_wrong_password(trader: Trader) -> None:
    trader.web_desk.expected_refusals.add((401, "/auth/session"))
    await trader.web_desk.open()
    await trader.submit_password("trader", "no password of anyone")
    alert = trader.page.get_by_role("alert")
    await alert.get_by_text("These credentials are not valid.").wait_for()
    assert await trader.web_desk.accessibility_findings() == []
