"""The paper exchange: one pure step from memory and input to memory and facts.

A rejected request leaves the memory as it was. An order that arrives takes what the book offers
within its limit, and rests with the remainder; a resting order is served, at its own price and as
maker, when the market reaches it. Whatever happens, ``invariants`` holds.
"""

from typing import assert_never

from oms.simulation.admission import Rejection
from oms.simulation.candles import see_candle
from oms.simulation.children import attend
from oms.simulation.facts import Rejected, Step, Touched
from oms.simulation.funding import fund, see_funding
from oms.simulation.inputs import (
    Ask,
    BookSeen,
    Cancel,
    CandleSeen,
    Change,
    Clock,
    Deposit,
    FundingSeen,
    Input,
    MarkSeen,
    Place,
    PlacePair,
    PrintSeen,
    QuoteSeen,
    Request,
    Reset,
    SetLeverage,
    SetMarginMode,
    Wish,
    Withdraw,
)
from oms.simulation.invariants import check
from oms.simulation.liquidation import liquidate
from oms.simulation.memory import Memory
from oms.simulation.passage import is_direct, pass_through
from oms.simulation.placing import cancel, change, expire, place, place_pair
from oms.simulation.serving import see_mark, see_market, see_print
from oms.simulation.settings import Settings
from oms.simulation.sheet import Sheet
from oms.simulation.transfers import deposit, reset, set_leverage, set_margin_mode, withdraw


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
    if memory.funding_due is not None and memory.funding_due <= sheet.at:
        fund(sheet, input)
    rejection = _do(sheet, input)
    if rejection is not None:
        assert isinstance(input, Request | Wish)
        return _rejected(memory, input, rejection)
    if sheet.parents or (sheet.special and sheet.trades_made != memory.trades_made):
        attend(sheet)
    if (sheet.positions or sheet.pools) and liquidate(sheet) and sheet.special:
        attend(sheet)
    if sheet.facts or sheet.touched_orders or sheet.touched_positions:
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
        case FundingSeen():
            see_funding(sheet, input)
        case Deposit():
            deposit(sheet, input)
        case Withdraw():
            return withdraw(sheet, input)
        case Reset():
            reset(sheet, input)
        case SetLeverage():
            return set_leverage(sheet, input)
        case SetMarginMode():
            return set_margin_mode(sheet, input)
        case _:
            assert_never(input)
    return None


def _rejected(memory: Memory, request: Request | Wish, why: Rejection) -> Step:
    """Nothing has changed; of a pair both orders are told so."""
    match request:
        case PlacePair(first=first, second=second):
            names = [first.client_id, second.client_id]
        case _:
            names = [request.client_id]
    facts = tuple(Rejected(client_id=n, code=why.code, message=why.message) for n in names)
    return Step(memory=memory, facts=facts, told=facts, touched=Touched())
