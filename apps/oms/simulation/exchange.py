"""The paper exchange: one pure step from memory and input to memory and facts.

A rejected request leaves the memory as it was. An order that arrives takes what the book offers
within its limit, and rests with the remainder; a resting order is served, at its own price and as
maker, when a later quote of the other side reaches it. Whatever happens, ``invariants`` holds.
"""

from decimal import Decimal
from functools import reduce
from typing import assert_never

from oms.domain.money import ZERO, plain, total
from oms.domain.order import Side
from oms.domain.value import evolve
from oms.simulation.admission import Admitted, Rejection, admit, reducible
from oms.simulation.costs import lock_currency
from oms.simulation.facts import (
    Accepted,
    Canceled,
    Changed,
    Deposited,
    Rejected,
    Step,
    Touched,
)
from oms.simulation.inputs import (
    Ask,
    BookSeen,
    Cancel,
    CandleSeen,
    Change,
    Clock,
    Deposit,
    Input,
    MarkSeen,
    Place,
    PlacePair,
    PrintSeen,
    QuoteSeen,
)
from oms.simulation.invariants import check
from oms.simulation.matching import Taking, market_of, take
from oms.simulation.memory import Ladder, Leg, Memory, PaperOrder
from oms.simulation.settings import Settings
from oms.simulation.settling import release, rest, settle
from oms.simulation.sheet import Sheet


def step(memory: Memory, input: Input, settings: Settings) -> Step:
    """What ``input`` does. Raises ``InvariantBroken`` on a bug; ``memory`` is never changed.

    The symbol of an input must be one of ``settings.instruments``.
    """
    sheet = Sheet(memory, settings, input.at)
    rejection: Rejection | None = None
    match input:
        case Place():
            rejection = _place(sheet, input)
        case QuoteSeen() | BookSeen():
            _see(sheet, input)
        case Change():
            rejection = _change(sheet, input)
        case Cancel():
            rejection = _cancel(sheet, input)
        case Deposit():
            _deposit(sheet, input)
        case PlacePair() | Ask() | PrintSeen() | CandleSeen() | MarkSeen() | Clock():
            raise NotImplementedError
        case _:
            assert_never(input)
    if rejection is not None:
        assert isinstance(input, Place | Change | Cancel)
        return _rejected(memory, input, rejection)
    if sheet.facts:
        check(sheet)
    return sheet.step()


def _rejected(memory: Memory, request: Place | Change | Cancel, why: Rejection) -> Step:
    fact = Rejected(client_id=request.client_id, code=why.code, message=why.message)
    return Step(memory=memory, facts=(fact,), told=(fact,), touched=Touched())


def _place(sheet: Sheet, wish: Place) -> Rejection | None:
    instrument = sheet.instrument(wish.symbol)
    order = PaperOrder(
        exchange_order_id=f"o{sheet.orders_made + 1}",
        client_id=wish.client_id,
        symbol=wish.symbol,
        side=wish.side,
        order_type=wish.order_type,
        qty=wish.qty,
        price=wish.price,
        leg=_leg(sheet, wish),
        reduce_only=wish.reduce_only,
        post_only=wish.post_only,
        rank=sheet.next_rank(),
        locked_currency=lock_currency(instrument, wish.side),
        created_at=sheet.at,
    )
    admitted = admit(sheet, order)
    if isinstance(admitted, Rejection):
        return admitted
    sheet.orders_made += 1
    sheet.facts.append(Accepted(order=order))
    if admitted.order.qty != order.qty:
        sheet.facts.append(Changed(order=admitted.order))
    _carry_out(sheet, admitted)
    return None


def _leg(sheet: Sheet, wish: Place) -> Leg:
    """A hedge account's order opens its own side's leg, or reduces the other side's."""
    if not sheet.settings.hedge:
        return Leg.BOTH
    return Leg.LONG if (wish.side is Side.BUY) is not wish.reduce_only else Leg.SHORT


def _change(sheet: Sheet, wish: Change) -> Rejection | None:
    order = sheet.before.order(wish.symbol, wish.exchange_order_id)
    if order is None:
        return _not_open(sheet.before, wish.exchange_order_id)
    qty = order.qty if wish.qty is None else wish.qty
    price = order.price if wish.price is None else wish.price
    if qty < order.filled:
        message = f"quantity {plain(qty)} is below what is filled, {plain(order.filled)}"
        return Rejection(code="too_late", message=message)
    keeps_place = qty <= order.qty and price == order.price
    rank = order.rank if keeps_place else sheet.next_rank()
    release(sheet, order)
    changed = evolve(order, qty=qty, price=price, rank=rank, locked=ZERO)
    admitted = admit(sheet, changed)
    if isinstance(admitted, Rejection):
        return admitted
    sheet.facts.append(Changed(order=admitted.order))
    _carry_out(sheet, admitted)
    return None


