"""Accounts and strategies in a browser: created, tested, changed, blocked, stopped."""

import asyncio

from kit.browser.trader import SYMBOL, Trader
from kit.browser.web_desk import WebDesk
from kit.gateway.kill_switches import release
from kit.gateway.processes import Gateway
from kit.http.client import call

_CREDENTIAL = "exchange-secret-4711"


async def test_paper_account_is_created_tested_and_blocked(web_desk: WebDesk) -> None:
    page = web_desk.page
    web_desk.expected_refusals.add((403, "/admin/accounts"))
    await web_desk.log_in(web_desk.gateway.admin_api_key, "admin/accounts")
    await page.get_by_role("button", name="New account").click()
    dialog = page.get_by_role("alertdialog")
    await dialog.get_by_role("combobox", name="Exchange").fill("paper.binance")
    await page.get_by_role("option", name="paper.binance", exact=True).click()
    await dialog.get_by_role("textbox", name="Name").fill("practice")
    await dialog.get_by_label("Comment").fill("account of the course")
    assert await web_desk.accessibility_findings() == []
    await dialog.get_by_role("button", name="Create account").click()
    await _confirm_session(web_desk)
    await page.get_by_role("heading", name="practice", exact=True).wait_for()

    # The worker takes a new account within seconds; its queue holds the question until then.
    await page.get_by_role("button", name="Test connection").click()
    await page.get_by_text("The connection works").wait_for()
    await page.get_by_text("The account's worker answers").wait_for()
    assert await web_desk.accessibility_findings() == []
    await page.get_by_role("button", name="Close", exact=True).click()

    row = page.get_by_role("row").filter(has_text="practice")
    await _act(web_desk, "practice", "Change settings")
    await dialog.get_by_role("textbox", name="Name").fill("practice of Ada")
    await dialog.get_by_role("textbox", name="Owner").fill("Ada")
    await dialog.get_by_label("Comment").fill("Ada takes the course")
    await dialog.get_by_role("button", name="Change settings").click()
    await row.filter(has_text="practice of Ada").wait_for()

    await _act(web_desk, "practice of Ada", "Block account")
    await dialog.get_by_label("Comment").fill("the course is over")
    await dialog.get_by_role("button", name="Block", exact=True).click()
    await row.filter(has_text="Blocked").wait_for()


async def test_credentials_are_stored_and_never_shown(web_desk: WebDesk) -> None:
    page, gateway = web_desk.page, web_desk.gateway
    created = await page.request.post(
        f"{gateway.base_url}/admin/accounts",
        headers={"x-api-key": gateway.admin_api_key},
        data={"exchange_id": "ccxt.binance", "label": "sandbox", "environment": "testnet"},
    )
    account_id = (await created.json())["account_id"]
    web_desk.expected_refusals.add((403, f"/admin/accounts/{account_id}"))
    await web_desk.log_in(gateway.admin_api_key, "admin/accounts")
    await _act(web_desk, "sandbox", "Store credentials")
    dialog = page.get_by_role("alertdialog")
    store = dialog.get_by_role("button", name="Store credentials")
    await dialog.get_by_label("Exchange API key").fill(_CREDENTIAL)
    await dialog.get_by_label("Comment").fill("key of the sandbox")
    assert await store.is_disabled()
    await dialog.get_by_label("Secret", exact=True).fill(_CREDENTIAL)
    await store.click()
    await _confirm_session(web_desk)
    await dialog.wait_for(state="detached")
    await page.get_by_role("row").filter(has_text="sandbox").get_by_text("sandbox").dblclick()
    await page.get_by_role("heading", name="sandbox", exact=True).wait_for()
    assert await page.get_by_role("definition").filter(has_text="Stored").count() == 2
    assert _CREDENTIAL not in await page.content()
    assert _CREDENTIAL not in await web_desk.stored_text()

    await page.get_by_role("button", name="Close", exact=True).first.click()
    # Other credentials take a typed phrase, and the fields are empty again.
    await _act(web_desk, "sandbox", "Store credentials")
    assert await dialog.get_by_label("Exchange API key").input_value() == ""
    await dialog.get_by_label(f"Type REPLACE {account_id} to confirm").wait_for()


async def test_strategy_is_created_changed_forbidden_and_disabled(web_desk: WebDesk) -> None:
    page = web_desk.page
    web_desk.expected_refusals.add((403, "/admin/strategies"))
    await web_desk.log_in(web_desk.gateway.admin_api_key, "strategies")
    await page.get_by_role("button", name="New strategy").click()
    dialog = page.get_by_role("alertdialog")
    await dialog.get_by_role("textbox", name="Name").fill("pairs of stocks")
    await dialog.get_by_role("checkbox").first.click()
    assert await web_desk.accessibility_findings() == []
    await dialog.get_by_role("button", name="Create strategy").click()
    await _confirm_session(web_desk)
    row = page.get_by_role("row").filter(has_text="pairs of stocks")
    await row.get_by_text("1 of 1 accounts").wait_for()

    await _act(web_desk, "pairs of stocks", "New positions per account")
    await page.get_by_role("button", name="Forbid").click()
    await dialog.get_by_label("Comment").fill("not before the review")
    await dialog.get_by_role("button", name="Forbid").click()
    await page.get_by_text("Forbidden", exact=True).wait_for()
    assert await web_desk.accessibility_findings() == []
    await page.get_by_role("button", name="Close", exact=True).first.click()
    await row.get_by_text("0 of 1 accounts").wait_for()
    await _stop_strategy(web_desk, "pairs of stocks")

    await _act(web_desk, "pairs of stocks", "Change strategy")
    await dialog.get_by_role("textbox", name="Name").fill("pairs of futures")
    await dialog.get_by_label("Comment").fill("trades futures now")
    await dialog.get_by_role("button", name="Change strategy").click()
    await _act(web_desk, "pairs of futures", "Disable strategy")
    await dialog.get_by_label("Comment").fill("no longer maintained")
    await dialog.get_by_role("button", name="Disable strategy").click()
    await page.get_by_role("row").filter(has_text="futures").filter(has_text="Disabled").wait_for()


