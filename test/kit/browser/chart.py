"""The chart page as a person sees it: what it draws, by its own account, and its playback."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kit.browser.web_desk import WebDesk
from kit.gateway.processes import Gateway
from kit.http.client import get

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page, Response

DRAWN = "[data-chart=candles]"


class ChartPage:
    """Steps on the chart page; ``fetched`` has the answers with candles and runs it was given."""

    def __init__(self, web_desk: WebDesk) -> None:
        self.web_desk = web_desk
        self.page: Page = web_desk.page
        self.chart: Locator = self.page.locator(DRAWN)
        self.bar = self.page.get_by_role("group", name="Playback")
        self.fetched: list[tuple[str, Any]] = []
        self.requests: list[str] = []
        self.page.on("request", lambda one: self.requests.append(urlsplit(one.url).path))
        self.page.on("response", self._keep)

    async def open(self, query: str) -> None:
        """Open the page with these parameters, and wait until candles are drawn."""
        is_read = "/market/candles"
        async with self.page.expect_response(lambda one: is_read in one.url) as first:
            await self.web_desk.open(f"chart?{query}")
        await self._keep(await first.value)
        await self.page.locator(f"{DRAWN}[data-candles]").wait_for()

    async def drawn(self, name: str) -> str:
        """Return what the chart says of itself, such as ``candles`` or ``markers``."""
        return await self.chart.evaluate("(one, name) => one.dataset[name]", name)

    async def wait_drawn(self, name: str, value: object) -> None:
        """Wait until the chart says so."""
        attribute = "".join(f"-{each.lower()}" if each.isupper() else each for each in name)
        await self.page.locator(f'{DRAWN}[data-{attribute}="{value}"]').wait_for()

    async def place(self) -> str:
        """Return the place of the playback, as ``3 / 500``."""
        return await self.bar.locator("[data-place]").inner_text()

    async def press(self, name: str) -> None:
        """Press a button of the playback."""
        await self.bar.get_by_role("button", name=name, exact=True).click()

    async def status(self) -> str:
        """Return the text of the panel of the cursor's candle."""
        return await self.page.locator("[data-cursor-panel]").inner_text()

    def candles(self) -> list[dict[str, Any]]:
        """Return the candles of all answers, ascending, the last answer of each time."""
        rows = {
            row["time"]: row
            for path, body in self.fetched
            if path == "/market/candles"
            for row in body["items"]
        }
        return [rows[time] for time in sorted(rows)]

    async def _keep(self, response: "Response") -> None:
        path = urlsplit(response.url).path
        if path == "/market/candles" or path.endswith("/run"):
            self.fetched.append((path, json.loads(await response.body())))


def import_candles(
    gateway: Gateway,
    symbol: str,
    timeframe: str,
    rows: Sequence[tuple[datetime, str, str, str, str]],
    *,
    exchange: str = "example",
    tick: str = "0.01",
) -> None:
    """Store candles of open time, open, high, low and close by the command line."""
    series = ("--exchange", exchange, "--symbol", symbol)
    lines = [f"{at.isoformat()},{','.join(prices)},1" for at, *prices in rows]
    path = Path(gateway.folder) / f"{symbol.replace('/', '-')}-{timeframe}.csv"
    path.write_text("\n".join(["timestamp,open,high,low,close,volume", *lines]), encoding="utf-8")
    stored = get(gateway, f"/market/symbols?exchange={exchange}")["items"]
    if symbol not in {row["symbol"] for row in stored}:
        gateway.oms("instruments", "add", *series, "--price-tick", tick)
    gateway.oms("candles", "import", str(path), *series, "--timeframe", timeframe, statuses=(0, 7))


def hourly(start: datetime, closes: Sequence[int]) -> list[tuple[datetime, str, str, str, str]]:
    """Return hourly candles that open at the close before, and reach one beyond both."""
    rows, opened = [], closes[0]
    for number, close in enumerate(closes):
        high, low = max(opened, close) + 1, min(opened, close) - 1
        rows.append((start + timedelta(hours=number), str(opened), str(high), str(low), str(close)))
        opened = close
    return rows
