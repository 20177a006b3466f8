"""From a new source of signals to the alert, its order, and one that a limit blocks."""

import asyncio
import json
import re
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from kit.browser.trader import Trader
from kit.browser.web_desk import WebDesk
from kit.gateway.processes import Gateway
from kit.http.client import call

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

NAME = "chart alerts"
SECRET = "Make a secret that each message must carry"


async def test_source_is_created_tried_used_renewed_and_disabled(web_desk: WebDesk) -> None:
    gateway = web_desk.gateway
    (account_id,) = await asyncio.to_thread(gateway.add_accounts, 1, position_mode="hedge")
    _limit(gateway, account_id)
    label = _label(gateway, account_id)
    await web_desk.log_in(gateway.admin_api_key, "signals/sources")
    address, message = await _create(web_desk, label)
    assert address.startswith(f"{gateway.base_url}/signals/tradingview/")
    await _try(web_desk, label)
    for alert_id, quantity in (("1", "0.01"), ("2", "5")):
        send = partial(_post, address, message, action="buy", quantity=quantity, alert_id=alert_id)
        assert (await asyncio.to_thread(send))["success"]
    await _see_what_became_of_them(web_desk, account_id)
    await web_desk.open("signals/sources")
    renewed = await _renew(web_desk)
    assert renewed != address
    await _disable(web_desk)


async def _create(web_desk: WebDesk, label: str) -> tuple[str, dict[str, Any]]:
    """Create a source with a secret; returns the address and the message that the page shows."""
    page = web_desk.page
    await page.get_by_role("button", name="New source").first.click()
    dialog = page.get_by_role("alertdialog", name="New source")
    await dialog.get_by_role("textbox", name="Name").fill(NAME)
    await dialog.get_by_role("combobox", name="Account").fill(label)
    await page.get_by_role("option", name=label).click()
    await dialog.get_by_role("textbox", name="Value").fill("0.01")
    await dialog.get_by_role("checkbox", name=SECRET).click()
    await dialog.get_by_label("Comment").fill("alerts of the chart")
    assert await web_desk.accessibility_findings() == []
    web_desk.expected_refusals.add((403, "/signals/sources"))
    await dialog.get_by_role("button", name="Create the source").click()
    await _confirm_session(web_desk)
    address, message = await _read_credentials(page)
    return address, json.loads(message)


async def _confirm_session(web_desk: WebDesk) -> None:
    page = web_desk.page
    await page.get_by_role("textbox", name="API key").fill(web_desk.gateway.admin_api_key)
    await page.get_by_role("button", name="Confirm").click()


async def _read_credentials(page: "Page") -> tuple[str, str]:
    """Return address and message of the dialog that shows them once, and close it."""
    dialog = page.get_by_role("alertdialog", name=f"Credentials of {NAME}")
    close = dialog.get_by_role("button", name="Close", exact=True).last
    await dialog.wait_for()
    assert await close.is_disabled()
    address = await dialog.get_by_label("Address (webhook URL)").locator("code").inner_text()
    message = await dialog.get_by_label("Message", exact=True).locator("code").inner_text()
    await dialog.get_by_role("checkbox", name="I have saved them").click()
    await close.click()
    await dialog.wait_for(state="detached")
    return address, message


async def _try(web_desk: WebDesk, label: str) -> None:
    """A message that is taken, and one that is refused with the reason."""
    trader, page = Trader(web_desk), web_desk.page
    await trader.choose_action(_source(page), "Try a message")
    drawer = page.get_by_role("dialog", name=f"Try a message with {NAME}")
    await drawer.get_by_role("button", name="Try it").click()
    await drawer.get_by_text("It would be taken").wait_for()
    await drawer.get_by_text(label).wait_for()
    assert await web_desk.accessibility_findings() == []
    body = drawer.get_by_role("textbox", name="Message (JSON)")
    web_desk.expected_refusals |= {
        (422, f"/signals/sources/{source_id}/test") for source_id in range(1, 9)
    }
    await body.fill('{"ticker": "BTCUSDT.P", "action": "maybe"}')
    await drawer.get_by_role("button", name="Try it").click()
    await drawer.get_by_role("alert").get_by_text("action").first.wait_for()
    await body.fill("no JSON")
    await drawer.get_by_text("This is no JSON object.").wait_for()
    assert await drawer.get_by_role("button", name="Try it").is_disabled()
    await page.keyboard.press("Escape")
    await drawer.wait_for(state="detached")


async def _see_what_became_of_them(web_desk: WebDesk, account_id: int) -> None:
    trader, page = Trader(web_desk), web_desk.page
    await web_desk.open(f"signals?acc={account_id}")
    rows = page.get_by_role("table", name="Signals").get_by_role("row")
    await rows.filter(has_text="Executed").wait_for()
    refused = rows.filter(has_text="Blocked")
    await refused.get_by_text(re.compile("limit=")).wait_for()
    await trader.choose_action(rows.filter(has_text="Executed"), "Details")
    drawer = page.get_by_role("dialog", name=re.compile(r"^Signal \d+"))
    lineage = drawer.get_by_label("What it led to")
    await lineage.get_by_role("link", name=re.compile("^Order")).wait_for()
    await lineage.get_by_text(re.compile("FILLED")).wait_for()
    await lineage.get_by_role("link", name=re.compile("^Position")).wait_for()
    assert await web_desk.accessibility_findings() == []
    await lineage.get_by_role("link", name=re.compile("^Deal")).click()
    await page.get_by_role("heading", name="Deals", level=1).wait_for()


def _source(page: "Page") -> "Locator":
    """The row of the source."""
    return page.get_by_role("table", name="Signal sources").get_by_role("row").filter(has_text=NAME)


async def _renew(web_desk: WebDesk) -> str:
    """Renew the credentials; returns the new address."""
    trader, page = Trader(web_desk), web_desk.page
    await trader.choose_action(_source(page), "Renew credentials")
    dialog = trader.dialog(f"Renew the credentials of {NAME}")
    await dialog.get_by_label("Comment").fill("the old address was seen by others")
    await dialog.get_by_role("button", name="Renew credentials").click()
    address, _ = await _read_credentials(page)
    return address


async def _disable(web_desk: WebDesk) -> None:
    trader, row = Trader(web_desk), _source(web_desk.page)
    await trader.choose_action(row, "Disable")
    await trader.confirm(f"Disable {NAME}", "Disable", comment="no more alerts")
    await row.get_by_text("Disabled", exact=True).wait_for()


def _label(gateway: Gateway, account_id: int) -> str:
    """The name of the account in the web desk."""
    _, answer, _ = call(gateway, "GET", "/oms/accounts")
    (label,) = (one["label"] for one in answer["items"] if one["account_id"] == account_id)
    return str(label)


def _limit(gateway: Gateway, account_id: int) -> None:
    """Let no order of the account be worth more than 10,000."""
    keys = {"max_order_notional": "10000"}
    body = {"scope": "account", "scope_id": account_id, "keys": keys, "comment": "a test"}
    status, answer, _ = call(gateway, "PUT", "/risk/policy", body, key=gateway.admin_api_key)
    assert status == 200, answer


def _post(address: str, message: dict[str, str], **filled: str) -> dict[str, Any]:
    """Send the message as TradingView does, with its placeholders filled in: no key, no header."""
    values = {"ticker": "BTCUSDT.P", "timenow": datetime.now(UTC).isoformat(), **filled}
    body = {name: values.get(name, text) for name, text in message.items()}
    with urlopen(Request(address, json.dumps(body).encode(), method="POST")) as answer:
        result: dict[str, Any] = json.load(answer)
    return result
