"""Marks of positions at real exchanges: how profit is counted, and what is read for it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from kit.builders import NOON, an_instrument
from oms.adapters.exchange_marks import ExchangeMarks, encode_mark
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Side
from oms.ports.mark_prices import PositionMark

LINEAR, COIN = "BTC/USDT:USDT", "BTC/USD:BTC-261225"
INVERSE = an_instrument(
    symbol=COIN,
    kind=InstrumentKind.INVERSE,
    quote="USD",
    settle="BTC",
    contract_size=Decimal(100),
)


class Stored:
    """Stored prices of all symbols, and the instruments of an account."""

    def __init__(self, *instruments: Instrument) -> None:
        self.instruments = {each.symbol: each for each in instruments}
        self.accounts_read: list[int] = []

    async def prices(self, symbols: Mapping[int, frozenset[str]]) -> Mapping[tuple[int, str], str]:
        text = encode_mark(Decimal(50_000), NOON)
        return {(account, each): text for account, held in symbols.items() for each in held}

    async def read_instruments(self, account_id: int) -> Mapping[str, Instrument]:
        self.accounts_read.append(account_id)
        return self.instruments

    def marks(self) -> ExchangeMarks:
        return ExchangeMarks(self.prices, self.read_instruments, _none, _no_shared)


async def _no_shared(
    symbols: Mapping[int, frozenset[str]],
) -> Mapping[tuple[int, str], tuple[Decimal, datetime]]:
    return {}


async def _none(positions: Sequence[Position]) -> Mapping[int, PositionMark]:
    return {}


def _position(symbol: str, qty: str, cost: Fraction) -> Position:
    return Position(
        id=7,
        account_id=1,
        symbol=symbol,
        strategy_id=0,
        side=Side.BUY,
        qty=Decimal(qty),
        cost=cost,
        identifier=7,
        opened_at=NOON,
        updated_at=NOON,
    )


async def test_inverse_contracts_are_counted_in_the_coin_by_their_stored_size() -> None:
    stored = Stored(INVERSE)
    position = _position(COIN, "10", Fraction(-10, 40_000))
    marks = stored.marks()
    for _ in range(2):
        mark = (await marks([position]))[position.id]
        assert mark.profit == Decimal("0.005")
        assert (mark.cost, mark.value) == (Decimal("0.025"), Decimal("0.02"))
    assert stored.accounts_read == [position.account_id]


async def test_an_inverse_contract_of_unknown_size_has_no_mark() -> None:
    stored = Stored()
    position = _position(COIN, "10", Fraction(-10, 40_000))
    assert await stored.marks()([position]) == {}


async def test_linear_contracts_and_coins_need_no_instrument() -> None:
    stored = Stored()
    for symbol in (LINEAR, "BTC/USDT"):
        position = _position(symbol, "2", Fraction(80_000))
        assert (await stored.marks()([position]))[position.id].profit == Decimal(20_000)
    assert stored.accounts_read == []


async def test_the_newer_of_two_prices_counts() -> None:
    stored, position = Stored(), _position(LINEAR, "2", Fraction(80_000))
    for seconds, price in ((-1, 50_000), (1, 60_000)):
        at = NOON + timedelta(seconds=seconds)

        async def shared(
            symbols: Mapping[int, frozenset[str]], at: datetime = at
        ) -> Mapping[tuple[int, str], tuple[Decimal, datetime]]:
            return {(1, symbol): (Decimal(60_000), at) for symbol in symbols[1]}

        marks = ExchangeMarks(stored.prices, stored.read_instruments, _none, shared)
        assert (await marks([position]))[position.id].price == price
