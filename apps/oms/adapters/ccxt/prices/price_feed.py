"""The live prices of one venue, read in turns; what is new is kept for those who take it over.

Public data are read within the budget that all workers share for them: tickers of all wanted
symbols in one request a kind of market, trades and book of those that are wished closely. Only
what somebody asked for lately is read. Each request flies alone: one that hangs holds up no other.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
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
from oms.domain.errors import Refused
from oms.domain.instrument import InstrumentKind
from oms.domain.money import add, multiply
from oms.ports.price_feed import MarkPrice

logger = logging.getLogger("oms.ccxt")

READ_INTERVAL_SECONDS = 1.0
SUBSCRIPTION_LIFETIME = timedelta(seconds=60)
"""How long a symbol is read after it was asked for last."""

MARK_AGE_MAX = timedelta(seconds=10)
REOPEN_SECONDS = (1.0, 2.0, 5.0, 15.0, 30.0)
_FAILURES_SHOWN = 2
_HALF = Decimal("0.5")
_TOLD = ("engine_unavailable", "host_mismatch", "extra_config_refused")
#: Levels asked for, where the venue takes any such number; elsewhere its usual ones.
_DEPTH = {"binance": 50, "bybit": 50}


class PriceFeed:
    """The prices of one venue under one set of settings."""

    def __init__(
        self,
        venue: str,
        make: Callable[[], PublicPriceClient],
        *,
        timeout_seconds: float,
        every: float = READ_INTERVAL_SECONDS,
        clock: Callable[[], datetime] = now_utc,
    ) -> None:
        """``patience``: seconds that an answer may take; what comes later is old news."""
        self._venue = venue
        self._make = make
        self._patience = timeout_seconds
        self._every = every
        #: Trades and marks weigh more than prices, and miss nothing by waiting.
        self._seldom = timedelta(seconds=2.5 * every)
        self._marked_at: datetime | None = None
        self._clock = clock
        self._client: PublicPriceClient | None = None
        self._symbols: dict[str, SymbolPrices] = {}
        self._wish = asyncio.Event()
        self._flying: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._running: asyncio.Task[None] | None = None
        self._fault: RequestError | None = None
        self._failures = 0
        self._waiting: list[Callable[[], None]] = []
        self._limit: asyncio.TimerHandle | None = None
        self._is_late = False

    @property
    def client(self) -> PublicPriceClient | None:
        """The client, once it is open."""
        return self._client

    def subscribe(self, symbol: str, now: datetime, *, with_depth: bool = False) -> SymbolPrices:
        """What is known of a symbol, which is kept fresh from now on for a while."""
        prices = self._symbols.get(symbol)
        if prices is None:
            prices = self._symbols[symbol] = SymbolPrices(now)
            self._wish.set()
        prices.requested_at = now
        if with_depth:
            if not prices.needs_detail(now):
                prices.keys = prices.traded_at = None  # trades before that are nobody's
                self._wish.set()
            prices.detail_requested_at = now
        return prices

    def is_pending(self, symbol: str) -> bool:
        """Whether the first price of a symbol is on its way."""
        prices = self._symbols.get(symbol)
        if prices is None or prices.quote is not None or prices.has_failed:
            return False
        return self.unavailable_reason() is None

    def begin(self) -> None:
        """Open the client, and read as long as somebody asks."""
        if self._running is None:
            loop = asyncio.get_running_loop()
            self._running = loop.create_task(self._run())
            self._running.add_done_callback(_tell_of_bugs)
            self._limit = loop.call_later(self._patience, self._take_too_long)

    def is_ready(self) -> bool:
        """Whether it is open, or known to be in trouble, or takes too long to be waited for."""
        return self._client is not None or self._fault is not None or self._is_late

    def when_ready(self, tell: Callable[[], None]) -> None:
        """Call ``tell`` once it is."""
        if not self.is_ready():
            self._waiting.append(tell)

    def unavailable_reason(self) -> Refused | None:
        """Why no prices come, as far as is known."""
        fault = self._fault
        if fault is None or (self._client is not None and self._failures < _FAILURES_SHOWN):
            return None
        code = fault.code if fault.code in _TOLD else "exchange_unavailable"
        return Refused(code=code, message=fault.message, reason=fault.reason)

    async def close(self) -> None:
        """End it for good."""
        if self._limit is not None:
            self._limit.cancel()
        tasks = [*self._flying.values()]
        if self._running is not None:
            tasks.append(self._running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    async def _run(self) -> None:
        client = await self._opened()
        while True:
            self._wish.clear()
            self._begin_round(client)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every if self._symbols else None):
                    await self._wish.wait()

    async def _opened(self) -> PublicPriceClient:
        for tries in range(1_000_000_000):
            client = self._make()
            try:
                await client.open()
            except RequestError as fault:
                self._failed(fault)
                self._tell_ready()
                pause = REOPEN_SECONDS[min(tries, len(REOPEN_SECONDS) - 1)]
                await asyncio.sleep(max(pause, fault.retry_after or 0.0))
            else:
                break
        self._client = client
        self._fault, self._failures = None, 0
        self._tell_ready()
        return client

    def _take_too_long(self) -> None:
        self._is_late = True
        self._tell_ready()

    def _tell_ready(self) -> None:
        waiting, self._waiting = self._waiting, []
        for tell in waiting:
            tell()

    def _begin_round(self, client: PublicPriceClient) -> None:
        """Ask for what is wanted, but for what is being asked for still."""
        now = self._clock()
        by_kind: dict[InstrumentKind, list[str]] = {}
        for symbol, prices in list(self._symbols.items()):
            instrument = client.instruments.get(symbol)
            if now - prices.requested_at > SUBSCRIPTION_LIFETIME:
                del self._symbols[symbol]
            elif instrument is None:
                prices.has_failed = True  # the venue does not trade it
            else:
                by_kind.setdefault(instrument.kind, []).append(symbol)
                if prices.needs_detail(now):
                    self._fly(("book", symbol), self._read_closely(client, symbol, prices))
        for kind, symbols in by_kind.items():
            self._fly(("tickers", kind.value), self._read_tickers(client, symbols))
        contracts = by_kind.get(InstrumentKind.LINEAR, [])
        is_time = self._marked_at is None or now - self._marked_at >= self._seldom
        if contracts and is_time and client.has("fetchMarkPrices"):
            self._fly(("marks", ""), self._read_marks(client, contracts))

    def _fly(self, name: tuple[str, str], work: Coroutine[Any, Any, None]) -> None:
        if name in self._flying:
            work.close()
            return
        self._flying[name] = task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(lambda done: self._landed(name, done))

    def _landed(self, name: tuple[str, str], task: asyncio.Task[None]) -> None:
        self._flying.pop(name, None)
        _tell_of_bugs(task)

    async def _read_tickers(self, client: PublicPriceClient, symbols: list[str]) -> None:
        """The best prices of all; one that has none there is read by its book."""
        at = self._clock()
        method = "fetch_bids_asks" if client.has("fetchBidsAsks") else "fetch_tickers"
        told = await self._asked(client, symbols, method, symbols)
        for symbol in symbols if told is not None else ():
            prices, row = self._symbols.get(symbol), told.get(symbol) or {}
            if prices is None:
                continue
            if not prices.needs_detail(at):
                quote = parse_quote(row, client.instruments[symbol].amount_unit, symbol, at)
                if quote is None:
                    self._fly(("book", symbol), self._read_book(client, symbol, prices))
                else:
                    prices.tell(quote)
            mark = parse_mark(row, symbol, at)
            if mark is not None:
                prices.tell(mark)

    async def _read_closely(
        self, client: PublicPriceClient, symbol: str, prices: SymbolPrices
    ) -> None:
        """Trades now and then, and the book that they left; without it nothing is told."""
        rows, now = None, self._clock()
        if prices.traded_at is None or now - prices.traded_at >= self._seldom:
            rows = await self._asked(client, (), "fetch_trades", symbol)
            prices.traded_at = now if rows is not None else prices.traded_at
        await self._read_book(client, symbol, prices, rows)

    async def _read_marks(self, client: PublicPriceClient, symbols: list[str]) -> None:
        """Marks, where tickers do not tell them."""
        at = self._marked_at = self._clock()
        told = await self._asked(client, (), "fetch_mark_prices", symbols)
        for symbol in symbols if told is not None else ():
            prices, mark = self._symbols.get(symbol), parse_mark(told.get(symbol) or {}, symbol, at)
            if prices is not None and mark is not None:
                prices.tell(mark)

    async def _read_book(
        self,
        client: PublicPriceClient,
        symbol: str,
        prices: SymbolPrices,
        trades: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        at = self._clock()
        depth = _DEPTH.get(self._venue)
        args = (symbol,) if depth is None else (symbol, depth)
        told = await self._asked(client, [symbol], "fetch_order_book", *args)
        unit = client.instruments[symbol].amount_unit
        quote = None if told is None else parse_book(told, unit, symbol, at)
        if quote is None:
            return
        if trades is not None:
            new, ahead = prices.new_trades(trades), client.clock_ahead_ms
            prices.add_trades([parse_public_trade(row, unit, symbol, ahead, at) for row in new])
        prices.tell(quote)
        if prices.marked_at is not None and at - prices.marked_at > MARK_AGE_MAX:
            # A mark that is not told any more is the middle, as where none ever was.
            middle = multiply(add(quote.bid, quote.ask), _HALF)
            prices.tell(MarkPrice(symbol=symbol, price=middle, at=at))

    async def _asked(
        self, client: PublicPriceClient, symbols: Sequence[str], method: str, *args: Any
    ) -> Any:
        """An answer in time, or ``None``; ``symbols`` have no price then."""
        try:
            async with asyncio.timeout(self._patience):
                told = await client.ask(method, *args)
        except TimeoutError:
            message = f"no answer to {method} within {self._patience:g} s"
            self._failed(ReadFailed("exchange_unavailable", message, retryable=True), symbols)
        except RequestError as fault:
            self._failed(fault, symbols)
        else:
            self._fault, self._failures = None, 0
            return told
        return None

    def _failed(self, fault: RequestError, symbols: Sequence[str] = ()) -> None:
        if not self._failures:
            logger.warning("live_prices_unreachable venue=%s why=%s", self._venue, fault.message)
        self._fault = fault
        self._failures += 1
        for symbol in symbols:
            if symbol in self._symbols:
                self._symbols[symbol].has_failed = True


def _tell_of_bugs(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (broken := task.exception()) is not None:
        logger.error("live_prices_failed", exc_info=broken)
