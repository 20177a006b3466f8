"""Mark prices of positions at real exchanges, as the worker stored them last."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.ledger.position import Position
from oms.domain.money import ZERO, decimal_text
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


class ExchangeMarks:
    """``MarkPrices`` of all accounts: ``others`` values those that are not at real exchanges."""

    def __init__(self, stored: StoredPaperPrices, others: MarkPrices) -> None:
        self._stored = stored
        self._others = others

    async def __call__(self, positions: Sequence[Position]) -> Mapping[int, PositionMark]:
        """Returns marks by position id, of open positions that have one. Raises ``Unavailable``."""
        marks = dict(await self._others(positions))
        left = [each for each in positions if each.is_open and each.id not in marks]
        symbols: dict[int, frozenset[str]] = {}
        for position in left:
            known = symbols.get(position.account_id, frozenset())
            symbols[position.account_id] = known | {position.symbol}
        texts = await self._stored(symbols)
        for position in left:
            text = texts.get((position.account_id, position.symbol))
            mark = None if text is None else _decode(text, position)
            if mark is not None:
                marks[position.id] = mark
        return marks


def _decode(text: str, position: Position) -> PositionMark | None:
    fields = loads(text)
    if _PRICE not in fields:
        return None  # a price of the paper exchange
    price = Decimal(fields[_PRICE])
    at = datetime.fromisoformat(fields[_AT])
    return mark_position(position, _instrument(position.symbol), price, at)


def _instrument(symbol: str) -> Instrument:
    """How profit of the symbol is counted: only coins and linear contracts are traded there."""
    pair, _, settle = symbol.partition(":")
    base, _, quote = pair.partition("/")
    return Instrument(
        symbol=symbol,
        kind=InstrumentKind.LINEAR if settle else InstrumentKind.SPOT,
        base=base,
        quote=quote,
        settle=settle or quote,
        tick=Decimal(1),
        step=Decimal(1),
        min_notional=ZERO,
    )
