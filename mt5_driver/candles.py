"""Candles of an account: those of its exchange, else the ones that the gateway has stored.

The exchange's are the prices at which the account trades, a random walk among them. An account
whose exchange has none (paper accounts with manual, replayed or live prices) gets the stored
candles of the same venue and symbol.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from mt5_driver.errors import GatewayError
from mt5_driver.gateway_client import GatewayClient
from mt5_driver.numbers import rfc3339
from mt5_driver.timeframes import Candle, Timeframe, combine, source_seconds

#: Lengths that are used of an exchange, by ccxt's names; it may have fewer.
_NAMES = {
    60: "1m",
    180: "3m",
    300: "5m",
    900: "15m",
    1800: "30m",
    3600: "1h",
    7200: "2h",
    14400: "4h",
    21600: "6h",
    28800: "8h",
    43200: "12h",
    86400: "1d",
}
_STORED = (60, 300, 900, 1800, 3600, 14400, 86400)
_PAGE_ROWS = 500
_STORED_PAGE_ROWS = 5000
BARS_MAX = 100_000


class CandleReader:
    """Reads candles of one account. Which source a symbol has is found out once."""

    def __init__(self, client: GatewayClient, account_id: int, venue: str) -> None:
        self._client = client
        self._account_id = account_id
        self._venue = venue
        self._offered: list[int] = []
        self._stored_symbols: set[str] = set()

    def bars(self, symbol: str, timeframe: Timeframe, start: int, end: int) -> list[Candle]:
        """Returns the bars that open from ``start`` to before ``end``, seconds since 1970.

        The bar that still forms is among them. Bars without trades are not. Raises ``CallFailed``.
        """
        first = timeframe.open_of(start + timeframe.seconds - 1) if start > 0 else 0
        if timeframe.is_calendar:
            first = start if timeframe.open_of(start) == start else timeframe.close_of(start)
        if first >= end:
            return []
        until = timeframe.close_of(end - 1)
        bars = combine(self._candles(symbol, timeframe, first, until), timeframe)
        return [bar for bar in bars if first <= bar.time < end]

    def last_bars(
        self, symbol: str, timeframe: Timeframe, end: int, bars_wanted: int
    ) -> list[Candle]:
        """Returns the newest bars that open before ``end``: at most ``bars_wanted``.

        Where candles are missing it looks further back, as far as bars are found.
        """
        wanted = min(bars_wanted, BARS_MAX)
        newest = timeframe.open_of(end - 1)
        span, found = wanted, list[Candle]()
        while True:
            start = timeframe.back(newest, span - 1)
            bars = self.bars(symbol, timeframe, start, end)
            if len(bars) >= wanted or start == 0 or (found and len(bars) == len(found)):
                return bars[-wanted:]
            if not bars:
                return []
            found, span = bars, span * 2

    def _candles(self, symbol: str, timeframe: Timeframe, start: int, end: int) -> Iterable[Candle]:
        if symbol not in self._stored_symbols:
            try:
                seconds = source_seconds(timeframe, self._exchange_lengths())
                if seconds is not None:
                    return list(self._exchange_candles(symbol, seconds, start, end))
            except GatewayError as error:
                if error.detail.get("code") != "unsupported_func":
                    raise
            self._stored_symbols.add(symbol)
        lengths = list(_STORED)
        candles: list[Candle] = []
        # A series of each length may be stored: the longest one that has candles is used.
        while not candles and (seconds := source_seconds(timeframe, lengths)) is not None:
            candles = self._stored_candles(symbol, seconds, start, end)
            lengths.remove(seconds)
        return candles

    def _exchange_lengths(self) -> list[int]:
        if not self._offered:
            names = self._client.call(self._account_id, "timeframes") or {}
            self._offered = [seconds for seconds, name in _NAMES.items() if name in names]
        return self._offered

    def _exchange_candles(
        self, symbol: str, seconds: int, start: int, end: int
    ) -> Iterator[Candle]:
        since = start
        while since < end:
            rows_left = min(_PAGE_ROWS, (end - since) // seconds + 1)
            rows = self._client.call(
                self._account_id, "fetch_ohlcv", symbol, _NAMES[seconds], since * 1000, rows_left
            )
            newest = since - 1
            for row in rows:
                opening = int(row[0]) // 1000
                if newest < opening < end:
                    yield _candle(opening, row[1:])
                newest = max(newest, opening)
            if newest < since:
                return
            since = newest + seconds

    def _stored_candles(self, symbol: str, seconds: int, start: int, end: int) -> list[Candle]:
        query = {
            "exchange": self._venue,
            "symbol": symbol,
            "timeframe": _NAMES[seconds],
            "start": rfc3339(start),
            "end": rfc3339(end),
            "limit": _STORED_PAGE_ROWS,
            "include_open": "true",
        }
        pages: list[list[Candle]] = []
        while True:
            page: Any = self._client.get("/market/candles", query)
            pages.append([_stored_candle(item) for item in page["items"]])
            if not page["next_cursor"]:
                return [candle for candles in reversed(pages) for candle in candles]
            query["cursor"] = page["next_cursor"]


def _candle(opening: int, values: list[Any]) -> Candle:
    opened, high, low, close = (Decimal(str(value)) for value in values[:4])
    return Candle(opening, opened, high, low, close, Decimal(str(values[4] or 0)))


def _stored_candle(item: dict[str, Any]) -> Candle:
    values = [item[name] for name in ("open", "high", "low", "close", "volume")]
    return _candle(int(datetime.fromisoformat(item["time"]).timestamp()), values)
