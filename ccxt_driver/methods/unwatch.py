"""``un_watch_*``: end what ``watch_*`` began, as ccxt.pro's methods of those names.

Calls of the same watch that are awaited raise ``UnsubscribeError``, what it cached is forgotten,
and the gateway stops sending it. Each returns ``True``, also if nothing was watched; the next
``watch_*`` begins again.
"""

from collections.abc import Sequence
from typing import Any

from ccxt_driver.errors import driver_error
from ccxt_driver.methods.watch_many import WatchManyMethods
from ccxt_driver.sansio.account_cache import ORDERS, POSITIONS, TRADES
from ccxt_driver.sansio.flow import NO_PARAMS, Params


class UnwatchMethods(WatchManyMethods):
    """ccxt.pro's methods that end watches."""

    async def un_watch_ticker(self, symbol: str, params: Params = NO_PARAMS) -> bool:
        """Ends ``watch_ticker`` of a symbol."""
        return await self.un_watch_tickers([symbol], params)

    async def un_watch_tickers(
        self, symbols: Sequence[str] | None = None, params: Params = NO_PARAMS
    ) -> bool:
        """Ends ``watch_ticker`` and ``watch_tickers``, without symbols all of them."""
        return await self._un_watch("ticker", symbols, self.tickers)

    async def un_watch_bids_asks(
        self, symbols: Sequence[str] | None = None, params: Params = NO_PARAMS
    ) -> bool:
        """Ends ``watch_bids_asks``, without symbols all of them."""
        return await self._un_watch("bidsasks", symbols, self.bidsasks)

    async def un_watch_order_book(self, symbol: str, params: Params = NO_PARAMS) -> bool:
        """Ends ``watch_order_book`` of a symbol."""
        return await self.un_watch_order_book_for_symbols([symbol], params)

    async def un_watch_order_book_for_symbols(
        self, symbols: Sequence[str], params: Params = NO_PARAMS
    ) -> bool:
        """Ends ``watch_order_book`` and ``watch_order_book_for_symbols``."""
        _require(symbols, "un_watch_order_book_for_symbols")
        return await self._un_watch("orderbook", symbols, self.orderbooks)

    async def un_watch_trades(self, symbol: str, params: Params = NO_PARAMS) -> bool:
        """Ends ``watch_trades`` of a symbol."""
        return await self.un_watch_trades_for_symbols([symbol], params)

    async def un_watch_trades_for_symbols(
        self, symbols: Sequence[str], params: Params = NO_PARAMS
    ) -> bool:
        """Ends ``watch_trades`` and ``watch_trades_for_symbols``."""
        _require(symbols, "un_watch_trades_for_symbols")
        return await self._un_watch("trades", symbols, {})

    async def un_watch_ohlcv(
        self, symbol: str, timeframe: str = "1m", params: Params = NO_PARAMS
    ) -> bool:
        """Ends ``watch_ohlcv`` of a symbol and timeframe."""
        return await self.un_watch_ohlcv_for_symbols([[symbol, timeframe]], params)

    async def un_watch_ohlcv_for_symbols(
        self, symbolsAndTimeframes: Sequence[Sequence[str]], params: Params = NO_PARAMS
    ) -> bool:
        """Ends ``watch_ohlcv`` and ``watch_ohlcv_for_symbols``."""
        _require(symbolsAndTimeframes, "un_watch_ohlcv_for_symbols")
        for symbol, timeframe in symbolsAndTimeframes:
            resolved = await self._run_async(self._resolve_known(symbol))
            await self._end_market("ohlcv", resolved, timeframe)
            self.ohlcvs.get(resolved, {}).pop(timeframe, None)
        return True

    async def un_watch_orders(self, symbol: str | None = None, params: Params = NO_PARAMS) -> bool:
        """Ends every ``watch_orders``. Raises ``NotSupported`` with a symbol."""
        return self._un_watch_rows(ORDERS, symbol, "un_watch_orders")

    async def un_watch_my_trades(
        self, symbol: str | None = None, params: Params = NO_PARAMS
    ) -> bool:
        """Ends every ``watch_my_trades``. Raises ``NotSupported`` with a symbol."""
        return self._un_watch_rows(TRADES, symbol, "un_watch_my_trades")

    async def un_watch_positions(
        self, symbols: Sequence[str] | None = None, params: Params = NO_PARAMS
    ) -> bool:
        """Ends every ``watch_positions``. Raises ``NotSupported`` with symbols."""
        self._un_watch_rows(POSITIONS, symbols, "un_watch_positions")
        if self._stream is not None:
            await self._stream.update_marks()
        return True

    async def _un_watch(
        self, kind: str, symbols: Sequence[str] | None, cache: dict[str, Any]
    ) -> bool:
        if not symbols:
            cache.clear()
            await self._end_market(kind, None)
        for symbol in symbols or ():
            resolved = await self._run_async(self._resolve_known(symbol))
            cache.pop(resolved, None)
            await self._end_market(kind, resolved)
        return True

    async def _end_market(
        self, kind: str, symbol: str | None, timeframe: str | None = None
    ) -> None:
        self._pending_watches().end(kind, symbol, timeframe)
        if self._stream is not None:
            await self._stream.unsubscribe_market(kind, symbol, timeframe)

    def _un_watch_rows(self, kind: str, symbols: Sequence[str] | None, method: str) -> bool:
        if symbols:
            message = f"{method} takes no symbol: it ends the watches of all symbols"
            raise driver_error("NotSupported", message, code="parameter_not_supported")
        self._pending_watches().end(kind)
        if self._cache is not None:
            self._cache.remove_queues(kind)
        return True


def _require(symbols: Sequence[Any], method: str) -> None:
    if not symbols:
        message = f"{method} needs the symbols"
        raise driver_error("ArgumentsRequired", message, code="validation_error")
