"""Result of a step: the new state, its events, and the reply to its request."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from oms.domain.value import value
from oms.simulation.events import PaperEvent
from oms.simulation.state.exchange_state import ExchangeState
from oms.simulation.state.paper_order import PaperOrder


@value
class StateChanges:
    """Parts of the state that a step replaced."""

    #: Changed orders by id; ``None`` for an order that is no longer open.
    orders: Mapping[str, PaperOrder | None] = field(default_factory=dict)
    #: Symbols whose market was replaced.
    markets: frozenset[str] = frozenset()
    #: Whether balances, positions or counters were replaced.
    books: bool = False


class ReplyOutcome(StrEnum):
    """What became of the reply to a request."""

    #: Its events are among those delivered.
    DELIVERED = "delivered"
    #: It is delivered later.
    PENDING = "pending"
    #: It is lost; the client cannot know whether the request arrived.
    LOST = "lost"
    #: The exchange demands a pause and did not process the request.
    OVERLOADED = "overloaded"


@value
class RequestReply:
    """Reply to a request; ``due`` is when it is delivered, or when the pause ends."""

    outcome: ReplyOutcome = ReplyOutcome.DELIVERED
    due: datetime | None = None


DELIVERED = RequestReply()


@value
class StepResult:
    """The state after an input, its events, and the parts that were replaced.

    ``delivered`` are the events that the client receives now, in that order: all of them, unless
    latency or faults delay, duplicate or drop some.
    """

    state: ExchangeState
    events: tuple[PaperEvent, ...]
    delivered: tuple[PaperEvent, ...]
    changes: StateChanges
    reply: RequestReply = DELIVERED
