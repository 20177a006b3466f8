"""The way between sender and exchange: requests that arrive later, and what is heard of them.

A request is under way for the decision's latency, its answer and the stream's news for theirs;
each waits in the memory until an input's time has come to it. Faults that were asked for change
what arrives and what is told, never what the exchange has in its books. Orders expire here too,
at their own time, between what happened before and after it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from oms.domain.value import evolve
from oms.simulation.account.funding import next_funding_payment
from oms.simulation.events import (
    DELIVERED,
    Canceled,
    PaperEvent,
    Rejected,
    ReplyOutcome,
    RequestReply,
    StateChanges,
    StepResult,
)
from oms.simulation.inputs import (
    CancelOrder,
    ChangeOrder,
    Input,
    NewOrder,
    NewOrderPair,
    OrderRequest,
    QueryOrder,
    TimeUpdate,
)
from oms.simulation.settings import Latency, SimulationSettings
from oms.simulation.state.exchange_state import ExchangeState, PaperOrder
from oms.simulation.state.in_flight import Arrival, InFlight
from oms.simulation.transport.delivery import DeliverySchedule, fault_duration
from oms.simulation.transport.faults import Fault, FaultKind

StepFunction = Callable[[ExchangeState, Input, SimulationSettings], StepResult]

_PAUSE_FORGOTTEN = timedelta(hours=1)
_AT_ONCE = Latency()
_LOST = RequestReply(outcome=ReplyOutcome.LOST)
_REQUESTS = (NewOrder, ChangeOrder, CancelOrder, NewOrderPair)


def next_due_at(state: ExchangeState) -> datetime | None:
    """When the next thing happens by itself: an arrival, something told, an order that expires,
    funding."""
    times = [expiry for expiry, _ in _expiries(state)]
    funding = next_funding_payment(state)
    if funding is not None:
        times.append(funding)
    if state.in_flight is not None:
        times += [arrival.due for arrival in state.in_flight.arrivals[:1]]
        times += [delivery.due for delivery in state.in_flight.deliveries]
    return min(times, default=None)


def is_immediate(state: ExchangeState, input: Input) -> bool:
    """Whether nothing is under way or due, and the input is a sound one: the usual case."""
    if state.in_flight is not None:
        return False
    if isinstance(input, _REQUESTS) and input.fault is not None:
        return False
    return not state.orders_with_terms or all(due > input.at for due, _ in _expiries(state))


def step_with_latency(
    state: ExchangeState, input: Input, settings: SimulationSettings, act: StepFunction
) -> StepResult:
    """Let happen what was due until the input's time, then the input, and tell what is due."""
    passage = _Passage(state, settings, act, max(state.clock, input.at))
    passage.catch_up()
    match input:
        case QueryOrder():
            passage.telling.hurry(input.client_id, passage.now)
        case _ if isinstance(input, OrderRequest):
            passage.request(input)
        case _:
            passage.carry_out(input)
    return passage.step()


