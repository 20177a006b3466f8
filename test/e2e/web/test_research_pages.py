"""Strategies, backtests, bots and candles on the web desk, with a runner that executes them."""

import asyncio
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from kit.backtests.golden_chart import golden_candles, larger_candles
from kit.browser.chart import ChartPage, hourly
from kit.browser.web_desk import WebDesk
from kit.databases.sql import execute
from kit.gateway.processes import Gateway
from kit.http.client import call
from oms.domain.market.timeframe import Timeframe

if TYPE_CHECKING:
    from playwright.async_api import Locator

SYMBOL, CONTRACT, GOLDEN_SYMBOL = "RESEARCH/USDT", "BTC/USDT:USDT", "GOLDEN/USDT"
CLOSES = [100 + abs((number * 7) % 60 - 30) for number in range(400)]
#: Candles that are not stored.
MISSING = range(200, 203)
#: Of a new paper account, however many decimals are shown.
BALANCE = re.compile(r"100,000(\.00)? USDT")


@pytest.fixture(scope="module")
def running(web_gateway: Gateway) -> None:
    """Stored series, and a runner beside the gateway."""
    hours = hourly(datetime(2026, 1, 5, tzinfo=UTC), CLOSES)
    kept = [each for n, each in enumerate(hours) if n not in MISSING]
    web_gateway.add_candles(SYMBOL, {Timeframe.HOUR: kept})
    web_gateway.add_candles(CONTRACT, {Timeframe.HOUR: hours}, tick="0.1")
    golden = golden_candles()
    larger = (Timeframe.HOUR, Timeframe.HOURS_4)
    made = {each: larger_candles(golden, each) for each in larger}
    web_gateway.add_candles(GOLDEN_SYMBOL, {Timeframe.MINUTES_5: golden, **made})
    web_gateway.start_runner("web")


@pytest.mark.usefixtures("running")
async def test_a_strategy_from_the_catalogue_to_its_report_chart_and_comparison(
    web_desk: WebDesk, web_gateway: Gateway
) -> None:
    page = web_desk.page
    await web_desk.log_in(view="catalog")
    await _open_strategy(web_desk)
    await _fill_run(web_desk, {"fast": "3", "slow": "12"})
    run = await _check_report(web_desk, web_gateway)
    await page.get_by_role("table", name="Trades").get_by_role("link", name="Show").first.click()
    other = await _check_result_on_the_chart(web_desk, web_gateway, run)

    await page.get_by_role("link", name="Backtests").click()
    table = page.get_by_role("table", name="Backtests")
    for number in (run["run_id"], other["run_id"]):
        await table.get_by_role("checkbox", name=f"Select {number}", exact=True).click()
    await page.get_by_role("button", name="Compare (2)").click()
    await page.get_by_text("params.fast").wait_for()
    reasons = page.get_by_role("region", name="By reason of exit")
    await reasons.get_by_role("row").filter(has_text="signal").wait_for()
    await page.wait_for_url(re.compile("compare="))
    assert await web_desk.accessibility_findings() == []

    await page.get_by_role("button", name="Backtests").click()
    await page.get_by_role("button", name="New backtest").click()
    dialog = page.get_by_role("alertdialog", name="New backtest")
    await dialog.get_by_role("button", name="Sweep").click()
    where = "Only where, such as fast<slow"
    await _choose(web_desk, dialog, "Strategy", "sma_cross")
    await _fill_run(web_desk, {"fast": "3:5:1", "slow": "12,20", where: "fast<slow"})
    sweep = page.get_by_role("region", name="Figure of each combination")
    await sweep.wait_for(timeout=60_000)
    assert await sweep.get_by_role("columnheader").all_inner_texts() == ["slow / fast", *"345"]
    assert await web_desk.accessibility_findings() == []

    # Why a run failed is on its page.
    reason = "lookahead_detected: the answer of candle 7 changed"
    change = f"UPDATE backtest_runs SET status = 'failed', error = '{reason}'"
    execute(web_gateway.dsn, f"{change} WHERE id = {run['run_id']}")
    await page.get_by_role("button", name="Backtests").click()
    await table.get_by_role("row").filter(has_text="Failed").dblclick()
    await page.get_by_role("alert").get_by_text(reason).wait_for()


