"""Mark prices of positions at real exchanges, as workers stored them last.

Prices are those of the market (``MarketMarks``), or those that the last reconcile pass of the
account read, if these are newer.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from oms.domain.account import Engine
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.ledger.position import Position
from oms.domain.money import ZERO, decimal_text
from oms.domain.performance.account_value import currencies_of
from oms.ports.mark_prices import (
    MarkPrices,
    PositionMark,
    StoredPaperPrices,
    mark_position,
)
from oms.ports.performance.market_marks import MarketMarks
from oms.ports.registry import Registry
from oms.wire.account_config.mark_source import mark_source
from oms.wire.json import dumps_fast, loads, time_text

_PRICE, _AT = "exchange_mark", "at"


def encode_mark(price: Decimal, at: datetime) -> str:
    """Return a mark as JSON text."""
    return dumps_fast({_PRICE: decimal_text(price), _AT: time_text(at)})


_CACHED_INSTRUMENTS_MAX = 10_000
_CACHED_ACCOUNTS_MAX = 10_000
_ACCOUNT_CACHE_SECONDS = 2.0

ReadInstruments = Callable[[int], Awaitable[Mapping[str, Instrument]]]
"""Returns the stored instruments of an account by symbol. Raises ``Unavailable``."""


SharedMarks = Callable[
    [Mapping[int, frozenset[str]]], Awaitable[Mapping[tuple[int, str], tuple[Decimal, datetime]]]
]
"""Returns prices of markets with their times, by account id and symbol. Raises ``Unavailable``."""


class MarketPrices:
    """``SharedMarks``: the stored marks of each account's exchange."""

    def __init__(
        self,
        registry: Registry,
        marks: MarketMarks,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._marks = marks
        self._monotonic = monotonic
        #: By account id, until when its source is used; ``None``: it has none.
        self._sources: dict[int, tuple[float, str | None]] = {}

    async def __call__(
        self, symbols: Mapping[int, frozenset[str]]
    ) -> Mapping[tuple[int, str], tuple[Decimal, datetime]]:
        """Return prices with their times, by account id and symbol. Raises ``Unavailable``."""
        sources = await self._sources_of(symbols)
        wanted: dict[str, set[str]] = {}
        for account_id, source in sources.items():
            wanted.setdefault(source, set()).update(symbols[account_id])
        marks = await self._marks.read(wanted)
        return {
            (account_id, symbol): (price, mark.at)
            for account_id, source in sources.items()
            for symbol in symbols[account_id]
            if (mark := marks.get((source, symbol))) is not None
            and (price := mark.price) is not None
        }

    async def _sources_of(self, account_ids: Iterable[int]) -> Mapping[int, str]:
        now, ids = self._monotonic(), list(account_ids)
        unknown = [each for each in ids if self._sources.get(each, (0.0, None))[0] <= now]
        if unknown:
            if len(self._sources) > _CACHED_ACCOUNTS_MAX:
                self._sources.clear()
                unknown = ids
            until = now + _ACCOUNT_CACHE_SECONDS
            self._sources |= dict.fromkeys(unknown, (until, None))
            for row in await self._registry.accounts(unknown):
                if row.account.engine is not Engine.PAPER:
                    self._sources[row.account.id] = (until, mark_source(row.account))
        return {each: source for each in ids if (source := self._sources[each][1]) is not None}


class ExchangeMarks:
    """``MarkPrices`` of all accounts: ``others`` values those that are not at real exchanges.

    The profit of coins and linear contracts follows from their symbol. That of inverse contracts
    depends on their size: their instrument is cached once it is found, and without one they have
    no mark.
    """

    def __init__(
        self,
        stored: StoredPaperPrices,
        read_instruments: ReadInstruments,
        others: MarkPrices,
        shared: SharedMarks,
    ) -> None:
        self._stored = stored
        self._shared = shared
        self._read_instruments = read_instruments
        self._others = others
        #: Instruments of inverse contracts, by account id and symbol.
        self._inverse: dict[tuple[int, str], Instrument] = {}

    async def __call__(self, positions: Sequence[Position]) -> Mapping[int, PositionMark]:
        """Returns marks by position id, of open positions that have one. Raises ``Unavailable``."""
        marks = dict(await self._others(positions))
        left = [each for each in positions if each.is_open and each.id not in marks]
        symbols: dict[int, frozenset[str]] = {}
        for position in left:
            known = symbols.get(position.account_id, frozenset())
            symbols[position.account_id] = known | {position.symbol}
        prices = {key: _decode(text) for key, text in (await self._stored(symbols)).items()}
        for key, shared in (await self._shared(symbols)).items():
            own = prices.get(key)
            if own is None or own[1] < shared[1]:
                prices[key] = shared
        inverse = await self._instruments_of(
            key for key, price in prices.items() if price is not None and _is_inverse(key[1])
        )
        for position in left:
            key = (position.account_id, position.symbol)
            price = prices.get(key)
            instrument = inverse.get(key) if _is_inverse(key[1]) else _instrument(key[1])
            if price is not None and instrument is not None:
                marks[position.id] = mark_position(position, instrument, *price)
        return marks

    async def _instruments_of(
        self, keys: Iterable[tuple[int, str]]
    ) -> Mapping[tuple[int, str], Instrument]:
        """Return instruments by account id and symbol; unknown ones are left out."""
        wanted = set(keys)
        known = {key: self._inverse[key] for key in wanted if key in self._inverse}
        for account_id in sorted({account_id for account_id, _ in wanted - known.keys()}):
            stored = await self._read_instruments(account_id)
            for key in wanted - known.keys():
                if key[0] == account_id and key[1] in stored:
                    known[key] = stored[key[1]]
        if len(self._inverse) > _CACHED_INSTRUMENTS_MAX:
            self._inverse.clear()
        self._inverse |= known
        return known


def _decode(text: str) -> tuple[Decimal, datetime] | None:
    """Return a mark; ``None`` for a price of the paper exchange."""
    fields = loads(text)
    if _PRICE not in fields:
        return None
    return Decimal(fields[_PRICE]), datetime.fromisoformat(fields[_AT])


def _is_inverse(symbol: str) -> bool:
    names = currencies_of(symbol)
    return not names.is_spot and names.settle == names.base


def _instrument(symbol: str) -> Instrument:
    """Return how profit of coins or of a linear contract is counted; its size is 1."""
    names = currencies_of(symbol)
    return Instrument(
        symbol=symbol,
        kind=InstrumentKind.SPOT if names.is_spot else InstrumentKind.LINEAR,
        base=names.base,
        quote=names.quote,
        settle=names.settle,
        tick=Decimal(1),
        step=Decimal(1),
        min_notional=ZERO,
    )
