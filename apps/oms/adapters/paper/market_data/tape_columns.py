"""Readers of recorded market tables, selected by their columns.

Books: ``b0p``, ``b0q``, … ``a0p``, ``a0q``, …, best level first. Quotes: ``bid``, ``ask``,
optionally ``bid_qty``, ``ask_qty``. Candles: ``open``, ``high``, ``low``, ``close``, optionally
``volume``; their time is the open, and they are emitted at their close. Trades: ``price`` and
``qty``, ``amount`` or ``size``, optionally the taker's ``side``. Funding: ``funding_rate``. The
time is ``local_ts`` (the recorder's clock, shared by several files) or else ``at``, ``ts``,
``timestamp`` or ``time``. A column ``symbol`` selects rows.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from oms.adapters.paper.market_data.json_inputs import parse_timestamp
from oms.domain.errors import Invalid
from oms.domain.orders.order import Side
from oms.simulation.inputs import (
    BookUpdate,
    CandleClosed,
    FundingRateUpdate,
    MarketUpdate,
    QuoteUpdate,
    TradeTick,
)
from oms.simulation.state.paper_market import Level

_TIMES = ("local_ts", "at", "ts", "timestamp", "time")
_SIZES = ("qty", "amount", "size")
_CANDLE = ("open", "high", "low", "close")
#: Duration of a candle whose table holds no other.
_MINUTE = timedelta(minutes=1)


class RowReader(Protocol):
    """Reader for rows of one kind of table."""

    def read(self, row: Sequence[str]) -> list[MarketUpdate]:
        """Returns the updates of a row. Raises ``ValueError`` and the like for a bad one."""
        ...

    def end(self) -> list[MarketUpdate]:
        """Returns the updates of the last row that are still pending."""
        ...


def select_row_reader(header: list[str], symbol: str) -> RowReader:
    """Returns the reader for a table of these columns. Raises ``Invalid`` for unknown ones."""
    columns = Columns(header, symbol)
    if columns.has("b0p", "a0p"):
        return _BookReader(columns)
    if columns.has("bid", "ask"):
        return _QuoteReader(columns)
    if columns.has(*_CANDLE):
        return _CandleReader(columns)
    if columns.has("funding_rate"):
        return _FundingReader(columns)
    if columns.has("price") and any(name in header for name in _SIZES):
        return _TradeReader(columns)
    raise Invalid(f"its columns are of no known table: {', '.join(header)[:200]}")


class Columns:
    """Positions of a table's columns."""

    def __init__(self, header: list[str], symbol: str) -> None:
        self.symbol = symbol
        self._at = {name: index for index, name in enumerate(header)}
        time = next((name for name in _TIMES if name in self._at), None)
        if time is None:
            raise Invalid(f"it has no column of time: {', '.join(_TIMES)}")
        self._time = self._at[time]
        self._symbol = self._at.get("symbol")

    def has(self, *names: str) -> bool:
        """Returns whether all these columns exist."""
        return all(name in self._at for name in names)

    def index(self, *names: str) -> int | None:
        """Returns the position of the first of these columns that exists."""
        return next((self._at[name] for name in names if name in self._at), None)

    def time(self, row: Sequence[str]) -> datetime:
        """Returns when the row was recorded."""
        return parse_timestamp(row[self._time])

    def is_other(self, row: Sequence[str]) -> bool:
        """Returns whether the row is of another symbol."""
        return self._symbol is not None and row[self._symbol] not in ("", self.symbol)


def optional_decimal(row: Sequence[str], index: int | None) -> Decimal | None:
    """Returns the cell as a decimal; ``None`` where it is empty or its column is absent."""
    if index is None or not row[index]:
        return None
    value = Decimal(row[index])
    if not value.is_finite():
        raise ValueError(f"{row[index]!r} is not a finite number")
    return value


def _required_decimal(row: Sequence[str], index: int | None) -> Decimal:
    value = optional_decimal(row, index)
    if value is None:
        raise ValueError("a required cell is empty")
    return value