class _Passage:
    """One step on its way."""

    def __init__(
        self, state: ExchangeState, settings: SimulationSettings, act: StepFunction, now: datetime
    ) -> None:
        in_flight = state.in_flight or InFlight()
        self.now = now
        self.telling = DeliverySchedule(in_flight, settings)
        self._before = state
        self._memory = state
        self._settings = settings
        self._act = act
        self._arrivals = list(in_flight.arrivals)
        self._paused = dict(in_flight.paused)
        self._facts: list[PaperEvent] = []
        self._orders: dict[str, PaperOrder | None] = {}
        self._markets: frozenset[str] = frozenset()
        self._books = False
        self._answer = DELIVERED

    def catch_up(self) -> None:
        """Let orders expire and requests arrive, each at its time."""
        while True:
            expiry = min(_expiries(self._memory), default=None)
            arrival = self._arrivals[0] if self._arrivals else None
            if expiry is not None and (arrival is None or expiry[0] <= arrival.due):
                if expiry[0] > self.now:
                    return
                self.carry_out(TimeUpdate(at=expiry[0]))
            elif arrival is not None and arrival.due <= self.now:
                del self._arrivals[0]
                self._arrive(evolve(arrival.request, at=arrival.due), arrival.due)
            else:
                return

    def carry_out(self, input: Input) -> None:
        """Something that nobody waits for an answer to."""
        self.telling.tell(self._done(input), max(self._memory.clock, input.at))

    def request(self, request: OrderRequest) -> None:
        """A request sets out; what a fault spoils does not arrive."""
        fault, latency = request.fault, self._settings.latency or _AT_ONCE
        if fault is not None and self._is_stopped(request, fault):
            return
        due = self.now + self.telling.late(latency.decision)
        if due == self.now:
            reply = self._arrive(request, due)
        else:
            arrival = Arrival(due=due, number=self.telling.count(), request=request)
            self._arrivals.append(arrival)
            self._arrivals.sort(key=lambda arrival: (arrival.due, arrival.number))
            reply = due + latency.ack
        if fault is not None and fault.kind is FaultKind.TIMEOUT:
            self._answer = _LOST
        elif reply is not None and reply > self.now:
            self._answer = RequestReply(outcome=ReplyOutcome.PENDING, due=reply)

    def step(self) -> StepResult:
        """The memory afterwards, and what is heard now."""
        in_flight, before, state = self._line(), self._before, self._memory
        if in_flight != before.in_flight:
            self._books = True
        if self._books:
            version = max(state.version, before.version + 1)
            state = evolve(state, in_flight=in_flight, clock=self.now, version=version)
        elif state.clock != self.now:
            state = evolve(state, clock=self.now)
        return StepResult(
            state=state,
            events=tuple(self._facts),
            told=self.telling.heard(self.now),
            changes=StateChanges(orders=self._orders, markets=self._markets, books=self._books),
            answer=self._answer,
        )

    def _line(self) -> InFlight | None:
        """What is still under way; nothing at all is ``None``."""
        paused = {n: due for n, due in self._paused.items() if due + _PAUSE_FORGOTTEN > self.now}
        in_flight = evolve(
            self.telling.in_flight(self.now, self._memory),
            arrivals=tuple(self._arrivals),
            paused=paused,
        )
        is_idle = in_flight == InFlight(number=in_flight.number)
        return None if is_idle and self._settings.latency is None else in_flight

    def _done(self, input: Input) -> tuple[PaperEvent, ...]:
        result = self._act(self._memory, input, self._settings)
        self._memory = result.state
        self._facts += result.events
        self._orders |= result.changes.orders
        self._markets |= result.changes.markets
        self._books |= result.changes.books
        return result.events

    def _is_stopped(self, request: OrderRequest, fault: Fault) -> bool:
        """Whether the fault keeps the request from the exchange."""
        names = _clients(request)
        match fault.kind:
            case FaultKind.REJECT:
                message = "rejected, as the request asked for"
                events = tuple(
                    Rejected(client_id=name, code=fault.code, message=message) for name in names
                )
                self._facts += events
                self.telling.tell(events, self.now, names)
            case FaultKind.TIMEOUT_BEFORE:
                self._answer = _LOST
            case FaultKind.OVERLOAD:
                due = self._paused.setdefault(names[0], self.now + fault_duration(fault))
                if due <= self.now:
                    del self._paused[names[0]]
                    return False
                self._answer = RequestReply(outcome=ReplyOutcome.OVERLOADED, due=due)
            case _:
                return False
        return True

    def _arrive(self, request: OrderRequest, at: datetime) -> datetime | None:
        """A request has arrived; when its answer is heard.

        The cancel of an order whose fills are held back wins over them, whatever the books say.
        """
        events, names = self._done(request), _names(request)
        held = None
        if isinstance(request, CancelOrder):
            held = self.telling.let_out(request.exchange_order_id)
        if held is not None and any(isinstance(event, Rejected) for event in events):
            self._facts = self._facts[: -len(events)]
            events = (Canceled(order=held[0]),)
        reply = self.telling.tell(events, at, names, request.fault)
        if held is not None:
            self.telling.tell(held[1], at)
        return reply


def _expiries(state: ExchangeState) -> list[tuple[datetime, int]]:
    """When orders expire, and their numbers."""
    found = (state.order(symbol, name) for name, symbol in state.orders_with_terms.items())
    return [
        (order.terms.expires_at, order.number)
        for order in found
        if order is not None and order.terms.expires_at is not None
    ]


def _clients(request: OrderRequest) -> tuple[str, ...]:
    if isinstance(request, NewOrderPair):
        return request.first.client_id, request.second.client_id
    return (request.client_id,)


def _names(request: OrderRequest) -> tuple[str, ...]:
    """How the orders are called that a request is about, by client or by exchange."""
    if isinstance(request, ChangeOrder | CancelOrder):
        return request.client_id, request.exchange_order_id
    return _clients(request)
