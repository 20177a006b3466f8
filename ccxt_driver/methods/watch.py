"""``watch_*``: return new rows as soon as they arrive, by the stream or over HTTP while it is down.

Each watch (kind, symbols, strategy) has its own queue: the first call returns what is open, later
calls return rows not returned before. An empty list means that the timeout has passed.
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
from ccxt_driver.transport.pending_watches import PendingWatches, WatchName
from ccxt_driver.transport.stream import GatewayStream

POLL_INTERVAL_SECONDS = 1.0
WATCH_TIMEOUT_SECONDS = 30.0
_KIND_ALIASES = {"my_trades": TRADES, "deals": TRADES, "deal": TRADES}


class WatchMethods(Driver):
    """ccxt.pro's methods; a subclass runs the flows asynchronously."""

    own_has: Mapping[str, bool] = {**HAS, **WATCH_HAS}
    pro = True
    poll_interval_seconds = POLL_INTERVAL_SECONDS
    watch_timeout_seconds = WATCH_TIMEOUT_SECONDS
    _cache: AccountCache | None = None
    _stream: GatewayStream | None = None

    async def watch_orders(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> list[Structure]:
        """Returns open orders, then changed orders; at most ``limit`` per call."""
        return await self._watch_rows(ORDERS, symbol, since, limit, params)

    async def watch_my_trades(
        self,
        symbol: str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> list[Structure]:
        """Returns new deals."""
        return await self._watch_rows(TRADES, symbol, since, limit, params)

    async def watch_positions(
        self,
        symbols: Sequence[str] | str | None = None,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> list[Structure]:
        """Returns open positions, then changed ones; with ``marks`` also as their marks change."""
        return await self._watch_rows(POSITIONS, symbols, since, limit, params)

    async def close(self) -> None:
        """Closes the stream; the next ``watch_*`` opens one."""
        stream, self._stream, self._cache = self._stream, None, None
        if stream is not None and stream.loop is asyncio.get_running_loop():
            await stream.close()

    async def _run_async(self, flow: Flow[Any]) -> Any:
        """Runs a flow without blocking the event loop."""
        raise NotImplementedError

    def _current_stream(self) -> GatewayStream:
        """Returns the stream of the running event loop; the cache is shared between loops."""
        if self._cache is None:
            self._cache = AccountCache(account_id=self.account_id)
        if self._stream is None or self._stream.loop is not asyncio.get_running_loop():
            self._stream = GatewayStream(
                base_url=self.base_url,
                api_key=self.apiKey,
                cache=self._cache,
                timeout_seconds=self.timeout_seconds,
                on_connected=self.on_connected,
            )
        return self._stream

    def on_connected(self, client: Any, message: Any = None) -> None:
        """Called with each connection of the stream; a subclass may override it, as in ccxt.pro."""

    async def _watch_rows(
        self,
        kind: str,
        symbols: Sequence[str] | str | None,
        since: int | None,
        limit: int | None,
        params: Params | None,
    ) -> list[Structure]:
        named = [symbols] if isinstance(symbols, str) else list(symbols or ())
        resolved = await self._run_async(self._resolve_known(named))
        convert = self._converter(kind)
        rows = await self._watch(kind, _symbol_set(resolved), convert, since, limit, params)
        if self._lacks_sizes(rows):
            await self._run_async(self._load_for_symbols())
            rows = [self._converter(kind)(row["info"]) for row in rows]
        return rows

    def _converter(self, kind: str) -> Callable[[Mapping[str, Any]], Structure]:
        structures = self._context().structures
        converters = {ORDERS: structures.order, TRADES: structures.trade}
        return converters.get(kind, structures.position)

    async def _watch(
        self,
        kind: str,
        symbols: frozenset[str],
        convert: Callable[[Mapping[str, Any]], Structure],
        since: int | None,
        limit: int | None,
        params: Params | None,
    ) -> list[Structure]:
        watch = self._watch_queue(kind, symbols, convert, since, limit, params or NO_PARAMS)
        return await self._pending_watches().run(WatchName(kind), watch)

    async def _watch_queue(
        self,
        kind: str,
        symbols: frozenset[str],
        convert: Callable[[Mapping[str, Any]], Structure],
        since: int | None,
        limit: int | None,
        params: Params,
    ) -> list[Structure]:
        stream = self._current_stream()
        with_marks = kind == POSITIONS and bool(params.get("marks"))
        strategy_id = self._context().strategy_id_for(params)
        queue = stream.cache.queue(kind, symbols, strategy_id, with_marks=with_marks)
        ends_at = time.monotonic() + self._seconds(params, "watch_timeout_seconds")
        is_polling = bool(params.get("force_polling"))
        if not is_polling:
            stream.start()
            await stream.update_marks()
        while True:
            rows = _take_rows(stream.cache, queue, convert, since, limit)
            seconds_left = ends_at - time.monotonic()
            if rows or seconds_left <= 0:
                return rows
            await self._wait_rows(stream, queue, params, seconds_left, is_polling)

    async def _wait_rows(
        self,
        stream: GatewayStream,
        queue: WatchQueue,
        params: Params,
        seconds_left: float,
        is_polling: bool,
    ) -> None:
        """Waits for the stream, or polls over HTTP."""
        cache = stream.cache
        if stream.is_live and not is_polling:
            is_behind = queue.kind not in cache.synced_kinds or cache.unlisted
            if is_behind and cache.seq is not None:
                await self._run_async(catch_up(cache, self._context()))
            else:
                await stream.wait_changed(seconds_left)
        elif stream.has_failed or is_polling:
            seconds = min(seconds_left, self._seconds(params, "poll_interval_seconds"))
            async with stream.polling_lock:
                if not queue.pending:
                    await self._poll(stream, seconds)
        else:
            await stream.wait_changed(seconds_left)

    async def _poll(self, stream: GatewayStream, seconds: float) -> None:
        """Polls once over HTTP; lasts for ``seconds``, or until there are changes."""
        started_at = time.monotonic()
        change_count = stream.cache.change_count
        wait_seconds = min(seconds, self.timeout_seconds / 2)
        await self._run_async(poll(stream.cache, self._context(), wait_seconds))
        seconds_left = seconds - (time.monotonic() - started_at)
        if stream.cache.change_count == change_count and seconds_left > 0:
            await stream.wait_changed(seconds_left)

    def _seconds(self, params: Params, name: str) -> float:
        value = params.get(name)
        return float(getattr(self, name) if value is None else value)

    def _extract_ws_rows(
        self, *, kind: str, msg: Mapping[str, Any], symbol: str | None = None
    ) -> list[Any]:
        """Returns the ``orders``, ``trades`` or ``positions`` of a frame as ccxt's structures."""
        plural = kind if kind.endswith("s") else f"{kind}s"
        row_kind = _KIND_ALIASES.get(kind, plural)
        if row_kind not in KINDS:
            return []
        convert = self._converter(row_kind)
        return [convert(row) for row in extract_rows(row_kind, msg, _symbol_set(symbol))]

    async def watch_ticker(self, symbol: str, params: Params = NO_PARAMS) -> Any:
        """Returns the ticker when it has changed."""
        return await self._watch_ticker("ticker", symbol, params, self.tickers)

    async def _watch_ticker(
        self, kind: str, symbol: str, params: Params, cache: dict[str, Any]
    ) -> Any:
        symbol = await self._run_async(self._resolve_known(symbol))
        name = WatchName(kind, symbol.upper())
        cache[symbol] = await self._watch_market("ticker", name, params, "fetch_ticker", [symbol])
        return cache[symbol]

    async def watch_order_book(
        self, symbol: str, limit: int | None = None, params: Params = NO_PARAMS
    ) -> Any:
        """Returns the order book when it has changed."""
        symbol = await self._run_async(self._resolve_known(symbol))
        options = {} if limit is None else {"depth": limit}
        args = [symbol, *options.values()]
        name = WatchName("orderbook", symbol.upper())
        order_book = await self._watch_market(
            "orderbook", name, params, "fetch_order_book", args, **options
        )
        self.orderbooks[symbol] = order_book
        return order_book

    async def watch_trades(
        self,
        symbol: str,
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """Returns the public trades when there are new ones."""
        symbol = await self._run_async(self._resolve_known(symbol))
        options = {} if limit is None else {"limit": limit}
        args = [symbol, since, limit]
        name = WatchName("trades", symbol.upper())
        data = await self._watch_market("trades", name, params, "fetch_trades", args, **options)
        return _window(data, since, limit, lambda trade: trade.get("timestamp"))

    async def watch_ohlcv(
        self,
        symbol: str,
        timeframe: str = "1m",
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """Returns candles that are new or have changed; ``ohlcvs`` caches all that were watched.

        With ``newUpdates`` set to ``False`` all of them are returned.
        """
        symbol = await self._run_async(self._resolve_known(symbol))
        options: dict[str, Any] = {"timeframe": timeframe}
        if limit is not None:
            options["limit"] = limit
        args = [symbol, timeframe, since, limit]
        name = WatchName("ohlcv", symbol.upper(), timeframe)
        data = await self._watch_market("ohlcv", name, params, "fetch_ohlcv", args, **options)
        if isinstance(data, list):
            by_timeframe = self.ohlcvs.setdefault(symbol, {})
            cached = by_timeframe.get(timeframe, ())
            merged = candles.merge_candles(cached, data)
            by_timeframe[timeframe] = merged
            data = candles.changed_candles(cached, data) if self.newUpdates else merged
        return _window(data, since, limit, lambda candle: candle[0])

    async def _watch_market(
        self,
        channel: str,
        name: WatchName,
        params: Params | None,
        func: str,
        args: Sequence[Any],
        **options: Any,
    ) -> Any:
        """Returns new data; raises ``UnsubscribeError`` if the watch is ended meanwhile."""
        watch = self._read_watched(channel, name, params or NO_PARAMS, func, args, options)
        return await self._pending_watches().run(name, watch)

    async def _read_watched(
        self,
        channel: str,
        name: WatchName,
        params: Params,
        func: str,
        args: Sequence[Any],
        options: Mapping[str, Any],
    ) -> Any:
        interval_seconds = self._seconds(params, "poll_interval_seconds")
        data = None
        if not params.get("force_polling"):
            data = await self._watch_market_via_ws(
                channel,
                symbol=args[0],
                timeout_s=self._seconds(params, "watch_timeout_seconds"),
                kind=name.kind,
                poll_interval_ms=int(interval_seconds * 1000),
                **options,
            )
        if data is not None:
            return data
        query = (*name, *map(str, options.values()))
        await self._limit_rate(query, interval_seconds)
        exchange_params = {key: params[key] for key in params if key not in _DRIVER_PARAMS}
        flow = read_flows.fetch_market(self._context(), func, args, exchange_params)
        try:
            return await self._run_async(flow)
        except asyncio.CancelledError:
            # Nothing was read: the next call reads at once, before symbols that were returned.
            self._read_times().pop(query, None)
            raise

    async def _watch_market_via_ws(
        self,
        channel: str,
        *,
        symbol: str,
        timeout_s: float,
        kind: str | None = None,
        **options: Any,
    ) -> Any:
        """Returns the newest pushed data; ``None`` after the timeout or without a push channel."""
        stream = self._current_stream()
        stream.start()
        subscription = await stream.subscribe_market(channel, symbol, options, kind)
        ends_at = time.monotonic() + timeout_s
        while not subscription.is_refused and not stream.has_failed:
            data, seconds_left = subscription.take_data(), ends_at - time.monotonic()
            if data is not None or seconds_left <= 0:
                return data
            await stream.wait_changed(seconds_left)
        return None

    async def _limit_rate(self, query: tuple[str, ...], seconds: float) -> None:
        """Sleeps until ``seconds`` have passed since the last HTTP read of the query, if any."""
        read_at, now = self._read_times(), time.monotonic()
        if (seconds_left := read_at.get(query, now - seconds) + seconds - now) > 0:
            await asyncio.sleep(seconds_left)
        read_at[query] = time.monotonic()

    def _pending_watches(self) -> PendingWatches:
        pending: PendingWatches = vars(self).setdefault("_pending", PendingWatches())
        return pending

    def _read_times(self) -> dict[tuple[str, ...], float]:
        times: dict[tuple[str, ...], float] = vars(self).setdefault("_market_read_at", {})
        return times


_DRIVER_PARAMS = frozenset(
    {"watch_timeout_seconds", "poll_interval_seconds", "force_polling", "strategy_id"}
)


def _symbol_set(symbols: Sequence[str] | str | None) -> frozenset[str]:
    names = [symbols] if isinstance(symbols, str) else symbols or ()
    return frozenset(name.upper() for name in names)


def _take_rows(
    cache: AccountCache,
    queue: WatchQueue,
    convert: Callable[[Mapping[str, Any]], Structure],
    since: int | None,
    limit: int | None,
) -> list[Structure]:
    """Removes up to ``limit`` rows from the queue. Raises ``ExchangeError`` if it overflowed."""
    if queue.has_overflowed:
        cache.remove_queue(queue)
        message = f"the watch queue of {queue.kind} overflowed: rows were dropped"
        raise driver_error("ExchangeError", message, code="slow_consumer", outcome=None)
    taken: list[Structure] = []
    while (limit is None or len(taken) < limit) and (row := queue.next_row()) is not None:
        structure = convert(row)
        if since is None or (structure["timestamp"] or 0) >= since:
            taken.append(structure)
    return taken


def _window(
    data: Any, since: int | None, limit: int | None, timestamp_of: Callable[[Any], Any]
) -> Any:
    """Returns a list's rows from ``since`` on, the newest ``limit`` of them."""
    if not isinstance(data, list):
        return data
    rows = [row for row in data if since is None or (timestamp_of(row) or 0) >= since]
    return rows if limit is None else rows[-limit:]
