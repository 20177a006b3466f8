"""Frames a second of the chart: 5,000 candles, three indicators and 50 markers.

The page is the real one; its reads of candles and deals are answered here, so that their number is
exact. The chart is moved by the wheel all the time, then played back at 20 candles a second.
"""

import asyncio
import itertools
import json
import math
import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from bench.latency import percentile
from kit.gateway.demo import DemoGateway

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page, Route

CANDLES, MARKERS = 5000, 50
#: The largest number that the page asks for at first; the others are read as it is moved.
FIRST = 2000
START = datetime(2026, 1, 1, tzinfo=UTC)
VIEWPORT: Any = {"width": 1600, "height": 950}
SYMBOL = "BTC/USDT:USDT"
_QUERY = (
    f"exchange=paper.binance&symbol={SYMBOL}&tf=1h&limit={FIRST}&show=deals"
    "&ind=sma.20.yellow.2,sma.50.blue.2,hma.55.purple.2"
)
_CHART = "[data-chart=candles]"
_COUNT_FRAMES = """(seconds) => new Promise((done) => {
  const frames = [];
  const end = performance.now() + seconds * 1000;
  const look = (now) => {
    frames.push(now);
    if (performance.now() < end) requestAnimationFrame(look);
    else done(frames);
  };
  requestAnimationFrame(look);
})"""

LogIn = Callable[["BrowserContext", str, str, DemoGateway], Awaitable["Page"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartFigures:
    """One measurement."""

    variant: str
    candles: int
    markers: int
    frames_per_second: float
    frame_p95_ms: float
    frame_max_ms: float


async def measure_chart(
    browser: "Browser", demo: DemoGateway, log_in: LogIn, seconds: float
) -> Sequence[ChartFigures]:
    """Measure the chart while it is moved, and while it is played back."""
    context = await browser.new_context(viewport=VIEWPORT)
    page = await log_in(context, demo.base_url, "trader", demo)
    await page.route("**/market/candles?*", _answer_candles)
    await page.route("**/oms/deals?*", _answer_deals)
    await page.goto(f"{demo.base_url}/ui/chart?{_QUERY}")
    await page.locator(f"{_CHART}[data-markers]").wait_for()
    await _load_all(page)
    panning = asyncio.create_task(_pan(page))
    moved = await _figures(page, "moved by the wheel", seconds)
    panning.cancel()
    await asyncio.gather(panning, return_exceptions=True)
    bar = page.get_by_role("group", name="Playback")
    await bar.get_by_role("combobox", name="Speed").click()
    await page.get_by_role("option", name="20 / s", exact=True).click()
    await bar.get_by_role("slider", name="Candle").fill(str(CANDLES // 2))
    await bar.get_by_role("button", name="Play", exact=True).click()
    played = await _figures(page, "played back, 20 candles a second", seconds)
    await context.close()
    return [moved, played]


async def count_frames(page: "Page", seconds: float) -> list[float]:
    """Return the milliseconds between the frames of some seconds."""
    frames = await page.evaluate(_COUNT_FRAMES, seconds)
    return [after - before for before, after in itertools.pairwise(frames)]


def chart_table(figures: Sequence[ChartFigures]) -> str:
    """Return the measurements as Markdown."""
    lines = [
        "\n## Chart: candles, three indicators, markers\n",
        "| chart | candles | markers | frames/s | frame p95, max |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.variant} | {one.candles} | {one.markers} | {one.frames_per_second:.0f} |"
        f" {one.frame_p95_ms:.0f}, {one.frame_max_ms:.0f} ms |"
        for one in figures
    ]
    return "\n".join(lines)


async def _figures(page: "Page", variant: str, seconds: float) -> ChartFigures:
    drawn = await page.locator(_CHART).evaluate("(one) => ({...one.dataset})")
    gaps = await count_frames(page, seconds)
    return ChartFigures(
        variant=variant,
        candles=int(drawn["candles"]),
        markers=int(drawn["markers"]),
        frames_per_second=1000 / statistics.fmean(gaps),
        frame_p95_ms=percentile(gaps, 0.95),
        frame_max_ms=max(gaps),
    )


async def _load_all(page: "Page") -> None:
    """Move to the oldest candles until all are read and drawn."""
    await page.mouse.move(600, 400)
    all_drawn = f"() => document.querySelector('{_CHART}').dataset.candles === '{CANDLES}'"
    for _ in range(200):
        if await page.evaluate(all_drawn):
            return
        await page.mouse.wheel(-900, 0)
        await asyncio.sleep(0.05)
    await page.wait_for_function(all_drawn)


async def _pan(page: "Page") -> None:
    """Move back and forth, all the time."""
    for turn in itertools.count():
        await page.mouse.wheel(120 if turn // 60 % 2 == 0 else -120, 0)
        await asyncio.sleep(0.02)


async def _answer_candles(route: "Route") -> None:
    """Answer with the newest page, or with the one before the cursor."""
    query = parse_qs(urlsplit(route.request.url).query)
    end = int(query.get("cursor", [str(CANDLES)])[0])
    first = max(0, end - int(query["limit"][0]))
    body = {
        "exchange": "paper.binance",
        "symbol": SYMBOL,
        "timeframe": "1h",
        "items": [_candle(number) for number in range(first, end)],
        "next_cursor": str(first) if first > 0 else None,
    }
    await route.fulfill(status=200, content_type="application/json", body=json.dumps(body))


def _candle(number: int) -> dict[str, Any]:
    opened, close = _price(number), _price(number + 1)
    return {
        "time": (START + timedelta(hours=number)).isoformat(),
        "open": f"{opened:.1f}",
        "high": f"{max(opened, close) + 20:.1f}",
        "low": f"{min(opened, close) - 20:.1f}",
        "close": f"{close:.1f}",
        "volume": str(number % 17 + 1),
        "is_closed": True,
    }


def _price(number: int) -> float:
    return 60_000 + 2_000 * math.sin(number / 90) + 300 * math.sin(number / 7)


async def _answer_deals(route: "Route") -> None:
    """Answer with one deal in each of as many candles as there are markers."""
    if "symbol" not in parse_qs(urlsplit(route.request.url).query):
        await route.continue_()
        return
    answer = await route.fetch()
    body = await answer.json()
    example = body["items"][0]
    step = CANDLES // MARKERS
    body["items"] = [
        {
            **example,
            "id": number + 1,
            "side": "buy" if number % 2 == 0 else "sell",
            "executed_at": (START + timedelta(hours=number * step, minutes=5)).isoformat(),
        }
        for number in range(MARKERS)
    ]
    await route.fulfill(response=answer, json=body)