async def _open_strategy(web_desk: WebDesk) -> None:
    """See what the catalogue says of ``sma_cross``; begin a backtest of it."""
    page = web_desk.page
    row = page.get_by_role("table", name="Strategy catalogue").get_by_role("row")
    await row.filter(has_text="sma_cross").dblclick()
    drawer = page.get_by_role("dialog", name=re.compile("^sma_cross "))
    parameters = drawer.get_by_role("region", name="Parameters").get_by_role("row")
    await parameters.filter(has_text="slow").get_by_text("50", exact=True).wait_for()
    code = drawer.get_by_role("region", name=re.compile("^Versions")).locator("code")
    assert re.fullmatch("[0-9a-f]{64}", await code.first.inner_text())
    await drawer.get_by_text("oms backtest run --strategy sma_cross").wait_for()
    assert await web_desk.accessibility_findings() == []
    await drawer.get_by_role("button", name="New backtest").click()
    await page.wait_for_url(re.compile(r"/backtests\?new=sma_cross"))


async def _fill_run(web_desk: WebDesk, fields: dict[str, str]) -> None:
    """Request a run or a sweep by the open form, whose strategy is chosen."""
    dialog = web_desk.page.get_by_role("alertdialog", name="New backtest")
    await dialog.get_by_role("combobox", name="Symbol and exchange").fill(SYMBOL)
    await web_desk.page.get_by_role("option", name=f"{SYMBOL} · example").click()
    for name, text in fields.items():
        await dialog.get_by_role("textbox", name=name, exact=True).fill(text)
    await dialog.get_by_role("button", name="Run", exact=True).click()
    await dialog.wait_for(state="detached")


async def _check_report(web_desk: WebDesk, gateway: Gateway) -> dict[str, Any]:
    """The open report has the figures of the gateway; return them."""
    page = web_desk.page
    await page.get_by_text("Final balance").wait_for(timeout=60_000)
    run: dict[str, Any] = _run(gateway, page.url)
    assert run["params"]["fast"] == 3
    won = f"{run['winning_trades']} won, {run['losing_trades']} lost"
    await page.get_by_text(won).wait_for()
    shown = f"{abs(run['total_return_pct']):,.2f}".rstrip("0").rstrip(".")
    await page.get_by_role("main").get_by_text(shown).first.wait_for()
    trades = page.get_by_role("table", name="Trades")
    await page.wait_for_function(
        "([one, count]) => one.getAttribute('aria-rowcount') === count",
        arg=[await trades.element_handle(), str(run["total_trades"] + 1)],
    )
    reasons = page.get_by_role("table", name="By reason of exit").get_by_role("row")
    counts = [await row.get_by_role("cell").first.inner_text() for row in (await reasons.all())[1:]]
    assert sum(map(int, counts)) == run["total_trades"]
    days = page.get_by_role("list", name="Result of each day")
    assert await days.get_by_role("listitem").filter(has_text="USDT").count() > 1
    assert await web_desk.accessibility_findings() == []
    return run


def _run(gateway: Gateway, url: str) -> Any:
    """Return the backtest that an address names."""
    run_id = int(re.findall(r"run=(\d+)", url)[0])
    status, run, _ = call(gateway, "GET", f"/backtests/{run_id}")
    assert status == 200
    return run


async def _check_result_on_the_chart(
    web_desk: WebDesk, gateway: Gateway, run: dict[str, Any]
) -> dict[str, Any]:
    """The chart at a trade shows the run as of the cursor; return another run, requested there."""
    chart, page = ChartPage(web_desk), web_desk.page
    panel = page.get_by_role("region", name="Result of the strategy")
    await page.locator("[data-ribbon]").wait_for()
    await panel.locator("[data-total=trades]").wait_for()
    # At the close of the candle of its entry the last trade is open: only those before it ended.
    assert (await _totals(panel))["trades"] == str(run["total_trades"] - 1)
    trades = panel.get_by_role("table", name="Trades")
    newest = trades.get_by_role("row").nth(1)
    assert await newest.get_by_role("cell", name="–", exact=True).count() > 2
    # A row selects its markers, a marker its row.
    await newest.dblclick()
    await page.wait_for_function("() => document.querySelector('[data-chart]').dataset.selected")
    first = await chart.drawn("selected")
    await chart.press("Exit replay")
    await panel.locator(f"[data-total=trades][data-value='{run['total_trades']}']").wait_for()
    assert await _totals(panel) == _totals_of(run)

    places = [one.split("=") for one in (await chart.drawn("places")).split(";")]
    box = await chart.chart.bounding_box()
    assert box is not None
    marker, place = next(
        (name, place.split(","))
        for name, place in places
        if name.endswith(" long") and name not in first and float(place.split(",")[0]) > 100
    )
    for below in (8, 14, 20):
        await page.mouse.click(box["x"] + float(place[0]), box["y"] + float(place[1]) + below)
    await page.wait_for_function(
        "(id) => document.querySelector('[data-chart]').dataset.selected.includes(id)", arg=marker
    )
    assert await web_desk.accessibility_findings() == []

    await panel.get_by_role("button", name="Calculate").click()
    await page.wait_for_url(lambda url: f"run={run['run_id']}" not in url)
    await panel.locator("[data-total=trades]").wait_for(timeout=60_000)
    other: dict[str, Any] = _run(gateway, page.url)
    assert (other["params"]["fast"], other["initial_balance"]) == (20, "1000")
    assert await _totals(panel) == _totals_of(other)
    data, url = await chart.data(), page.url
    await page.reload()
    await panel.locator("[data-total=trades]").wait_for()
    await chart.wait_drawn("markers", data["markers"])
    assert (page.url, await _totals(panel)) == (url, _totals_of(other))
    return other


