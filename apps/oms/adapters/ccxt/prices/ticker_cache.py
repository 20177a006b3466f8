"""The last tickers of symbols that were requested recently."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.fields import get_decimal
from oms.adapters.ccxt.timings import Timings
from oms.ports.exchange import Quote

_log = logging.getLogger("oms.ccxt")


class TickerCache:
    """Keeps tickers up to date while they are requested; the first request returns none yet."""

    def __init__(
        self, client: ExchangeClient, clock: Callable[[], datetime], timings: Timings
    ) -> None:
        self._client = client
        self._clock = clock
        self._timings = timings
        self._requested: dict[str, datetime] = {}
        self._quotes: dict[str, Quote] = {}
        self._has_new_symbol = asyncio.Event()

    def quote(self, symbol: str, now: datetime) -> Quote | None:
        """Returns the last price; it is kept up to date for a while from now on."""
        if symbol not in self._requested:
            self._has_new_symbol.set()
        self._requested[symbol] = now
        return self._quotes.get(symbol)

    async def run(self) -> None:
        """Read tickers while they are requested."""
        while True:
            await self._has_new_symbol.wait()
            self._has_new_symbol.clear()
            while self._requested:
                await self._read_all()
                try:
                    async with asyncio.timeout(self._timings.live_poll_seconds):
                        await self._has_new_symbol.wait()
                    self._has_new_symbol.clear()
                except TimeoutError:
                    continue

    async def _read_all(self) -> None:
        before = self._clock() - timedelta(seconds=self._timings.ticker_lifetime_seconds)
        for symbol, requested_at in list(self._requested.items()):
            if requested_at < before:
                del self._requested[symbol]
                self._quotes.pop(symbol, None)  # an old price is none
                continue
            try:
                row = await self._client.read("fetch_ticker", symbol)
                bid, ask = get_decimal(row, "bid"), get_decimal(row, "ask")
            except ReadFailed as failed:
                _log.warning("no price of %s: %s", symbol, failed.message)
                continue
            if bid and ask:
                self._quotes[symbol] = Quote(
                    symbol=symbol,
                    bid=bid,
                    ask=ask,
                    bid_qty=get_decimal(row, "bidVolume"),
                    ask_qty=get_decimal(row, "askVolume"),
                    at=self._clock(),
                )
