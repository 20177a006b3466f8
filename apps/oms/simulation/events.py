"""What the paper exchange says: facts in the order in which they happened, and a step's result."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from oms.domain.value import value
from oms.simulation.state.contract_overrides import MarginMode
from oms.simulation.state.exchange_state import ExchangeState, Leg, PaperOrder, PaperTrade


@value
class Accepted:
    """An order has arrived."""

    order: PaperOrder


@value
class Filled:
    """An order was executed, wholly or in part."""

    trade: PaperTrade


@value
class Changed:
    """An order has another price or total quantity, wished or cut by reduce-only."""

    order: PaperOrder


@value
class Canceled:
    """What was left of an order will not be executed; ``reason`` is empty if that was wished."""

    order: PaperOrder
    reason: str = ""


@value
class Triggered:
    """A conditional order was released by ``price``."""

    order: PaperOrder
    price: Decimal


@value
class Expired:
    """The time of an order is over."""

    order: PaperOrder


@value
class Rejected:
    """A request was refused and nothing at all has changed."""

    client_id: str
    code: str
    message: str


@value
class Deposited:
    """Money has arrived."""

    transfer_id: str
    currency: str
    amount: Decimal
    at: datetime


@value
class Withdrawn:
    """Money has left; ``amount`` is positive."""

    transfer_id: str
    currency: str
    amount: Decimal
    at: datetime


@value
class InsurancePaid:
    """The exchange has paid what an account owed after its liquidation."""

    transfer_id: str
    currency: str
    amount: Decimal
    at: datetime


@value
class FundingPaid:
    """A position was paid ``amount`` (negative: has paid) for the funding time ``at``.

    The id is made of symbol, leg and time: the same payment has the same id.
    """

    funding_id: str
    symbol: str
    leg: Leg
    amount: Decimal
    currency: str
    rate: Decimal
    mark: Decimal
    at: datetime


@value
class LeverageSet:
    """A contract has this leverage now."""

    symbol: str
    leverage: int


@value
class MarginModeSet:
    """A contract has this margin mode now."""

    symbol: str
    mode: MarginMode


PaperOrderEvent = Accepted | Changed | Canceled | Triggered | Expired
"""About one order, told in its new form."""

PaperAccountEvent = (
    Deposited | Withdrawn | InsurancePaid | FundingPaid | LeverageSet | MarginModeSet
)
"""About no order at all."""

PaperEvent = PaperOrderEvent | Filled | Rejected | PaperAccountEvent


@value
class StateChanges:
    """Which parts of memory a step replaced."""

    #: Open orders by id; ``None`` for one that was open before the step and is no longer.
    orders: Mapping[str, PaperOrder | None] = field(default_factory=dict)
    #: Symbols whose market was replaced.
    markets: frozenset[str] = frozenset()
    #: Whether balances, positions or counters were replaced.
    books: bool = False


class ReplyOutcome(StrEnum):
    """What becomes of the answer to a request."""

    #: It is among what is told, if the request asked for any.
    TOLD = "told"
    #: It will be told later.
    PENDING = "pending"
    #: It is lost; nobody can tell whether the request arrived.
    LOST = "lost"
    #: The exchange asks for a pause; the request was not looked at.
    OVERLOADED = "overloaded"


@value
class RequestReply:
    """How a request was answered; ``due`` is when the pause is over or the answer comes."""

    outcome: ReplyOutcome = ReplyOutcome.TOLD
    due: datetime | None = None


DELIVERED = RequestReply()


@value
class StepResult:
    """The memory after an input, what happened, and what was replaced.

    ``told`` is what the sender hears now, in that order: all facts, unless the line between
    exchange and sender delays, doubles or loses some.
    """

    state: ExchangeState
    events: tuple[PaperEvent, ...]
    delivered: tuple[PaperEvent, ...]
    changes: StateChanges
    reply: RequestReply = DELIVERED