async def test_live_account_is_marked_and_its_guard_named(web_desk: WebDesk) -> None:
    page, gateway = web_desk.page, web_desk.gateway
    created = await page.request.post(
        f"{gateway.base_url}/admin/accounts",
        headers={"x-api-key": gateway.admin_api_key},
        data={"exchange_id": "ccxt.binance", "label": "real money", "environment": "live"},
    )
    live_id = (await created.json())["account_id"]
    guard = page.get_by_text("Live trading is off on this gateway")
    await web_desk.log_in(gateway.admin_api_key, f"risk?acc={gateway.account_id}")
    await page.get_by_role("table", name="Accounts").get_by_text("Paper", exact=True).wait_for()
    assert await guard.count() == 0
    assert await _edge_of_block_dialog(web_desk, "Paper") == "1px"
    await web_desk.open(f"risk?acc={live_id}")
    await page.get_by_role("table", name="Accounts").get_by_text("Live", exact=True).wait_for()
    await guard.wait_for()
    assert await _edge_of_block_dialog(web_desk, "Live") == "2px"
    await page.get_by_role("button", name="Trading on").click()
    stop = page.get_by_role("alertdialog", name="Stop trading now")
    await stop.get_by_text("Live", exact=True).wait_for()
    assert await web_desk.accessibility_findings() == []


async def _edge_of_block_dialog(opened: WebDesk, environment: str) -> str:
    """Return the width of the upper edge of the dialog that blocks the account; it is left."""
    await _act(opened, environment, "Block…")
    dialog = opened.page.get_by_role("alertdialog")
    width: str = await dialog.evaluate("(one) => getComputedStyle(one).borderTopWidth")
    await dialog.get_by_role("button", name="Cancel").click()
    await dialog.wait_for(state="detached")
    return width


async def _stop_strategy(opened: WebDesk, name: str) -> None:
    """Its kill switch refuses its orders and no others, and every page names it."""
    gateway, page = opened.gateway, opened.page
    strategy_id, account_id = await asyncio.to_thread(_strategy, gateway, name)
    await _act(opened, name, "Stop trading")
    comment = "its results are not understood"
    dialog = page.get_by_role("alertdialog", name="Stop trading now")
    await dialog.get_by_text(f"new positions of the strategy {name}").wait_for()
    await dialog.get_by_label("Comment").fill(comment)
    assert await opened.accessibility_findings() == []
    await dialog.get_by_role("button", name="Stop trading").click()
    await page.get_by_role("status").filter(has_text=f"Strategy {name} is stopped").wait_for()
    assert await asyncio.to_thread(_check, gateway, account_id, strategy_id) == "blocked"
    assert await asyncio.to_thread(_check, gateway, account_id, 0) == "passed"
    await Trader(opened).go_to("Risk")
    switch = page.get_by_role("listitem").filter(has_text=comment)
    await switch.get_by_text(f"Strategy {name}", exact=True).wait_for()
    await asyncio.to_thread(release, gateway, strategy_id, scope="strategy")
    await switch.wait_for(state="detached")
    await Trader(opened).go_to("Strategies")


def _strategy(gateway: Gateway, name: str) -> tuple[int, int]:
    """Return the id of a strategy, and that of its account."""
    _, found, _ = call(gateway, "GET", "/admin/strategies", key=gateway.admin_api_key)
    (strategy,) = (one for one in found["items"] if one["name"] == name)
    (account_id,) = strategy["account_ids"]
    return strategy["strategy_id"], account_id


def _check(gateway: Gateway, account_id: int, strategy_id: int) -> str:
    """Return the verdict on an order of the strategy."""
    order = {"symbol": SYMBOL, "order_type": "market", "side": "buy", "qty": "0.02"}
    body = {"account_id": account_id, "order": order | {"strategy_id": strategy_id}}
    _, answer, _ = call(gateway, "POST", "/risk/check", body)
    return str(answer["status"])


async def _act(opened: WebDesk, text: str, action: str) -> None:
    """Choose an action of the row with this text."""
    row = opened.page.get_by_role("row").filter(has_text=text)
    await row.get_by_role("button").click()
    await opened.page.get_by_role("menuitem", name=action).click()


async def _confirm_session(opened: WebDesk) -> None:
    """Answer the question for a confirmation of the session."""
    field = opened.page.get_by_role("textbox", name="API key", exact=True)
    await field.fill(opened.gateway.admin_api_key)
    await opened.page.get_by_role("button", name="Confirm").click()
    await field.wait_for(state="detached")
