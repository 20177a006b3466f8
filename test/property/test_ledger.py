"""The invariants of the ledger, for any sequence of orders and fills in any mode.

1. The signed deal quantity of a position sums to its signed open quantity.
2. The fills of an order sum to its filled quantity.
3. netting: at most one open position per symbol; strategy_netting: one per symbol and strategy.
4. profit + unrealized(mark) = m·(Σ −d·v(p) + Q·v(mark)) for any mark.
5. The same report told twice changes nothing.
6. Folding the deals of a position again gives the stored position.
7. Spot: what the position holds and the fees in base account for every coin bought.
"""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from kit.builders import a_spot_instrument, an_instrument
from kit.ledger_book import LedgerBook
from oms.domain.account import PositionMode
from oms.domain.deal import Deal, signed_quantity
from oms.domain.instrument import Instrument
from oms.domain.ledger import Entry
from oms.domain.position import Fill, Position, folded, unrealized

QUANTITIES = st.integers(1, 20_000).map(lambda n: Decimal(n).scaleb(-3))
PRICES = st.integers(1, 10_000_000).map(lambda n: Decimal(n).scaleb(-1))
RATES = st.sampled_from([Decimal(0), Decimal("0.001"), Decimal("-0.0002"), Decimal("0.00055")])
FILLS = st.lists(st.tuples(QUANTITIES, PRICES), min_size=1, max_size=4)
ORDERS = st.lists(
    st.fixed_dictionaries(
        {
            "side": st.sampled_from(["buy", "sell"]),
            "fills": FILLS,
            "strategy_id": st.integers(0, 2),
            "reduce_only": st.booleans(),
            "new_position": st.booleans(),
            "rate": RATES,
            "ticket": st.integers(0, 3),
        }
    ),
    min_size=1,
    max_size=12,
)
INSTRUMENTS = st.sampled_from([an_instrument(), a_spot_instrument()])


@settings(max_examples=500, deadline=None)
@given(mode=st.sampled_from(PositionMode), instrument=INSTRUMENTS, orders=ORDERS, mark=PRICES)
def test_invariants(
    mode: PositionMode, instrument: Instrument, orders: list[dict[str, object]], mark: Decimal
) -> None:
    book = LedgerBook(mode, instrument)
    for wish in orders:
        _trade(book, wish)
    for position in book.positions.values():
        deals = [deal for deal in book.deals if deal.position_id == position.id]
        _check_quantity(position, instrument, deals)
        _check_profit(position, instrument, deals, mark)
        _check_refold(position, instrument, deals)
    _check_orders(book)
    _check_one_open(book)


def _trade(book: LedgerBook, wish: dict[str, object]) -> None:
    fills: list[tuple[Decimal, Decimal]] = wish["fills"]  # type: ignore[assignment]
    rate: Decimal = wish["rate"]  # type: ignore[assignment]
    open_ids = [position.id for position in book.open_positions()]
    ticket: int = wish["ticket"]  # type: ignore[assignment]
    order = book.send(
        str(wish["side"]),
        sum((qty for qty, _ in fills), Decimal(0)),
        strategy_id=wish["strategy_id"],
        reduce_only=wish["reduce_only"],
        new_position=wish["new_position"],
        position_id=open_ids[ticket] if ticket < len(open_ids) else 0,
    )
    for qty, price in fills:
        entry = book.fill(order.id, qty, price, rate)
        assert entry.deals
        _tell_again(book, order.id, entry)


def _tell_again(book: LedgerBook, order_id: int, entry: Entry) -> None:
    from kit.builders import a_fill

    first = entry.deals[0]
    qty = sum((deal.qty for deal in entry.deals), Decimal(0))
    again = a_fill(
        qty,
        first.price,
        order_id=order_id,
        trade=first.exchange_trade_id,
        fee_currency=first.fee_currency,
    )
    assert book.hear(again) == Entry()


def _check_quantity(position: Position, instrument: Instrument, deals: list[Deal]) -> None:
    signed = (
        signed_quantity(instrument, deal.side, deal.qty, deal.fee, deal.fee_currency)
        for deal in deals
    )
    assert sum((Fraction(delta) for delta in signed), Fraction(0)) == Fraction(position.qty)


def _check_profit(
    position: Position, instrument: Instrument, deals: list[Deal], mark: Decimal
) -> None:
    flow = Fraction(0)
    for deal in deals:
        delta = signed_quantity(instrument, deal.side, deal.qty, deal.fee, deal.fee_currency)
        flow -= Fraction(delta) * instrument.value(deal.price)
    exact = flow + Fraction(position.qty) * instrument.value(mark)
    told = Fraction(position.profit) + Fraction(unrealized(position, instrument, mark))
    assert abs(told - exact) <= (len(deals) + 1) * Fraction(1, 10**18), "rounding only where told"


def _check_refold(position: Position, instrument: Instrument, deals: list[Deal]) -> None:
    again = Position(
        id=position.id,
        account_id=position.account_id,
        symbol=position.symbol,
        strategy_id=position.strategy_id,
        side=position.side,
        reason=position.reason,
        identifier=position.identifier,
        previous_position_id=position.previous_position_id,
        opened_at=position.opened_at,
        updated_at=position.opened_at,
    )
    for deal in deals:
        fill = Fill(
            delta=signed_quantity(instrument, deal.side, deal.qty, deal.fee, deal.fee_currency),
            price=deal.price,
            fee=deal.fee,
            fee_currency=deal.fee_currency,
            reason=deal.reason,
            executed_at=deal.executed_at,
            heard_at=deal.created_at,
        )
        again, profit = folded(again, instrument, fill)
        assert profit == deal.profit
    assert again == position


def _check_orders(book: LedgerBook) -> None:
    for order in book.orders.values():
        filled = (deal.qty for deal in book.deals if deal.order_id == order.id)
        assert sum(filled, Decimal(0)) == order.filled_qty


def _check_one_open(book: LedgerBook) -> None:
    held = book.open_positions()
    if book.mode is PositionMode.NETTING:
        assert len(held) <= 1
    if book.mode is PositionMode.STRATEGY_NETTING:
        strategies = [position.strategy_id for position in held]
        assert len(set(strategies)) == len(strategies)
