"""The paper exchange: one pure step from memory and input to memory and facts.

A rejected request leaves the memory as it was. An order that arrives takes what the book offers
within its limit, and rests with the remainder; a resting order is served, at its own price and as
maker, when the market reaches it. Whatever happens, ``invariants`` holds.
"""

from typing import assert_never

from oms.simulation.admission import Rejection
from oms.simulation.candles import see_candle
from oms.simulation.children import attend
from oms.simulation.facts import Deposited, Rejected, Step, Touched
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
    Request,
)
from oms.simulation.invariants import check
from oms.simulation.memory import Memory
from oms.simulation.passage import is_direct, pass_through
from oms.simulation.placing import cancel, change, expire, place, place_pair
from oms.simulation.serving import see_mark, see_market, see_print
from oms.simulation.settings import Settings
from oms.simulation.sheet import Sheet


def step(memory: Memory, input: Input, settings: Settings) -> Step:
    """What ``input`` does. Raises ``InvariantBroken`` on a bug; ``memory`` is never changed.

    The symbol of an input must be one of ``settings.instruments``. An input that is older than
    the memory's clock counts as of that clock.
    """
    if settings.latency is None and is_direct(memory, input):
        return _act(memory, input, settings)
    return pass_through(memory, input, settings, _act)


def _act(memory: Memory, input: Input, settings: Settings) -> Step:
    """An input that has arrived at the exchange."""
    sheet = Sheet(memory, settings, input.at)
    rejection = _do(sheet, input)
    if rejection is not None:
        assert isinstance(input, Request)
        return _rejected(memory, input, rejection)
    if sheet.parents or (sheet.special and sheet.trades_made != memory.trades_made):
        attend(sheet)
    if sheet.facts or sheet.touched_orders:
        check(sheet)
    return sheet.step()


def _do(sheet: Sheet, input: Input) -> Rejection | None:
    match input:
        case Place():
            return place(sheet, input)
        case QuoteSeen() | BookSeen():
            see_market(sheet, input)
        case Change():
            return change(sheet, input)
        case Cancel():
            return cancel(sheet, input)
        case PlacePair():
            return place_pair(sheet, input)
        case PrintSeen():
            see_print(sheet, input)
        case MarkSeen():
            see_mark(sheet, input)
        case CandleSeen():
            see_candle(sheet, input)
        case Clock() | Ask():
            expire(sheet)
        case Deposit():
            _deposit(sheet, input)
        case _:
            assert_never(input)
    return None


def _rejected(memory: Memory, request: Request, why: Rejection) -> Step:
    """Nothing has changed; of a pair both orders are told so."""
    match request:
        case PlacePair(first=first, second=second):
            names = [first.client_id, second.client_id]
        case Place() | Change() | Cancel():
            names = [request.client_id]
    facts = tuple(Rejected(client_id=n, code=why.code, message=why.message) for n in names)
    return Step(memory=memory, facts=facts, told=facts, touched=Touched())


def _deposit(sheet: Sheet, wish: Deposit) -> None:
    assert wish.amount > 0, "a deposit brings money"
    sheet.credit(wish.currency, wish.amount)
    sheet.facts.append(Deposited(currency=wish.currency, amount=wish.amount))
