"""The chart: what it draws of stored candles and of the ledger, its playback, levels that move."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest

from kit.browser.chart import ChartPage, hourly, import_candles
from kit.browser.web_desk import WebDesk
from kit.gateway.demo import DemoGateway
from kit.gateway.processes import Gateway
from kit.http.client import call, post_order

START = datetime(2026, 3, 2, tzinfo=UTC)
SYMBOL, CONTRACT = "CHART/USDT", "BTC/USDT:USDT"
CLOSES = [100 + (number * 37 % 23) for number in range(300)]
#: These are not stored.
MISSING = range(120, 123)
SERIES = f"exchange=example&symbol={SYMBOL}&tf=1h"


@pytest.fixture(scope="module")
def stored(web_gateway: Gateway) -> None:
    """An hourly series with a gap."""
    rows = [row for n, row in enumerate(hourly(START, CLOSES)) if n not in MISSING]
    import_candles(web_gateway, SYMBOL, "1h", rows)


@pytest.mark.usefixtures("stored")
async def test_candles_lines_gaps_and_their_table(web_desk: WebDesk) -> None:
    chart, page = ChartPage(web_desk), web_desk.page
    await web_desk.log_in(view="account")
    await chart.open(f"{SERIES}&limit=200&ind=sma.20.yellow.2,rsi.14.blue.1")
    assert (await chart.drawn("candles"), await chart.drawn("blanks")) == ("200", "3")
    assert await chart.drawn("lines") == "sma20=181 rsi14=186"
    await page.get_by_text("3 candles are missing in 1 places.").wait_for()
    await page.get_by_text("TradingView").wait_for()
    assert await web_desk.accessibility_findings() == []

    # Older candles are read when the first ones come in sight; none of those here is lost.
    box = await chart.chart.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + 200, box["y"] + 200)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 700, box["y"] + 200, steps=8)
    await page.mouse.up()
    await chart.wait_drawn("candles", len(CLOSES) - len(MISSING))

    await page.get_by_role("button", name="Data table").click()
    rows = page.get_by_role("table", name="Data table").get_by_role("row")
    newest = rows.nth(1)
    await newest.get_by_text(str(CLOSES[-1]), exact=True).first.wait_for()
    await page.wait_for_url(re.compile("view=table"))
    assert await web_desk.accessibility_findings() == []


@pytest.mark.usefixtures("stored")
async def test_indicators_are_chosen_and_a_reload_shows_the_same(web_desk: WebDesk) -> None:
    chart, page = ChartPage(web_desk), web_desk.page
    await web_desk.log_in(view="account")
    await chart.open(f"{SERIES}&limit=150")
    await page.get_by_role("button", name="Indicators (0)").click()
    dialog = page.get_by_role("dialog", name="Indicators")
    await dialog.get_by_role("button", name="Add").click()
    await dialog.get_by_role("textbox", name="Length").fill("9")
    await dialog.get_by_role("combobox", name="Kind").click()
    await page.get_by_role("option", name="MACD").click()
    await dialog.get_by_role("button", name="Add").click()
    assert await web_desk.accessibility_findings() == []
    await page.keyboard.press("Escape")
    await page.keyboard.press("Home")
    await chart.wait_drawn("candles", 1)
    await page.keyboard.press("End")
    await chart.wait_drawn("lines", "sma9=142 macd12-26-9h=117 macd12-26-9=125 macd12-26-9s=117")
    await page.wait_for_url(re.compile("cursor="))
    before = await chart.chart.evaluate("(one) => ({...one.dataset})")
    url, summary = page.url, await chart.chart.get_attribute("aria-label")
    await page.reload()
    await chart.wait_drawn("lines", before["lines"])
    assert page.url == url
    assert await chart.chart.get_attribute("aria-label") == summary
    after = await chart.chart.evaluate("(one) => ({...one.dataset})")
    assert {**after, "markersSet": ""} == {**before, "markersSet": ""}


@pytest.mark.usefixtures("stored")
async def test_playback_shows_and_reads_nothing_of_the_future(web_desk: WebDesk) -> None:
    chart, page = ChartPage(web_desk), web_desk.page
    await web_desk.log_in(view="account")
    await chart.open(f"{SERIES}&limit=150&ind=sma.20.yellow.2&cursor=2026-03-12T05:59:00Z")
    known = chart.candles()
    at = next(n for n, row in enumerate(known) if row["time"].startswith("2026-03-12T05:00"))
    await page.locator("[data-ribbon]").wait_for()
    assert await page.get_by_role("button", name="Trade", exact=True).is_disabled()
    assert await web_desk.accessibility_findings() == []

    chart.requests.clear()
    for step in range(4):
        # The last candle that is drawn, counted and named is that of the cursor.
        await chart.wait_drawn("last", known[at + step]["time"])
        assert await chart.drawn("candles") == str(at + step + 1)
        assert await chart.drawn("lines") == f"sma20={at + step + 1 - 19}"
        assert await chart.place() == f"{at + step + 1} / {len(known)}"
        text = await chart.status()
        assert known[at + step]["time"][:19].replace("T", " ") in text
        await page.keyboard.press("ArrowRight")

    await page.keyboard.press("Shift+ArrowLeft")
    await chart.wait_drawn("last", known[at + 4 - 10]["time"])
    await page.get_by_role("button", name="Data table").click()
    grid = page.get_by_role("table", name="Data table")
    assert await grid.get_attribute("aria-rowcount") == str(at + 4 - 10 + 2)
    await page.get_by_role("button", name="Data table").click()
    assert "/market/candles" not in chart.requests

    # It stops at the end, and begins again from there.
    await chart.bar.get_by_role("combobox", name="Speed").click()
    await page.get_by_role("option", name="60 / s").click()
    await page.keyboard.press("End")
    await page.keyboard.press("ArrowLeft")
    await chart.press("Play")
    await chart.bar.get_by_role("button", name="Play", exact=True).wait_for()
    await chart.wait_drawn("candles", len(known))
    await chart.press("Play")
    await chart.bar.get_by_role("button", name="Pause", exact=True).wait_for()
    assert int((await chart.place()).split(" ")[0]) < len(known)
    await chart.press("Pause")
    assert "/market/candles" not in chart.requests
    await chart.press("Exit replay")
    await page.locator("[data-ribbon]").wait_for(state="detached")
    assert "cursor=" not in page.url


async def test_a_line_is_dragged_and_moves_the_stop(
    web_desk: WebDesk, web_gateway: Gateway
) -> None:
    (account_id,) = await asyncio.to_thread(web_gateway.add_accounts, 1, position_mode="hedge")
    _, ticker, _ = call(
        web_gateway, "POST", f"/ccxt/{account_id}/fetch_ticker", {"args": [CONTRACT]}
    )
    last = round(ticker["result"]["last"])
    closes = [last + number % 7 * last // 50 - last // 16 for number in range(120)]
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=130)
    import_candles(web_gateway, CONTRACT, "1h", hourly(start, closes), tick="0.1")
    stop = last - last // 30
    post_order(
        web_gateway, account_id, symbol=CONTRACT, side="buy", qty="0.01", stop_loss=str(stop)
    )

    chart, page = ChartPage(web_desk), web_desk.page
    await web_desk.log_in(view="account")
    await chart.open(f"exchange=example&symbol={CONTRACT}&tf=1h&acc={account_id}")
    await page.get_by_text(re.compile("^Stop")).first.wait_for()
    places = dict(one.split("=") for one in (await chart.drawn("levels")).split(";"))
    (level,) = [name for name in places if name.startswith("stop")]
    box = await chart.chart.bounding_box()
    assert box is not None
    x, y = box["x"] + 300, box["y"] + float(places[level])
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x, y + 25, steps=5)
    await page.mouse.up()
    dialog = page.get_by_role("alertdialog", name=re.compile("^Move Stop"))
    await dialog.get_by_text("moves to").wait_for()
    assert await web_desk.accessibility_findings() == []
    moved = (await dialog.get_by_role("row").last.get_by_role("cell").last.inner_text()).replace(
        ",", ""
    )
    await dialog.get_by_role("button", name="Move", exact=True).click()
    assert float(moved) < stop
    await dialog.wait_for(state="detached")
    side = page.get_by_role("complementary", name="Details")
    await side.get_by_text(f"{float(moved):,.2f}".rstrip("0").rstrip(".")).wait_for()
    _, rows, _ = call(web_gateway, "GET", f"/oms/positions/open?account_ids={account_id}")
    assert [float(row["stop_loss"]) for row in rows["items"]] == [float(moved)]


async def test_deals_positions_and_levels_of_the_demo(
    web_desk_of_demo: WebDesk, demo_gateway: DemoGateway
) -> None:
    chart, page = ChartPage(web_desk_of_demo), web_desk_of_demo.page
    await web_desk_of_demo.log_in(demo_gateway.api_key_of("trader"), "account")
    await chart.open(
        f"exchange=paper.binance&symbol={CONTRACT}&tf=1h&show=deals,positions,orders,levels"
    )
    await page.wait_for_function(
        "() => Number(document.querySelector('[data-chart]')?.dataset.segments) > 0"
    )
    everything = int(await chart.drawn("markers"))
    assert everything > 10
    await page.get_by_role("button", name="Show", exact=True).click()
    await page.get_by_role("menuitem", name="Stop loss").click()
    await page.wait_for_url(re.compile("source=sl"))
    await page.wait_for_function(
        "(all) => Number(document.querySelector('[data-chart]').dataset.markers) < all",
        arg=everything,
    )
