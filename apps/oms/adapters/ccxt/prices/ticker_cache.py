"""The last tickers of symbols that were requested recently."""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.fields import get_decimal, get_price
from oms.adapters.ccxt.prices.price_parser import parse_book
from oms.adapters.ccxt.timings import Timings
from oms.domain.quotes import Quote
from oms.domain.value import evolve

_ONE = Decimal(1)
_log = logging.getLogger("oms.ccxt")


class TickerCache:
    """Keeps tickers up to date while they are requested.

    A ticker whose last read failed, or that is older than ``ticker_age_seconds_max``, is none. Ages
    are measured with ``monotonic``: steps of the system's clock do not change them. Where tickers
    have no best prices, those of the order book are read, ``book_depth`` levels of it.
    """

    def __init__(
        self,
        client: ExchangeClient,
        clock: Callable[[], datetime],
        timings: Timings,
        book_depth: int | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._clock = clock
        self._timings = timings
        self._book_depth = book_depth
        self._monotonic = monotonic
        #: When each symbol was last requested.
        self._requested: dict[str, float] = {}
        #: The last ticker of each symbol, and when it was read.
        self._quotes: dict[str, tuple[float, Quote]] = {}
        #: First reads in flight, by symbol, shared by their callers.
        self._first_reads: dict[str, asyncio.Task[None]] = {}
        self._has_new_symbol = asyncio.Event()

    def quote(self, symbol: str) -> Quote | None:
        """Returns the last ticker; it is kept up to date for a while from now on."""
        if symbol not in self._requested:
            self._has_new_symbol.set()
        self._requested[symbol] = self._monotonic()
        return self._current(symbol)

    async def fetch(self, symbol: str) -> Quote | None:
        """As ``quote``; a symbol without a current ticker is read first.

        Returns ``None`` if the read fails or takes longer than ``first_ticker_seconds``.
        """
        quote = self._current(symbol)
        if quote is None:
            read = self._first_reads.get(symbol)
            if read is None:
                read = self._first_reads[symbol] = asyncio.create_task(self._read(symbol))
                read.add_done_callback(lambda _: self._first_reads.pop(symbol, None))
            await asyncio.wait({read}, timeout=self._timings.first_ticker_seconds)
            if read.done() and not read.cancelled():
                read.result()  # raises bugs
        return self.quote(symbol)

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

    async def close(self) -> None:
        """Cancel first reads in flight."""
        reads = list(self._first_reads.values())
        for read in reads:
            read.cancel()
        if reads:
            await asyncio.wait(reads)

    def _current(self, symbol: str) -> Quote | None:
        read_at, quote = self._quotes.get(symbol, (0.0, None))
        is_current = self._monotonic() - read_at <= self._timings.ticker_age_seconds_max
        return quote if is_current else None

    async def _read_all(self) -> None:
        before = self._monotonic() - self._timings.ticker_lifetime_seconds
        for symbol, requested_at in list(self._requested.items()):
            if requested_at < before:
                del self._requested[symbol]
                self._quotes.pop(symbol, None)
            elif symbol not in self._first_reads:
                await self._read(symbol)

    async def _read(self, symbol: str) -> None:
        try:
            quote = await self._read_quote(symbol)
        except ReadFailed as failed:
            self._quotes.pop(symbol, None)
            _log.warning("no ticker of %s: %s", symbol, failed.message)
            return
        if quote is None:
            self._quotes.pop(symbol, None)
            return
        self._quotes[symbol] = (self._monotonic(), quote)

    async def _read_quote(self, symbol: str) -> Quote | None:
        """Returns the best prices; ``None`` if there are none. Raises ``ReadFailed``."""
        row = await self._client.read("fetch_ticker", symbol)
        last, mark = get_price(row, "last"), get_price(row, "markPrice")
        bid, ask = get_decimal(row, "bid"), get_decimal(row, "ask")
        if bid and ask:
            return Quote(
                symbol=symbol,
                bid=bid,
                ask=ask,
                bid_qty=get_decimal(row, "bidVolume"),
                ask_qty=get_decimal(row, "askVolume"),
                last=last,
                mark=mark,
                at=self._clock(),
            )
        book = await self._client.read("fetch_order_book", symbol, self._book_depth)
        try:
            best = parse_book(book, _ONE, symbol, self._clock())
        except ValueError:
            return None
        return None if best is None else evolve(best, bids=(), asks=(), last=last, mark=mark)
