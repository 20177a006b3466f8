"""The chart page as a person sees it: what it draws, by its own account, and its playback."""

import json
from collections.abc import Awaitable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kit.browser.web_desk import WebDesk
from oms.domain.market.candle import Candle

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
        await self._read(self.web_desk.open(f"chart?{query}"))

    async def log_in(self, query: str, key: str | None = None) -> None:
        """Log in at the page with these parameters, and wait until candles are drawn."""
        await self._read(self.web_desk.log_in(key, f"chart?{query}"))

    async def _read(self, opened: Awaitable[None]) -> None:
        is_read = "/market/candles"
        async with self.page.expect_response(lambda one: is_read in one.url) as first:
            await opened
        await self._keep(await first.value)
        await self.page.locator(f"{DRAWN}[data-candles]").wait_for()

    async def data(self) -> dict[str, str]:
        """Return what the chart says of itself, without how often its markers were set."""
        data: dict[str, str] = await self.chart.evaluate("(one) => ({...one.dataset})")
        return {**data, "markersSet": ""}

    async def drawn(self, name: str) -> str:
        """Return what the chart says of itself, such as ``candles`` or ``markers``."""
        return await self.chart.evaluate("(one, name) => one.dataset[name]", name)

    async def wait_drawn(self, name: str, value: object, wait_ms: float | None = None) -> None:
        """Wait until the chart says so, at most ``wait_ms``."""
        attribute = "".join(f"-{each.lower()}" if each.isupper() else each for each in name)
        await self.page.locator(f'{DRAWN}[data-{attribute}="{value}"]').wait_for(timeout=wait_ms)

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


def hourly(start: datetime, closes: Sequence[int]) -> list[Candle]:
    """Return hourly candles that open at the close before, and reach one beyond both."""
    candles, opened = [], closes[0]
    for number, close in enumerate(closes):
        candles.append(
            Candle(
                open_time=start + timedelta(hours=number),
                open=Decimal(opened),
                high=Decimal(max(opened, close) + 1),
                low=Decimal(min(opened, close) - 1),
                close=Decimal(close),
                volume=Decimal(1),
            )
        )
        opened = close
    return candles
