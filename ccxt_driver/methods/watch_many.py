"""``watch_*`` of several symbols, and of the balance: built on those of one symbol."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from ccxt_driver.capabilities import HAS, WATCH_HAS, WATCH_MANY_HAS
from ccxt_driver.errors import driver_error
from ccxt_driver.methods.watch import WatchMethods
from ccxt_driver.sansio import read_flows
from ccxt_driver.sansio.account_cache import ORDERS, TRADES
from ccxt_driver.sansio.flow import NO_PARAMS, Params
from ccxt_driver.structures import Structure


class WatchManyMethods(WatchMethods):
    """ccxt.pro's methods about several symbols: each returns what changed first."""

    own_has: Mapping[str, bool] = {**HAS, **WATCH_HAS, **WATCH_MANY_HAS}
    _balance_change_count: int | None = None

    async def watch_balance(self, params: Params = NO_PARAMS) -> Any:
        """Returns the balance: at once, then after each change of orders, deals or positions.

        After ``watch_timeout_seconds`` it is read anyway.
        """
        params = params or NO_PARAMS
        stream = self._current_stream()
        if not params.get("force_polling"):
            stream.start()
        ends_at = time.monotonic() + self._seconds(params, "watch_timeout_seconds")
        while (
            stream.cache.change_count == self._balance_change_count
            and stream.is_live
            and time.monotonic() < ends_at
        ):
            await stream.wait_changed(ends_at - time.monotonic())
        if not stream.is_live and self._balance_change_count is not None:
            await asyncio.sleep(self._seconds(params, "poll_interval_seconds"))
        self._balance_change_count = stream.cache.change_count
        own = ("watch_timeout_seconds", "poll_interval_seconds", "force_polling")
        exchange_params = {name: each for name, each in params.items() if name not in own}
        flow = read_flows.fetch_balance(self._context(), exchange_params)
        self.balance = await self._run_async(flow)
        return self.balance

    async def watch_tickers(
        self, symbols: Sequence[str] | None = None, params: Params = NO_PARAMS
    ) -> dict[str, Any]:
        """Returns the tickers that changed, by symbol."""
        return _by_symbol(
            await self._watch_first(
                symbols, lambda symbol: self.watch_ticker(symbol, params), "watch_tickers"
            )
        )

    async def watch_bids_asks(
        self, symbols: Sequence[str] | None = None, params: Params = NO_PARAMS
    ) -> dict[str, Any]:
        """Returns the tickers that changed, by symbol; they have the best prices."""
        return _by_symbol(
            await self._watch_first(
                symbols,
                lambda symbol: self._watch_ticker("bidsasks", symbol, params, self.bidsasks),
                "watch_bids_asks",
            )
        )

    async def watch_order_book_for_symbols(
        self, symbols: Sequence[str], limit: int | None = None, params: Params = NO_PARAMS
    ) -> Any:
        """Returns the order book that changed first."""
        books = await self._watch_first(
            symbols,
            lambda symbol: self.watch_order_book(symbol, limit, params),
            "watch_order_book_for_symbols",
        )
        return books[0][1]

    async def watch_trades_for_symbols(
        self,
        symbols: Sequence[str],
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> Any:
        """Returns the public trades of the symbol that had new ones first."""
        trades = await self._watch_first(
            symbols,
            lambda symbol: self.watch_trades(symbol, since, limit, params),
            "watch_trades_for_symbols",
        )
        return trades[0][1]

    async def watch_ohlcv_for_symbols(
        self,
        symbolsAndTimeframes: Sequence[Sequence[str]],
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> dict[str, dict[str, Any]]:
        """Returns changed candles by symbol and timeframe."""
        pairs = {
            f"{symbol} {timeframe}": (symbol, timeframe)
            for symbol, timeframe in symbolsAndTimeframes
        }
        changed = await self._watch_first(
            list(pairs),
            lambda name: self.watch_ohlcv(*pairs[name], since, limit, params),
            "watch_ohlcv_for_symbols",
        )
        candles: dict[str, dict[str, Any]] = {}
        for name, rows in changed:
            symbol, timeframe = pairs[name]
            candles.setdefault(symbol, {})[timeframe] = rows
        return candles

    async def watch_orders_for_symbols(
        self,
        symbols: Sequence[str],
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> list[Structure]:
        """As ``watch_orders``, of several symbols."""
        return await self._watch_rows(ORDERS, symbols, since, limit, params)

    async def watch_my_trades_for_symbols(
        self,
        symbols: Sequence[str],
        since: int | None = None,
        limit: int | None = None,
        params: Params = NO_PARAMS,
    ) -> list[Structure]:
        """As ``watch_my_trades``, of several symbols."""
        return await self._watch_rows(TRADES, symbols, since, limit, params)

    async def _watch_first(
        self,
        names: Sequence[str] | None,
        watch: Callable[[str], Awaitable[Any]],
        method: str,
    ) -> list[tuple[str, Any]]:
        """Runs one watch per name; returns the results of those that are done first."""
        if not names:
            message = f"{method} needs the symbols"
            raise driver_error("ArgumentsRequired", message, code="validation_error")
        tasks = {asyncio.ensure_future(watch(name)): name for name in names}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return [(tasks[task], task.result()) for task in tasks if task in done]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _by_symbol(tickers: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    return {str(ticker.get("symbol") or symbol): ticker for symbol, ticker in tickers}
