"""Live prices of one venue, polled in rounds; updates are kept until they are taken.

Public data is read within the budget that all workers share: tickers of all subscribed symbols in
one request per kind of market, trades and order books of those subscribed with depth. Only symbols
requested recently are read. Requests are concurrent: one that hangs delays no other.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from oms.adapters.ccxt.client.market_cache import now_utc
from oms.adapters.ccxt.client.request_errors import ReadFailed, RequestError
from oms.adapters.ccxt.prices.price_parser import (
    parse_book,
    parse_mark,
    parse_public_trade,
    parse_quote,
)
from oms.adapters.ccxt.prices.symbol_prices import PublicPriceClient, SymbolPrices
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.errors import Refused
from oms.domain.instrument import InstrumentKind
from oms.domain.quotes import Quote
from oms.ports.price_feed import MarkPrice
from oms.task_cancellation import cancel_all

logger = logging.getLogger("oms.ccxt")

READ_INTERVAL_SECONDS = 1.0
SUBSCRIPTION_LIFETIME = timedelta(seconds=60)
"""How long a symbol is read after it was last requested."""

MARK_AGE_MAX = timedelta(seconds=10)
SLOW_SECONDS_MAX = 2.5
"""How long trades and marks wait at most where rounds are not further apart."""

REOPEN_SECONDS = (1.0, 2.0, 5.0, 15.0, 30.0)
RESTART_SECONDS = 5.0
"""Pause before reads that failed for no known reason start again."""

_FAILURES_MAX = 2
_PASSED_CODES = ("engine_unavailable", "host_mismatch", "extra_config_refused")


class PriceFeed:
    """The prices of one venue under one set of settings."""

    def __init__(
        self,
        venue: str,
        make_client: Callable[[], PublicPriceClient],
        *,
        timeout_seconds: float,
        interval_seconds: float = READ_INTERVAL_SECONDS,
        clock: Callable[[], datetime] = now_utc,
        restart_seconds: float = RESTART_SECONDS,
    ) -> None:
        """``timeout_seconds``: how long a reply may take; a later one is outdated."""
        self._venue = venue
        self._make_client = make_client
        self._timeout_seconds = timeout_seconds
        self._interval_seconds = interval_seconds
        #: Trades and marks cost more than prices, and lose nothing by waiting.
        self._slow_interval = timedelta(
            seconds=min(2.5 * interval_seconds, max(interval_seconds, SLOW_SECONDS_MAX))
        )
        self._marked_at: datetime | None = None
        self._clock = clock
        self._client: PublicPriceClient | None = None
        self._symbols: dict[str, SymbolPrices] = {}
        self._wake = asyncio.Event()
        self._in_flight: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._running: asyncio.Task[None] | None = None
        self._last_error: RequestError | None = None
        self._failures = 0
        self._waiters: list[Callable[[], None]] = []
        self._timeout_handle: asyncio.TimerHandle | None = None
        self._has_timed_out = False
        self._restart_seconds = restart_seconds
        self._restart_handle: asyncio.TimerHandle | None = None
        self._is_closed = False

    @property
    def client(self) -> PublicPriceClient | None:
        """The client, once it is open."""
        return self._client

    def subscribe(self, symbol: str, now: datetime, *, with_depth: bool = False) -> SymbolPrices:
        """Returns the prices of a symbol, which are kept up to date for a while from now on."""
        prices = self._symbols.get(symbol)
        if prices is None:
            prices = self._symbols[symbol] = SymbolPrices(now)
            self._wake.set()
        prices.requested_at = now
        if with_depth:
            if not prices.needs_detail(now):
                prices.trade_keys = prices.traded_at = None  # earlier trades are not reported
                self._wake.set()
            prices.detail_requested_at = now
        return prices

    def is_pending(self, symbol: str) -> bool:
        """Whether the first price of a symbol is still to come."""
        prices = self._symbols.get(symbol)
        if prices is None or prices.quote is not None or prices.has_failed:
            return False
        return self.unavailable_reason() is None

    def start(self) -> None:
        """Open the client, and read while there are subscriptions."""
        if self._running is None:
            loop = asyncio.get_running_loop()
            self._timeout_handle = loop.call_later(self._timeout_seconds, self._on_timeout)
            self._start_running()

    def _start_running(self) -> None:
        self._running = asyncio.get_running_loop().create_task(self._run())
        self._running.add_done_callback(self._on_end)

    def _on_end(self, task: asyncio.Task[None]) -> None:
        """Start again, after a pause, what ended with an error."""
        _log_failure(task)
        if self._is_closed or task.cancelled() or (failure := task.exception()) is None:
            return
        message = f"the reads of prices failed: {type(failure).__name__}"
        self._record_failure(ReadFailed("exchange_unavailable", message, retryable=True))
        self._notify_ready()
        loop = asyncio.get_running_loop()
        self._restart_handle = loop.call_later(self._restart_seconds, self._start_running)

    def is_ready(self) -> bool:
        """Whether the client is open, or failed, or did not open in time."""
        return self._client is not None or self._last_error is not None or self._has_timed_out

    def when_ready(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` once it is ready."""
        if not self.is_ready():
            self._waiters.append(callback)

    def unavailable_reason(self) -> Refused | None:
        """Returns why no prices come, as far as is known."""
        error = self._last_error
        if error is None or (self._client is not None and self._failures < _FAILURES_MAX):
            return None
        code = error.code if error.code in _PASSED_CODES else "exchange_unavailable"
        return Refused(code=code, message=error.message, reason=error.reason)

    async def close(self) -> None:
        """Close the feed for good."""
        self._is_closed = True
        for handle in (self._timeout_handle, self._restart_handle):
            if handle is not None:
                handle.cancel()
        tasks = [*self._in_flight.values()]
        if self._running is not None:
            tasks.append(self._running)
        await cancel_all(tasks)
        if self._client is not None:
            await self._client.close()

    async def _run(self) -> None:
        client = self._client or await self._open_client()
        while True:
            self._wake.clear()
            self._start_round(client)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval_seconds if self._symbols else None):
                    await self._wake.wait()

    async def _open_client(self) -> PublicPriceClient:
        for tries in range(1_000_000_000):
            client = self._make_client()
            try:
                await client.open()
            except RequestError as error:
                self._record_failure(error)
                self._notify_ready()
                pause = REOPEN_SECONDS[min(tries, len(REOPEN_SECONDS) - 1)]
                await asyncio.sleep(max(pause, error.retry_after or 0.0))
            else:
                break
        self._client = client
        self._last_error, self._failures = None, 0
        self._notify_ready()
        return client

    def _on_timeout(self) -> None:
        self._has_timed_out = True
        self._notify_ready()

    def _notify_ready(self) -> None:
        waiting, self._waiters = self._waiters, []
        for callback in waiting:
            callback()

    def _start_round(self, client: PublicPriceClient) -> None:
        """Start the reads that are due and not in flight."""
        now = self._clock()
        by_kind: dict[InstrumentKind, list[str]] = {}
        for symbol, prices in list(self._symbols.items()):
            instrument = client.instruments.get(symbol)
            if abs(now - prices.requested_at) > SUBSCRIPTION_LIFETIME:
                del self._symbols[symbol]
            elif instrument is None:
                prices.has_failed = True  # the venue does not trade it
            else:
                by_kind.setdefault(instrument.kind, []).append(symbol)
                if prices.needs_detail(now):
                    self._start(("book", symbol), self._read_detail(client, symbol, prices))
        for kind, symbols in by_kind.items():
            self._start(("tickers", kind.value), self._read_tickers(client, symbols))
        contracts = [
            symbol
            for kind, symbols in by_kind.items()
            for symbol in symbols
            if kind is not InstrumentKind.SPOT
        ]
        is_time = self._marked_at is None or abs(now - self._marked_at) >= self._slow_interval
        if contracts and is_time and client.has("fetchMarkPrices"):
            self._marked_at = now
            self._start(("marks", ""), self._read_marks(client, contracts))

    def _start(self, name: tuple[str, str], work: Coroutine[Any, Any, None]) -> None:
        if name in self._in_flight:
            work.close()
            return
        self._in_flight[name] = task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(lambda done: self._on_done(name, done))

    def _on_done(self, name: tuple[str, str], task: asyncio.Task[None]) -> None:
        self._in_flight.pop(name, None)
        _log_failure(task)

    async def _read_tickers(self, client: PublicPriceClient, symbols: list[str]) -> None:
        """The best prices of all symbols; one without a ticker is read by its order book."""
        at = self._clock()
        method = "fetch_bids_asks" if client.has("fetchBidsAsks") else "fetch_tickers"
        reply = await self._call(client, symbols, method, symbols)
        for symbol in symbols if reply is not None else ():
            prices, row = self._symbols.get(symbol), reply.get(symbol) or {}
            if prices is None:
                continue
            if not prices.needs_detail(at):
                quote = parse_quote(row, client.instruments[symbol].amount_unit, symbol, at)
                if quote is None:
                    self._start(("book", symbol), self._read_book(client, symbol, prices))
                else:
                    prices.apply(quote)
                    _replace_old_mark(prices, quote)
            mark = parse_mark(row, symbol, at)
            if mark is not None:
                prices.apply(mark)

    async def _read_detail(
        self, client: PublicPriceClient, symbol: str, prices: SymbolPrices
    ) -> None:
        """Trades at intervals, and the order book after them; without it nothing is reported."""
        rows, now = None, self._clock()
        if prices.traded_at is None or abs(now - prices.traded_at) >= self._slow_interval:
            rows = await self._call(client, (), "fetch_trades", symbol)
            prices.traded_at = now if rows is not None else prices.traded_at
        await self._read_book(client, symbol, prices, rows)

    async def _read_marks(self, client: PublicPriceClient, symbols: list[str]) -> None:
        """Marks, where tickers do not contain them."""
        at = self._clock()
        reply = await self._call(client, (), "fetch_mark_prices", symbols)
        for symbol in symbols if reply is not None else ():
            prices, mark = (
                self._symbols.get(symbol),
                parse_mark(reply.get(symbol) or {}, symbol, at),
            )
            if prices is not None and mark is not None:
                prices.apply(mark)

    async def _read_book(
        self,
        client: PublicPriceClient,
        symbol: str,
        prices: SymbolPrices,
        trades: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        at = self._clock()
        depth = get_profile(self._venue).book_depth
        args = (symbol,) if depth is None else (symbol, depth)
        reply = await self._call(client, [symbol], "fetch_order_book", *args)
        unit = client.instruments[symbol].amount_unit
        quote = None if reply is None else parse_book(reply, unit, symbol, at)
        if quote is None:
            return
        if trades is not None:
            new, ahead = prices.new_trades(trades), client.clock_ahead_ms
            prices.add_trades([parse_public_trade(row, unit, symbol, ahead, at) for row in new])
        prices.apply(quote)
        _replace_old_mark(prices, quote)

    async def _call(
        self, client: PublicPriceClient, symbols: Sequence[str], method: str, *args: Any
    ) -> Any:
        """Returns the reply; ``None`` if it failed or timed out: ``symbols`` have no price."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                reply = await client.call(method, *args)
        except TimeoutError:
            message = f"no answer to {method} within {self._timeout_seconds:g} s"
            self._record_failure(
                ReadFailed("exchange_unavailable", message, retryable=True), symbols
            )
        except RequestError as error:
            self._record_failure(error, symbols)
        else:
            self._last_error, self._failures = None, 0
            return reply
        return None

    def _record_failure(self, error: RequestError, symbols: Sequence[str] = ()) -> None:
        if not self._failures:
            logger.warning("live_prices_unreachable venue=%s why=%s", self._venue, error.message)
        self._last_error = error
        self._failures += 1
        for symbol in symbols:
            if symbol in self._symbols:
                self._symbols[symbol].has_failed = True


def _replace_old_mark(prices: SymbolPrices, quote: Quote) -> None:
    """Without a recent mark the mid price counts, as where there never was a mark."""
    if prices.marked_at is not None and abs(quote.at - prices.marked_at) > MARK_AGE_MAX:
        prices.apply(MarkPrice(symbol=quote.symbol, price=quote.mid, at=quote.at))


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (failure := task.exception()) is not None:
        logger.error("live_prices_failed", exc_info=failure)
