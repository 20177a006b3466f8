"""Prices of what an account holds, read with its snapshots and stored to value its positions.

Of contracts the exchange's mark price, of coins the last price. They are shown, never booked.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from oms.adapters.ccxt.client.exchange_client import ExchangeClient, Row
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.fields import get_decimal, malformed_response
from oms.adapters.exchange_marks import encode_mark
from oms.domain.instrument import InstrumentKind

#: More symbols than this are not read in one pass: those read longest ago come first.
SPOT_SYMBOLS_MAX = 20


class MarkPriceReader:
    """The marks of one account; ``take`` returns those that are not stored yet.

    ``symbols`` are those that the account ever traded.
    """

    def __init__(
        self, client: ExchangeClient, clock: Callable[[], datetime], symbols: Collection[str]
    ) -> None:
        self._client = client
        self._clock = clock
        self._symbols = set(symbols)
        self._unsaved: dict[str, str] = {}
        self._last: dict[str, Decimal] = {}
        #: The passes so far, and the last one that read a symbol.
        self._passes = 0
        self._last_pass: dict[str, int] = {}

    def record_positions(self, rows: Iterable[Row]) -> None:
        """Keep the mark prices of position rows; a row without one is left out."""
        for row in rows:
            try:
                price = get_decimal(row, "markPrice", ("markPrice",))
            except ReadFailed:
                continue
            if price and str(row.get("symbol")) in self._client.instruments:
                self._put(str(row["symbol"]), price)

    async def read_spot(
        self, symbols: Collection[str], balances: Mapping[str, Decimal] | None
    ) -> None:
        """Read the last prices of coins held, in the symbols that they were traded in.

        ``symbols`` are traded since, and are kept.
        """
        self._symbols.update(symbols)
        instruments = self._client.instruments
        held = [
            symbol
            for symbol in sorted(self._symbols)
            if (each := instruments.get(symbol)) is not None
            and each.kind is InstrumentKind.SPOT
            and (balances or {}).get(each.base)
        ]
        held.sort(key=lambda symbol: self._last_pass.get(symbol, 0))
        self._passes += 1
        for symbol in held[:SPOT_SYMBOLS_MAX]:
            self._last_pass[symbol] = self._passes
            try:
                row = await self._client.read("fetch_ticker", symbol)
                if not isinstance(row, Mapping):
                    raise malformed_response("a ticker")
                price = get_decimal(row, "last")
            except ReadFailed:
                continue  # it keeps its last price, whose age is shown
            if price:
                self._put(symbol, price)

    def has_unsaved(self) -> bool:
        """Returns whether there are marks to store."""
        return bool(self._unsaved)

    def take(self) -> dict[str, str]:
        """Returns the marks to store, by symbol."""
        unsaved, self._unsaved = self._unsaved, {}
        return unsaved

    def _put(self, symbol: str, price: Decimal) -> None:
        """An unchanged price is not stored again: the account may be idle for days."""
        if self._last.get(symbol) != price:
            self._last[symbol] = price
            self._unsaved[symbol] = encode_mark(price, self._clock())
