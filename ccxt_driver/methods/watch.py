"""``watch_*``: answers as soon as there is news, from the stream or, while it is down, over HTTP.

Each question (kind, symbols, strategy) has its own place: its first answer holds what is open,
every later one what was not answered before. An empty list says that the time is over.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ccxt_driver.capabilities import HAS, WATCH_HAS
from ccxt_driver.errors import driver_error
from ccxt_driver.methods.driver import Driver
from ccxt_driver.sansio import candles, read_flows
from ccxt_driver.sansio.account_cache import (
    KINDS,
    ORDERS,
    POSITIONS,
    TRADES,
    AccountCache,
    WatchQueue,
    extract_rows,
)
from ccxt_driver.sansio.flow import NO_PARAMS, Flow, Params
from ccxt_driver.sansio.poll_flows import catch_up, poll
from ccxt_driver.structures import Structure
from ccxt_driver.transport.stream import GatewayStream

POLL_INTERVAL_SECONDS = 1.0
WATCH_TIMEOUT_SECONDS = 30.0
_OTHER_NAMES = {"my_trades": TRADES, "deals": TRADES, "deal": TRADES}


class WatchMethods(Driver):
    """ccxt.pro's methods; a subclass says how plans are awaited."""

    own_has: Mapping[str, bool] = {**HAS, **WATCH_HAS}
    pro = True
    poll_interval_seconds = POLL_INTERVAL_SECONDS
    watch_timeout_seconds = WATCH_TIMEOUT_SECONDS
    _following: AccountCache | None = None
    _stream: GatewayStream | None = None

    async def watch_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> list[Structure]:
        """Orders that are open, then each as it changes; at most ``limit`` an answer."""
        shape = self._terms().shapes.order
        return await self._watch(ORDERS, _named(symbol), shape, since, limit, params)

    async def watch_my_trades(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> list[Structure]:
        """Deals as they happen."""
        shape = self._terms().shapes.trade
        return await self._watch(TRADES, _named(symbol), shape, since, limit, params)

    async def watch_positions(
        self,
        symbols: Sequence[str] | str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> list[Structure]:
        """Positions that are open, then each as it changes."""
        shape = self._terms().shapes.position
        return await self._watch(POSITIONS, _named(symbols), shape, since, limit, params)

    async def close(self) -> None:
        """End the stream; the next call begins one."""
        stream, self._stream, self._following = self._stream, None, None
        if stream is not None and stream.loop is asyncio.get_running_loop():
            await stream.close()

    async def _run_async(self, plan: Flow[Any]) -> Any:
        """Carry out a plan without blocking the loop."""
        raise NotImplementedError

    def _connected_stream(self) -> GatewayStream:
        """The one stream; another event loop gets one of its own that goes on from there."""
        if self._following is None:
            self._following = AccountCache(account_id=self.account_id)
        if self._stream is None or self._stream.loop is not asyncio.get_running_loop():
            self._stream = GatewayStream(
                base_url=self.base_url,
                api_key=self.apiKey,
                following=self._following,
                timeout_seconds=self.timeout_seconds,
            )
        return self._stream

    async def _watch(
        self,
        kind: str,
        symbols: frozenset[str],
        shape: Callable[[Mapping[str, Any]], Structure],
        since: int | None,
        limit: int | None,
        params: Params | None,
    ) -> list[Structure]:
        told = params or NO_PARAMS
        stream = self._connected_stream()
        watcher = stream.following.watcher(kind, symbols, self._terms().strategy_id_for(told))
        ends_at = time.monotonic() + self._seconds(told, "watch_timeout_seconds")
        is_polling = bool(told.get("force_polling"))
        if not is_polling:
            stream.start()
        while True:
            rows = _taken(stream.following, watcher, shape, since, limit)
            left = ends_at - time.monotonic()
            if rows or left <= 0:
                return rows
            await self._more(stream, watcher, told, left, is_polling)

    async def _more(
        self,
        stream: GatewayStream,
        watcher: WatchQueue,
        params: Params,
        left: float,
        is_polling: bool,
    ) -> None:
        """Wait for news, or ask for them."""
        following = stream.following
        if stream.is_up and not is_polling:
            is_behind = watcher.kind not in following.known or following.unlisted
            if is_behind and following.seq is not None:
                await self._run_async(catch_up(following, self._terms()))
            else:
                await stream.changed(left)
        elif stream.has_failed or is_polling:
            wait = min(left, self._seconds(params, "poll_interval_seconds"))
            async with stream.asking:
                if not watcher.waiting:
                    await self._poll(stream, wait)
        else:
            await stream.changed(left)

    async def _poll(self, stream: GatewayStream, seconds: float) -> None:
        """One round over HTTP that lasts about so long, or until there is news."""
        began = time.monotonic()
        before = stream.following.news
        wait = min(seconds, self.timeout_seconds / 2)
        await self._run_async(poll(stream.following, self._terms(), wait))
        left = seconds - (time.monotonic() - began)
        if stream.following.news == before and left > 0:
            await stream.changed(left)

    def _seconds(self, params: Params, name: str) -> float:
        given = params.get(name)
        return float(getattr(self, name) if given is None else given)

    def _extract_ws_rows(
        self, *, kind: str, msg: Mapping[str, Any], symbol: str | None = None
    ) -> list[Any]:
        """The rows of ``orders``, ``trades`` or ``positions`` that a frame brings."""
        plural = kind if kind.endswith("s") else f"{kind}s"
        known = _OTHER_NAMES.get(kind, plural)
        return extract_rows(known, msg, _named(symbol)) if known in KINDS else []

    async def watch_ticker(self, symbol: str, params: Params = NO_PARAMS) -> Any:
        """The ticker, when it has changed."""
        told = await self._watch_market("ticker", symbol, params, "fetch_ticker", [symbol])
        self.tickers[symbol] = told
        return told

    async def watch_order_book(
        self, symbol: str, limit: int | None = None, params: Params = NO_PARAMS
    ) -> Any:
        """The order book, when it has changed."""
        options = {} if limit is None else {"depth": limit}
        args = [symbol, *options.values()]
        told = await self._watch_market(
            "orderbook", symbol, params, "fetch_order_book", args, **options
        )
        self.orderbooks[symbol] = told
        return told

    async def watch_trades(
        self,
        symbol: str,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """The public trades, when there are new ones."""
        options = {} if limit is None else {"limit": limit}
        args = [symbol, since, limit]
        data = await self._watch_market("trades", symbol, params, "fetch_trades", args, **options)
        return _windowed(data, since, limit, lambda trade: trade.get("timestamp"))

    async def watch_ohlcv(
        self,
        symbol: str,
        timeframe: str = "1m",
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """The candles, when they have changed; all that were watched stay in ``ohlcvs``."""
        options: dict[str, Any] = {"timeframe": timeframe}
        if limit is not None:
            options["limit"] = limit
        args = [symbol, timeframe, since, limit]
        data = await self._watch_market("ohlcv", symbol, params, "fetch_ohlcv", args, **options)
        if isinstance(data, list):
            of_symbol = self.ohlcvs.setdefault(symbol, {})
            of_symbol[timeframe] = candles.merge_candles(of_symbol.get(timeframe, ()), data)
        return _windowed(data, since, limit, lambda candle: candle[0])

    async def _watch_market(
        self,
        channel: str,
        symbol: str,
        params: Params | None,
        func: str,
        args: Sequence[Any],
        **options: Any,
    ) -> Any:
        told = params or NO_PARAMS
        interval = self._seconds(told, "poll_interval_seconds")
        data = None
        if not told.get("force_polling"):
            data = await self._watch_market_via_ws(
                channel,
                symbol=symbol,
                timeout_s=self._seconds(told, "watch_timeout_seconds"),
                poll_interval_ms=int(interval * 1000),
                **options,
            )
        if data is not None:
            return data
        await self._pace((channel, symbol.upper(), *map(str, options.values())), interval)
        theirs = {name: told[name] for name in told if name not in _OUR_PARAMS}
        return await self._run_async(read_flows.fetch_market(self._terms(), func, args, theirs))

    async def _watch_market_via_ws(
        self, channel: str, *, symbol: str, timeout_s: float, **options: Any
    ) -> Any:
        """The newest data that the gateway pushes; ``None`` if it pushes none in time, or ever."""
        stream = self._connected_stream()
        stream.start()
        feed = await stream.feed(channel, symbol, options)
        ends_at = time.monotonic() + timeout_s
        while not feed.is_refused and not stream.has_failed:
            data, left = feed.taken(), ends_at - time.monotonic()
            if data is not None or left <= 0:
                return data
            await stream.changed(left)
        return None

    async def _pace(self, question: tuple[str, ...], seconds: float) -> None:
        """Let some time pass between two answers to a question that are asked for over HTTP."""
        asked: dict[tuple[str, ...], float] = vars(self).setdefault("_asked_at", {})
        left = asked.get(question, 0) + seconds - time.monotonic()
        if left > 0:
            await asyncio.sleep(left)
        asked[question] = time.monotonic()


_OUR_PARAMS = frozenset(
    {"watch_timeout_seconds", "poll_interval_seconds", "force_polling", "strategy_id"}
)


def _named(symbols: Sequence[str] | str | None) -> frozenset[str]:
    named = [symbols] if isinstance(symbols, str) else symbols or ()
    return frozenset(symbol.upper() for symbol in named)


def _taken(
    following: AccountCache,
    watcher: WatchQueue,
    shape: Callable[[Mapping[str, Any]], Structure],
    since: int | None,
    limit: int | None,
) -> list[Structure]:
    """Rows that wait, at most ``limit``; the others go on waiting."""
    if watcher.has_overflowed:
        following.forget(watcher)
        message = f"too many {watcher.kind} waited to be watched: some were dropped"
        raise driver_error("ExchangeError", message, code="slow_consumer", outcome=None)
    found: list[Structure] = []
    while watcher.waiting and (limit is None or len(found) < limit):
        told = shape(watcher.waiting.popleft())
        if since is None or (told["timestamp"] or 0) >= since:
            found.append(told)
    return found


def _windowed(data: Any, since: int | None, limit: int | None, when: Callable[[Any], Any]) -> Any:
    """A list's rows from ``since`` on, the newest ``limit`` of them."""
    if not isinstance(data, list):
        return data
    rows = [row for row in data if since is None or (when(row) or 0) >= since]
    return rows if limit is None else rows[-limit:]