async def _totals(panel: "Locator") -> dict[str, str | None]:
    found = await panel.locator("[data-total]").all()
    return {
        str(await one.get_attribute("data-total")): await one.get_attribute("data-value")
        for one in found
    }


def _totals_of(run: dict[str, Any]) -> dict[str, str | None]:
    total = run["total_return"]
    return {"closed": total, "open": "0", "total": total, "trades": str(run["total_trades"])}


@pytest.mark.usefixtures("running")
async def test_the_golden_candles_have_three_arrows_in_every_view(web_desk: WebDesk) -> None:
    chart, page = ChartPage(web_desk), web_desk.page
    await chart.log_in(
        f"exchange=example&symbol={GOLDEN_SYMBOL}&tf=5m&strategy=hma_sma&show=volume"
        "&cursor=2024-02-15T10:04:00Z"
    )
    # The candle that closes at 10:05: nothing is decided, and no line has a later point.
    await page.locator("[data-ready]").get_by_text("No entry").wait_for(timeout=60_000)
    count = int(await chart.drawn("candles"))
    assert (await chart.drawn("last")).startswith("2024-02-15T10:00")
    assert await chart.drawn("markers") == "0"
    lines = re.findall(r"=(\d+)", await chart.drawn("lines"))
    assert lines == [str(count)] * 3
    await page.keyboard.press("ArrowRight")
    await page.locator("[data-ready]").get_by_text("LONG READY").wait_for()
    await chart.wait_drawn("markers", 1)
    assert await page.locator("[data-held]").inner_text() == "FLAT"
    # Another timeframe keeps the moment: its candle is the last that opened by then.
    cursor = re.compile("cursor=2024-02-15T10(:|%3A)05")
    for view, last in (("1h", "2024-02-15T10:00"), ("5m", "2024-02-15T10:05")):
        await page.get_by_role("button", name=view, exact=True).click()
        await page.wait_for_function(
            "(last) => document.querySelector('[data-chart]')?.dataset.last?.startsWith(last)",
            arg=last,
        )
        await page.wait_for_url(cursor)
    await chart.press("Exit replay")
    for view, candles in (("5m", 500), ("4h", 274), ("1h", 500)):
        await page.get_by_role("button", name=view, exact=True).click()
        await chart.wait_drawn("candles", candles, wait_ms=60_000)
        await chart.wait_drawn("markers", 3, wait_ms=60_000)
        last = await chart.drawn("last")
        assert last.startswith("2024-02-15T12:55" if view == "5m" else "2024-02-15T12:00")


