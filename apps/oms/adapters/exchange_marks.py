"""Mark prices of positions at real exchanges, as the worker stored them last."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

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
from oms.wire.json import dumps_fast, loads, time_text

_PRICE, _AT = "exchange_mark", "at"


def encode_mark(price: Decimal, at: datetime) -> str:
    """Return a mark as JSON text."""
    return dumps_fast({_PRICE: decimal_text(price), _AT: time_text(at)})


_CACHED_INSTRUMENTS_MAX = 10_000

ReadInstruments = Callable[[int], Awaitable[Mapping[str, Instrument]]]
"""Returns the stored instruments of an account by symbol. Raises ``Unavailable``."""


class ExchangeMarks:
    """``MarkPrices`` of all accounts: ``others`` values those that are not at real exchanges.

    The profit of coins and linear contracts follows from their symbol. That of inverse contracts
    depends on their size: their instrument is cached once it is found, and without one they have
    no mark.
    """

    def __init__(
        self, stored: StoredPaperPrices, read_instruments: ReadInstruments, others: MarkPrices
    ) -> None:
        self._stored = stored
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