def _carry_out(sheet: Sheet, admitted: Admitted) -> None:
    """Execute what the book gave, and let the remainder rest."""
    order = admitted.order
    if admitted.book is not None:
        sheet.leave(order.symbol, order.side, admitted.book)
    for taking in admitted.takings:
        order = settle(sheet, order, taking, maker=False)
    rest(sheet, order)


def _cancel(sheet: Sheet, wish: Cancel) -> Rejection | None:
    order = sheet.before.order(wish.symbol, wish.exchange_order_id)
    if order is None:
        return _not_open(sheet.before, wish.exchange_order_id)
    _end(sheet, order)
    return None


def _end(sheet: Sheet, order: PaperOrder) -> None:
    release(sheet, order)
    sheet.end_order(order)
    sheet.facts.append(Canceled(order=order))


def _not_open(memory: Memory, name: str) -> Rejection:
    """Ids are counted: one that was given and is not open belongs to a final order."""
    number = name[1:] if name.startswith("o") else ""
    if number.isascii() and number.isdigit() and 0 < int(number) <= memory.orders_made:
        return Rejection(code="order_not_open", message=f"order {name} is final")
    return Rejection(code="order_not_found", message=f"no order {name!r} was ever placed")


def _deposit(sheet: Sheet, wish: Deposit) -> None:
    assert wish.amount > 0, "a deposit brings money"
    sheet.credit(wish.currency, wish.amount)
    sheet.facts.append(Deposited(currency=wish.currency, amount=wish.amount))


def _see(sheet: Sheet, news: QuoteSeen | BookSeen) -> None:
    """Take over what the market shows, then serve the resting orders that it reaches."""
    sheet.put_market(market_of(news))
    if news.symbol in sheet.orders:
        buys, sells = _reached(sheet, news.symbol)
        _serve_side(sheet, news.symbol, Side.BUY, buys)
        _serve_side(sheet, news.symbol, Side.SELL, sells)


def _reached(sheet: Sheet, symbol: str) -> tuple[list[PaperOrder], list[PaperOrder]]:
    """Resting buys and sells that the market has come to. One pass: there may be thousands."""
    market = sheet.markets[symbol]
    ask = market.asks.levels[0][0] if market.asks.levels else None
    bid = market.bids.levels[0][0] if market.bids.levels else None
    buys: list[PaperOrder] = []
    sells: list[PaperOrder] = []
    for order in sheet.orders[symbol].values():
        price = order.price
        assert price is not None, "only orders with a price rest"
        if order.side is Side.BUY:
            if ask is not None and price >= ask:
                buys.append(order)
        elif bid is not None and price <= bid:
            sells.append(order)
    return buys, sells


def _serve_side(sheet: Sheet, symbol: str, side: Side, reached: list[PaperOrder]) -> None:
    """Serve resting orders of one side, best price first, then first come."""
    if not reached:
        return
    book = sheet.markets[symbol].opposite(side)
    for order in sorted(reached, key=_turn):
        book = _serve(sheet, order, book)
    sheet.leave(symbol, side, book)


def _turn(order: PaperOrder) -> tuple[Decimal, int]:
    """Lower is served first: the highest buyer, the lowest seller, then the first to come."""
    assert order.price is not None, "only orders with a price rest"
    price = order.price.copy_negate() if order.side is Side.BUY else order.price
    return price, order.rank


def _serve(sheet: Sheet, order: PaperOrder, book: Ladder) -> Ladder:
    """Execute a resting order as far as the levels that reach it give; what they leave."""
    assert order.price is not None, "only orders with a price rest"
    held = reducible(sheet, order)
    if not held:
        _end(sheet, order)
        return book
    takings, after = take(book, order.side, min(order.remaining, held), order.price)
    if not takings:
        return book
    release(sheet, order)
    price, order = order.price, evolve(order, locked=ZERO)
    if held < order.remaining:
        order = evolve(order, qty=total(order.filled, held))
        sheet.facts.append(Changed(order=order))
    qty = reduce(total, (taking.qty for taking in takings))
    order = settle(sheet, order, Taking(qty=qty, price=price), maker=True)
    rest(sheet, order)
    return after
