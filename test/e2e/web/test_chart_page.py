"""The chart: what it draws of stored candles and of the ledger, its playback, levels that move."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from kit.browser.chart import ChartPage, hourly
from kit.browser.trader import Trader
from kit.browser.web_desk import WebDesk
from kit.gateway.demo import DemoGateway
from kit.gateway.processes import Gateway
from kit.http.client import call, post_order
from oms.domain.market.timeframe import Timeframe

if TYPE_CHECKING:
    from playwright.async_api import Page

START = datetime(2026, 3, 2, tzinfo=UTC)
SYMBOL, CONTRACT = "CHART/USDT", "BTC/USDT:USDT"
#: From here on prices are written as no other text of the page is.
JUMP = 240
CLOSES = [100 + (n * 37 % 23) if n < JUMP else 5000 + n for n in range(300)]
FUTURE = re.compile(r"5,[23]\d\d\b")
#: These are not stored.
MISSING = range(120, 123)
SERIES = f"exchange=example&symbol={SYMBOL}&tf=1h"

#: Looks at the page at each frame, until the candle with the number `end` is the cursor's.
_WATCH = """(end) => new Promise((done) => {
  const seen = [];
  const look = () => {
    const place = document.querySelector("[data-place]").textContent;
    const {candles, last, lines} = document.querySelector("[data-chart]").dataset;
    const index = Number(place.split(" ")[0]);
    if (index !== seen.at(-1)?.index) {
      const page = document.documentElement.outerHTML;
      seen.push({index, candles: Number(candles), last, lines, page});
    }
    if (index < end) requestAnimationFrame(look);
    else done(seen);
  };
  requestAnimationFrame(look);
})"""


@pytest.fixture(scope="module")
def stored(web_gateway: Gateway) -> None:
    """An hourly series with a gap."""
    candles = [each for n, each in enumerate(hourly(START, CLOSES)) if n not in MISSING]
    web_gateway.add_candles(SYMBOL, {Timeframe.HOUR: candles})


@pytest.mark.usefixtures("stored")
async def test_candles_indicators_gaps_and_a_reload(web_desk: WebDesk) -> None:
    chart, page = ChartPage(web_desk), web_desk.page
    await chart.log_in(f"{SERIES}&limit=200")
    assert (await chart.drawn("candles"), await chart.drawn("blanks")) == ("200", "3")
    await page.get_by_text("3 candles are missing in 1 places.").wait_for()
    await page.get_by_text("TradingView").wait_for()

    await page.get_by_role("button", name="Indicators (0)").click()
    dialog = page.get_by_role("dialog", name="Indicators")
    await dialog.get_by_role("button", name="Add").click()
    await dialog.get_by_role("textbox", name="Length").fill("9")
    await dialog.get_by_role("combobox", name="Kind").click()
    await page.get_by_role("option", name="MACD").click()
    await dialog.get_by_role("button", name="Add").click()
    keep = dialog.get_by_role("button", name="Keep for No strategy")
    await keep.click()
    assert await keep.is_disabled()
    assert await web_desk.accessibility_findings() == []
    await page.keyboard.press("Escape")
    lines = "sma9=192 macd12-26-9h=167 macd12-26-9=175 macd12-26-9s=167"
    await chart.wait_drawn("lines", lines)
    await page.keyboard.press("Home")
    await chart.wait_drawn("candles", 1)
    await page.keyboard.press("End")
    await page.wait_for_url(re.compile("cursor="))

    await chart.wait_drawn("lines", lines)
    before, url = await chart.data(), page.url
    summary = await chart.chart.get_attribute("aria-label")
    await page.reload()
    await chart.wait_drawn("lines", lines)
    assert page.url == url
    assert await chart.chart.get_attribute("aria-label") == summary
    assert await chart.data() == before
    await chart.press("Exit replay")

    # The indicators that were kept are taken again.
    await page.get_by_role("button", name="Indicators (2)").click()
    await dialog.get_by_role("button", name="Remove SMA 9").click()
    await dialog.get_by_role("button", name="Take those kept for No strategy").click()
    await page.keyboard.press("Escape")
    sma, macd = lines.split(" ", maxsplit=1)
    await chart.wait_drawn("lines", f"{macd} {sma}")

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
    await rows.nth(1).get_by_text(f"{CLOSES[-1]:,}", exact=True).first.wait_for()
    await page.wait_for_url(re.compile("view=table"))
    assert await web_desk.accessibility_findings() == []


@pytest.mark.usefixtures("stored")
async def test_a_chart_that_cannot_be_drawn_leaves_the_page(web_desk: WebDesk) -> None:
    page = web_desk.page
    web_desk.expected_errors |= {"ERR_FAILED", "dynamically imported module"}
    await page.route(re.compile(r"/CandleChart-[^/]+\.js$"), lambda route: route.abort())
    await web_desk.log_in(view=f"chart?{SERIES}&limit=200")
    await page.get_by_text("The chart could not be drawn.").wait_for()
    rows = page.get_by_role("table", name="Data table").get_by_role("row")
    await rows.nth(1).get_by_text(f"{CLOSES[-1]:,}", exact=True).first.wait_for()
    await page.get_by_role("button", name="One candle back").click()
    await page.locator("[data-ribbon]").wait_for()
    await rows.nth(1).get_by_text(f"{CLOSES[-2]:,}", exact=True).first.wait_for()
    assert await web_desk.accessibility_findings() == []


@pytest.mark.usefixtures("stored")
async def test_playback_shows_and_reads_nothing_of_the_future(web_desk: WebDesk) -> None:
    chart, page = ChartPage(web_desk), web_desk.page
    start = START + timedelta(hours=JUMP - 12, minutes=59)
    await chart.log_in(f"{SERIES}&limit=150&ind=sma.20.yellow.2&cursor={start:%Y-%m-%dT%H:%M:%SZ}")
    known = chart.candles()
    at = next(n for n, row in enumerate(known) if row["time"].startswith(f"{start:%Y-%m-%dT%H:00}"))
    await page.locator("[data-ribbon]").wait_for()
    assert await page.get_by_role("button", name="Trade", exact=True).is_disabled()
    assert await web_desk.accessibility_findings() == []

    chart.requests.clear()
    for step in range(3):
        # The last candle that is drawn, counted and named is that of the cursor.
        await chart.wait_drawn("last", known[at + step]["time"])
        assert await chart.drawn("candles") == str(at + step + 1)
        assert await chart.drawn("lines") == f"sma20={at + step + 1 - 19}"
        assert await chart.place() == f"{at + step + 1} / {len(known)}"
        text = await chart.status()
        assert known[at + step]["time"][:19].replace("T", " ") in text
        await page.keyboard.press("ArrowRight")

    await page.keyboard.press("Shift+ArrowLeft")
    await chart.wait_drawn("last", known[at + 3 - 10]["time"])

    # As it plays at 20 candles a second, also beside the table of the candles.
    await chart.bar.get_by_role("combobox", name="Speed").click()
    await page.get_by_role("option", name="20 / s", exact=True).click()
    jump = next(n for n, row in enumerate(known) if float(row["close"]) > 5000)
    watching = asyncio.create_task(page.evaluate(_WATCH, jump + 4))
    await chart.press("Play")
    seen = await watching
    await chart.press("Pause")
    _check_frames(seen, jump, [row["time"] for row in known])
    await page.get_by_role("button", name="Data table").click()
    await page.get_by_role("table", name="Data table").wait_for()
    await chart.bar.get_by_role("slider", name="Candle").fill(str(jump - 4))
    await _wait_gone(page)
    place = int((await chart.place()).split(" ")[0])
    assert place == jump - 3
    grid = page.get_by_role("table", name="Data table")
    assert await grid.get_attribute("aria-rowcount") == str(place + 1)
    await page.get_by_role("button", name="Data table").click()

    # It stops at the end, and begins again from there.
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

    # A day is gone to, for which older candles are read.
    await page.get_by_label("Go to").fill(f"{START:%Y-%m-%d}")
    await chart.wait_drawn("candles", len(CLOSES) - len(MISSING))


def _check_frames(seen: list[dict[str, Any]], jump: int, times: list[str]) -> None:
    """Nothing of a frame is later than its cursor; the last frames show the jump."""
    assert len(seen) > 3
    for frame in seen:
        assert frame["candles"] <= frame["index"]
        assert frame["last"] == times[frame["candles"] - 1]
        assert int(frame["lines"].split("=")[1]) <= frame["index"] - 19
        assert FUTURE.search(frame["page"]) is None or frame["index"] > jump, frame["index"]
    assert FUTURE.search(seen[-1]["page"]) is not None


async def _wait_gone(page: "Page") -> None:
    """Wait until no price after the jump is anywhere on the page."""
    await page.wait_for_function(
        f"() => !/{FUTURE.pattern}/.test(document.documentElement.outerHTML)"
    )


async def _hold_with_stop(gateway: Gateway) -> tuple[int, int]:
    """Store candles of the contract around its price, and buy it in an account of its own.

    Returns account and stop loss.
    """
    (account_id,) = await asyncio.to_thread(gateway.add_accounts, 1, position_mode="hedge")
    _, ticker, _ = call(gateway, "POST", f"/ccxt/{account_id}/fetch_ticker", {"args": [CONTRACT]})
    last = round(ticker["result"]["last"])
    closes = [last + number % 7 * last // 50 - last // 16 for number in range(120)]
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=130)
    candles = {Timeframe.HOUR: hourly(start, closes)}
    await asyncio.to_thread(gateway.add_candles, CONTRACT, candles, tick="0.1")
    stop = last - last // 30
    post_order(gateway, account_id, symbol=CONTRACT, side="buy", qty="0.01", stop_loss=str(stop))
    return account_id, stop


async def test_a_line_is_dragged_and_moves_the_stop(
    web_desk: WebDesk, web_gateway: Gateway
) -> None:
    account_id, stop = await _hold_with_stop(web_gateway)
    chart, page = ChartPage(web_desk), web_desk.page
    await chart.log_in(f"exchange=example&symbol={CONTRACT}&tf=1h&acc={account_id}")
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


async def test_the_trade_desk_draws_what_its_ticket_trades(
    web_desk: WebDesk, web_gateway: Gateway
) -> None:
    account_id, stop = await _hold_with_stop(web_gateway)
    chart, page, trader = ChartPage(web_desk), web_desk.page, Trader(web_desk)
    await web_desk.log_in(view=f"trade?acc={account_id}&trade={CONTRACT}")
    await page.get_by_role("heading", name=f"{CONTRACT} at example", exact=True).wait_for()
    await chart.wait_drawn("candles", 120)
    await _wait_level(page, "stop")
    await trader.fill_ticket("0.01", limit_price=str(stop))
    await trader.send_ticket()
    await _wait_level(page, "order")
    assert await web_desk.accessibility_findings() == []

    await page.get_by_role("button", name="1d", exact=True).click()
    await page.wait_for_url(re.compile("tf=1d"))
    await page.get_by_role("button", name="1h", exact=True).click()
    await chart.wait_drawn("candles", 120)

    # The splitter moves by keys and with the pointer, and stays where it is.
    splitter = page.get_by_role("separator", name="Height of the rows")
    await splitter.focus()
    await page.keyboard.press("ArrowUp")
    await _wait_height(page, 284)
    box = await splitter.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x, y - 16, steps=3)
    await page.mouse.up()
    await _wait_height(page, 300)
    await page.reload()
    await chart.wait_drawn("candles", 120)
    await _wait_height(page, 300)

    # Without a chart the rows have its room; a symbol without candles says so; where there is
    # little room there is none.
    await page.get_by_role("button", name="Show the chart").click()
    await splitter.wait_for(state="detached")
    await page.get_by_role("button", name="Show the chart").click()
    await chart.wait_drawn("candles", 120)
    await page.set_viewport_size({"width": 1439, "height": 900})
    await chart.chart.wait_for(state="detached")
    await page.set_viewport_size({"width": 1440, "height": 900})
    await chart.wait_drawn("candles", 120)
    await trader.ticket.get_by_role("combobox", name="Symbol").fill("ETH/USDT:USDT")
    await page.get_by_role("option", name="ETH/USDT:USDT", exact=True).click()
    await page.get_by_text("No candles of ETH/USDT:USDT are stored").wait_for()
    assert await web_desk.accessibility_findings() == []


async def _wait_height(page: "Page", pixels: int) -> None:
    """Wait until the rows below the chart have this height."""
    await page.locator(f'[role=separator][aria-valuenow="{pixels}"]').wait_for()


async def _wait_level(page: "Page", name: str) -> None:
    """Wait until the chart draws a level of this kind."""
    await page.wait_for_function(
        "(name) => document.querySelector('[data-chart]')?.dataset.levels?.includes(name)", arg=name
    )


async def test_deals_positions_and_levels_of_the_demo(
    web_desk_of_demo: WebDesk, demo_gateway: DemoGateway
) -> None:
    chart, page = ChartPage(web_desk_of_demo), web_desk_of_demo.page
    await chart.log_in(
        f"exchange=paper.binance&symbol={CONTRACT}&tf=1h&show=deals,positions,orders,levels",
        demo_gateway.api_key_of("trader"),
    )
    await page.wait_for_function(
        "() => Number(document.querySelector('[data-chart]')?.dataset.segments) > 0"
    )
    everything = int(await chart.drawn("markers"))
    assert everything > 10
    ticks = page.locator("[data-ticks]")
    count = int(await ticks.get_attribute("data-ticks") or 0)
    assert await ticks.locator("span").count() == count > 3
    await page.get_by_role("button", name="Show", exact=True).click()
    await page.get_by_role("menuitem", name="Stop loss").click()
    await page.wait_for_url(re.compile("source=sl"))
    await page.wait_for_function(
        "(all) => Number(document.querySelector('[data-chart]').dataset.markers) < all",
        arg=everything,
    )

    # The day that is not over comes from the exchange of an account, by subscription.
    await page.get_by_role("button", name="1d", exact=True).click()
    await chart.wait_drawn("forming", "true")
    assert (await chart.drawn("last")).startswith(f"{datetime.now(UTC):%Y-%m-%d}")