@pytest.mark.usefixtures("running")
async def test_a_bot_is_created_started_and_stopped(
    web_desk: WebDesk, web_gateway: Gateway
) -> None:
    (account_id,) = await asyncio.to_thread(web_gateway.add_accounts, 1, position_mode="netting")
    call(web_gateway, "POST", "/strategies", {"name": "watching", "account_ids": [account_id]})
    page = web_desk.page
    await web_desk.log_in(view=f"bots?acc={account_id}&new=sma_cross")
    dialog = page.get_by_role("alertdialog", name="New bot")
    await dialog.get_by_role("textbox", name="Name").fill("cross watch")
    await _choose(web_desk, dialog, "Trades as", "watching")
    await dialog.get_by_role("combobox", name="Symbol and exchange").fill(CONTRACT)
    await page.get_by_role("option", name=f"{CONTRACT} · example").click()
    assert await web_desk.accessibility_findings() == []
    await dialog.get_by_role("button", name="Create", exact=True).click()
    row = page.get_by_role("table", name="Bots").get_by_role("row").filter(has_text="cross watch")
    await row.get_by_text("Idle").wait_for()

    await row.get_by_role("button", name="Actions of").click()
    await page.get_by_role("menuitem", name="Change…").click()
    change = page.get_by_role("alertdialog", name="Change cross watch")
    await change.get_by_role("textbox", name="fast").fill("5")
    await change.get_by_role("row").filter(has_text="fast").get_by_text("20").wait_for()
    await change.get_by_role("button", name="Trade", exact=True).click()
    await change.get_by_role("button", name="Change", exact=True).click()
    await change.wait_for(state="detached")

    for action, status in (("Start", "Running"), ("Restart", "Running"), ("Stop", "Stopped")):
        await row.get_by_role("button", name="Actions of").click()
        await page.get_by_role("menuitem", name=re.compile(f"^{action}…?$")).click()
        asked = page.get_by_role("alertdialog", name=f"{action} cross watch")
        if action == "Restart":
            await asked.get_by_role("textbox", name="fast").fill("6")
            assert await web_desk.accessibility_findings() == []
        await asked.get_by_role("button", name=action, exact=True).click()
        await asked.wait_for(state="detached")
        await row.get_by_text(status).wait_for(timeout=40_000)
    await row.get_by_text(BALANCE).wait_for()
    await _check_live_start(web_desk, web_gateway, account_id)
    await row.get_by_role("button", name="Actions of").click()
    await page.get_by_role("menuitem", name="Details").click()
    await page.get_by_role("region", name="History").get_by_text("Status").first.wait_for()
    await page.get_by_role("dialog").get_by_text("fast 6").wait_for()
    figures = page.get_by_role("dialog").get_by_role("region", name="Figures")
    await figures.get_by_text(BALANCE).wait_for()
    # Why a bot failed is on its page.
    reason = "Traceback (most recent call last): the rule failed"
    execute(web_gateway.dsn, f"UPDATE bots SET status = 'error', reason = '{reason}'")
    await page.get_by_role("alert").get_by_text(reason).wait_for()
    assert await web_desk.accessibility_findings() == []


async def _check_live_start(web_desk: WebDesk, gateway: Gateway, account_id: int) -> None:
    """What is asked before the bot trades a live account; it is not started."""
    page = web_desk.page
    change = "UPDATE accounts SET environment = '{}' WHERE id = " + str(account_id)
    execute(gateway.dsn, change.format("live"))
    await page.reload()
    row = page.get_by_role("table", name="Bots").get_by_role("row").filter(has_text="cross watch")
    await row.get_by_text("Live", exact=True).wait_for()
    await row.get_by_role("button", name="Actions of").click()
    await page.get_by_role("menuitem", name="Start", exact=True).click()
    asked = page.get_by_role("alertdialog", name="Start cross watch")
    points = asked.get_by_role("region", name="Before real money is traded")
    await points.get_by_text("No bot has run this version without real money.").wait_for()
    await points.get_by_text(BALANCE).wait_for()
    await points.get_by_text(re.compile(" s apart$")).wait_for()
    await asked.get_by_label("Comment").fill("after a week on paper")
    await asked.get_by_role("textbox", name=re.compile("START cross watch")).fill(
        "START cross watch"
    )
    start = asked.get_by_role("button", name="Start", exact=True)
    assert await start.is_disabled()
    await points.get_by_role("checkbox", name="I start it although").check()
    assert await start.is_enabled()
    assert await web_desk.accessibility_findings() == []
    await asked.get_by_role("button", name="Cancel").click()
    execute(gateway.dsn, change.format("paper"))
    await page.reload()
    await row.get_by_text("Paper", exact=True).wait_for()


@pytest.mark.usefixtures("running")
async def test_candles_that_are_stored_missing_and_kept_up_to_date(
    web_desk: WebDesk, web_gateway: Gateway
) -> None:
    web_desk.expected_refusals.add((403, "/market/ingestion"))
    page = web_desk.page
    await web_desk.log_in(web_gateway.admin_api_key, "candles")
    stored = page.get_by_role("table", name="Stored candles").get_by_role("row")
    row = stored.filter(has_text=SYMBOL)
    await row.get_by_role("cell", name="397", exact=True).wait_for()
    await row.get_by_role("cell", name="3", exact=True).dblclick()
    drawer = page.get_by_role("dialog", name=f"{SYMBOL} · example")
    gaps = drawer.get_by_role("region", name="Gaps").get_by_role("listitem")
    await gaps.get_by_text("3 candles").wait_for()
    assert await gaps.count() == 1
    command = await drawer.locator("[data-command]").inner_text()
    assert command == (
        f"oms candles gaps --fill --exchange example --symbol {SYMBOL} --timeframe 1h"
    )
    assert await web_desk.accessibility_findings() == []
    await drawer.get_by_role("button", name="Close").click()

    await page.get_by_role("tab", name="Candle series").click()
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


async def _choose(web_desk: WebDesk, dialog: "Locator", field: str, option: str) -> None:
    await dialog.get_by_role("combobox", name=field, exact=True).click()
    await web_desk.page.get_by_role("option", name=option, exact=True).click()
