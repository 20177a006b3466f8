"""Backtests, bots and candle series on the web desk, with a runner that executes them."""

import asyncio
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from kit.browser.chart import hourly, import_candles
from kit.browser.web_desk import WebDesk
from kit.gateway.processes import Gateway
from kit.http.client import call

if TYPE_CHECKING:
    from playwright.async_api import Locator

SYMBOL, CONTRACT = "RESEARCH/USDT", "BTC/USDT:USDT"
CLOSES = [100 + abs((number * 7) % 60 - 30) for number in range(400)]


@pytest.fixture(scope="module")
def running(web_gateway: Gateway) -> None:
    """A stored series, and a runner beside the gateway."""
    import_candles(web_gateway, SYMBOL, "1h", hourly(datetime(2026, 1, 5, tzinfo=UTC), CLOSES))
    import_candles(web_gateway, CONTRACT, "1h", hourly(datetime(2026, 1, 5, tzinfo=UTC), CLOSES))
    web_gateway.start_runner("web")


@pytest.mark.usefixtures("running")
async def test_backtests_are_requested_reported_and_compared(
    web_desk: WebDesk, web_gateway: Gateway
) -> None:
    page = web_desk.page
    await web_desk.log_in(view="backtests")
    for fast in ("3", "5"):
        await _request_run(web_desk, fast)
        await page.get_by_role("heading", name="Assumptions").wait_for()
        await page.get_by_text("Final balance").wait_for(timeout=60_000)
        assert await web_desk.accessibility_findings() == []
        run_id = int(re.findall(r"run=(\d+)", page.url)[0])
        status, run, _ = call(web_gateway, "GET", f"/backtests/{run_id}")
        assert status == 200 and run["params"]["fast"] == int(fast)
        total = page.get_by_text(f"{run['winning_trades']} won, {run['losing_trades']} lost")
        await total.wait_for()
        shown = f"{abs(run['total_return_pct']):,.2f}".rstrip("0").rstrip(".")
        await page.get_by_role("main").get_by_text(shown).first.wait_for()
        trades = page.get_by_role("table", name="Trades")
        assert await trades.get_attribute("aria-rowcount") == str(run["total_trades"] + 1)
        await page.get_by_role("button", name="Backtests").click()

    table = page.get_by_role("table", name="Backtests")
    await table.get_by_text("Done").nth(1).wait_for()
    for number in (0, 1):
        await table.get_by_role("checkbox", name=re.compile("^Select \\d")).nth(number).click()
    assert await web_desk.accessibility_findings() == []
    await page.get_by_role("button", name="Compare (2)").click()
    await page.get_by_text("params.fast").wait_for()
    await page.wait_for_url(re.compile("compare="))
    assert await web_desk.accessibility_findings() == []


@pytest.mark.usefixtures("running")
async def test_a_trade_of_a_report_is_played_back_on_the_chart(web_desk: WebDesk) -> None:
    page = web_desk.page
    await web_desk.log_in(view="backtests")
    await _request_run(web_desk, "4")
    link = page.get_by_role("table", name="Trades").get_by_role("link", name="Show").first
    await link.wait_for(timeout=60_000)
    await link.click()
    await page.locator("[data-ribbon]").wait_for()
    await page.locator("[data-chart=candles][data-candles]").wait_for()


@pytest.mark.usefixtures("running")
async def test_a_bot_is_created_started_and_stopped(
    web_desk: WebDesk, web_gateway: Gateway
) -> None:
    (account_id,) = await asyncio.to_thread(web_gateway.add_accounts, 1, position_mode="netting")
    call(web_gateway, "POST", "/strategies", {"name": "watching", "account_ids": [account_id]})
    page = web_desk.page
    await web_desk.log_in(view=f"bots?acc={account_id}")
    await page.get_by_text("No bots yet.").wait_for()
    await page.get_by_role("button", name="New bot").click()
    dialog = page.get_by_role("alertdialog", name="New bot")
    await dialog.get_by_role("textbox", name="Name").fill("cross watch")
    await _choose(web_desk, dialog, "Trades as", "watching")
    await _choose(web_desk, dialog, "Strategy", "sma_cross")
    await dialog.get_by_role("combobox", name="Symbol and exchange").fill(CONTRACT)
    await page.get_by_role("option", name=f"{CONTRACT} · example").click()
    assert await web_desk.accessibility_findings() == []
    await dialog.get_by_role("button", name="Create", exact=True).click()
    row = page.get_by_role("table", name="Bots").get_by_role("row").filter(has_text="cross watch")
    await row.get_by_text("Idle").wait_for()

    for action, title, status in (
        ("Start", "Start cross watch", "Running"),
        ("Stop", "Stop cross watch", "Stopped"),
    ):
        await row.get_by_role("button", name="Actions of").click()
        await page.get_by_role("menuitem", name=action, exact=True).click()
        asked = page.get_by_role("alertdialog", name=title)
        await asked.get_by_role("button", name=action, exact=True).click()
        await row.get_by_text(status).wait_for(timeout=40_000)
    await row.get_by_role("button", name="Actions of").click()
    await page.get_by_role("menuitem", name="Details").click()
    await page.get_by_role("region", name="History").get_by_text("Status").first.wait_for()
    assert await web_desk.accessibility_findings() == []


@pytest.mark.usefixtures("running")
async def test_an_administrator_switches_a_series_on_and_off(
    web_desk: WebDesk, web_gateway: Gateway
) -> None:
    web_desk.expected_refusals.add((403, "/market/ingestion"))
    page = web_desk.page
    await web_desk.log_in(web_gateway.admin_api_key, "candles")
    await page.get_by_role("button", name="Add a series").click()
    dialog = page.get_by_role("alertdialog", name="Add a series")
    await dialog.get_by_role("combobox", name="Symbol and exchange").fill(SYMBOL)
    await page.get_by_role("option", name=f"{SYMBOL} · example").click()
    await dialog.get_by_role("button", name="Switch on").click()
    again = page.get_by_role("alertdialog", name="Confirm that it is you")
    await again.get_by_role("textbox", name="API key").fill(web_gateway.admin_api_key)
    await again.get_by_role("button", name="Confirm").click()
    row = page.get_by_role("table", name="Candle series").get_by_role("row").filter(has_text=SYMBOL)
    await row.get_by_text("On", exact=True).wait_for()
    await row.get_by_role("button", name="Actions of").click()
    await page.get_by_role("menuitem", name="Switch off").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Switch off").click()
    await row.get_by_text("Off", exact=True).wait_for()
    assert await web_desk.accessibility_findings() == []


async def _request_run(web_desk: WebDesk, fast: str) -> None:
    """Request a run of ``sma_cross`` by the form; its report is opened."""
    page = web_desk.page
    await page.get_by_role("button", name="New backtest").click()
    dialog = page.get_by_role("alertdialog", name="New backtest")
    await _choose(web_desk, dialog, "Strategy", "sma_cross")
    await dialog.get_by_role("combobox", name="Symbol and exchange").fill(SYMBOL)
    await page.get_by_role("option", name=f"{SYMBOL} · example").click()
    await dialog.get_by_role("textbox", name="fast").fill(fast)
    await dialog.get_by_role("textbox", name="slow").fill("12")
    await dialog.get_by_role("button", name="Run", exact=True).click()
    await dialog.wait_for(state="detached")


async def _choose(web_desk: WebDesk, dialog: "Locator", field: str, option: str) -> None:
    await dialog.get_by_role("combobox", name=field, exact=True).click()
    await web_desk.page.get_by_role("option", name=option, exact=True).click()