class _TradeReader:
    """Reads public trades."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._price, self._qty = columns.index("price"), columns.index(*_SIZES)
        self._side = columns.index("side")

    def read(self, row: Sequence[str]) -> list[MarketUpdate]:
        if self._columns.is_other(row):
            return []
        price = _required_decimal(row, self._price)
        rows = "" if self._side is None else row[self._side].lower()
        side = Side(rows) if rows else None
        at, qty = self._columns.time(row), _required_decimal(row, self._qty)
        symbol = self._columns.symbol
        return [TradeTick(symbol=symbol, price=price, qty=qty, side=side, at=at)]

    def end(self) -> list[MarketUpdate]:
        return []


class _FundingReader:
    """Reads funding rates of a contract."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._rate = columns.index("funding_rate")

    def read(self, row: Sequence[str]) -> list[MarketUpdate]:
        if self._columns.is_other(row):
            return []
        at, rate = self._columns.time(row), _required_decimal(row, self._rate)
        return [FundingRateUpdate(symbol=self._columns.symbol, rate=rate, at=at)]

    def end(self) -> list[MarketUpdate]:
        return []


class _QuoteReader:
    """Reads best prices."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._bid, self._ask = columns.index("bid"), columns.index("ask")
        self._bid_qty, self._ask_qty = columns.index("bid_qty"), columns.index("ask_qty")

    def read(self, row: Sequence[str]) -> list[MarketUpdate]:
        if self._columns.is_other(row):
            return []
        return [
            QuoteUpdate(
                symbol=self._columns.symbol,
                bid=_required_decimal(row, self._bid),
                ask=_required_decimal(row, self._ask),
                bid_qty=optional_decimal(row, self._bid_qty),
                ask_qty=optional_decimal(row, self._ask_qty),
                at=self._columns.time(row),
            )
        ]

    def end(self) -> list[MarketUpdate]:
        return []


class _BookReader:
    """Reads books of as many levels as there are columns."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._bids, self._asks = _level_columns(columns, "b"), _level_columns(columns, "a")

    def read(self, row: Sequence[str]) -> list[MarketUpdate]:
        if self._columns.is_other(row):
            return []
        bids, asks = _levels(row, self._bids), _levels(row, self._asks)
        at = self._columns.time(row)
        return [BookUpdate(symbol=self._columns.symbol, bids=bids, asks=asks, at=at)]

    def end(self) -> list[MarketUpdate]:
        return []


def _level_columns(columns: Columns, side: str) -> list[tuple[int, int]]:
    """Returns the columns of price and quantity, level by level."""
    level_columns: list[tuple[int, int]] = []
    while True:
        name = f"{side}{len(level_columns)}"
        price, qty = columns.index(f"{name}p"), columns.index(f"{name}q")
        if price is None or qty is None:
            return level_columns
        level_columns.append((price, qty))


def _levels(row: Sequence[str], level_columns: list[tuple[int, int]]) -> tuple[Level, ...]:
    return tuple((Decimal(row[p]), _required_decimal(row, q)) for p, q in level_columns if row[p])


class _CandleReader:
    """Reads candles; each lasts until the next one, or as long as the shortest before it."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._prices = [columns.index(name) for name in _CANDLE]
        self._volume = columns.index("volume")
        self._open_candle: tuple[datetime, list[Decimal], Decimal] | None = None
        self._duration: timedelta | None = None

    def read(self, row: Sequence[str]) -> list[MarketUpdate]:
        if self._columns.is_other(row):
            return []
        at = self._columns.time(row)
        rows: list[MarketUpdate] = []
        if self._open_candle is not None:
            gap = at - self._open_candle[0]
            self._duration = gap if self._duration is None else min(self._duration, gap)
            rows = self._close_candle()
        prices = [_required_decimal(row, index) for index in self._prices]
        self._open_candle = (at, prices, optional_decimal(row, self._volume) or Decimal(0))
        return rows

    def end(self) -> list[MarketUpdate]:
        return [] if self._open_candle is None else self._close_candle()

    def _close_candle(self) -> list[MarketUpdate]:
        assert self._open_candle is not None
        at, (opened, high, low, close), volume = self._open_candle
        candle = CandleClosed(
            symbol=self._columns.symbol,
            open=opened,
            high=high,
            low=low,
            close=close,
            volume=volume,
            at=at + (_MINUTE if self._duration is None else self._duration),
        )
        return [candle]
