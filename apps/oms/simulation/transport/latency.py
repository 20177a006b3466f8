"""Latency between client and exchange: requests arrive later, and so do their events.

A request takes the decision latency, its reply and the stream's events take theirs; each is part of
the state until an input is at or after its time. Injected faults change what arrives and what is
delivered, never the books of the exchange. Orders also expire here, at their exact time between
other messages.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from oms.domain.value import evolve
from oms.simulation.account.funding import next_funding_payment
from oms.simulation.events import Canceled, PaperEvent, Rejected
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
from oms.simulation.state.exchange_state import ExchangeState
from oms.simulation.state.in_flight import Arrival, InFlight
from oms.simulation.state.paper_order import PaperOrder
from oms.simulation.step_result import (
    DELIVERED,
    ReplyOutcome,
    RequestReply,
    StateChanges,
    StepResult,
)
from oms.simulation.transport.delivery import DeliverySchedule, fault_duration
from oms.simulation.transport.faults import Fault, FaultKind

StepFunction = Callable[[ExchangeState, Input, SimulationSettings], StepResult]

_PAUSE_RETENTION = timedelta(hours=1)
_NO_LATENCY = Latency()
_LOST = RequestReply(outcome=ReplyOutcome.LOST)
_REQUESTS = (NewOrder, ChangeOrder, CancelOrder, NewOrderPair)


def next_due_at(state: ExchangeState) -> datetime | None:
    """Returns when the next arrival, delivery, expiry or funding is due; ``None`` for nothing."""
    times = [expiry for expiry, _ in _expiries(state)]
    funding = next_funding_payment(state)
    if funding is not None:
        times.append(funding)
    if state.in_flight is not None:
        times += [arrival.due for arrival in state.in_flight.arrivals[:1]]
        times += [delivery.due for delivery in state.in_flight.deliveries]
    return min(times, default=None)


def is_immediate(state: ExchangeState, input: Input) -> bool:
    """Returns whether nothing is in flight or due and the input has no fault: the usual case."""
    if state.in_flight is not None:
        return False
    if isinstance(input, _REQUESTS) and input.fault is not None:
        return False
    return not state.orders_with_terms or all(due > input.at for due, _ in _expiries(state))


def step_with_latency(
    state: ExchangeState, input: Input, settings: SimulationSettings, step_function: StepFunction
) -> StepResult:
    """Processes what is due before the input, then the input; delivers the events due."""
    latency_step = _LatencyStep(state, settings, step_function, max(state.clock, input.at))
    latency_step.process_due()
    match input:
        case QueryOrder():
            latency_step.deliveries.deliver_now(input.client_id, latency_step.now)
        case _ if isinstance(input, OrderRequest):
            latency_step.request(input)
        case _:
            latency_step.process(input)
    return latency_step.step()


class _LatencyStep:
    """State of one step with latency."""

    def __init__(
        self,
        state: ExchangeState,
        settings: SimulationSettings,
        step_function: StepFunction,
        now: datetime,
    ) -> None:
        in_flight = state.in_flight or InFlight()
        self.now = now
        self.deliveries = DeliverySchedule(in_flight, settings)
        self._before = state
        self._state = state
        self._settings = settings
        self._step_function = step_function
        self._arrivals = list(in_flight.arrivals)
        self._paused = dict(in_flight.paused)
        self._events: list[PaperEvent] = []
        self._orders: dict[str, PaperOrder | None] = {}
        self._markets: frozenset[str] = frozenset()
        self._books = False
        self._reply = DELIVERED

    def process_due(self) -> None:
        """Expires orders and processes arrivals, each at its time."""
        while True:
            expiry = min(_expiries(self._state), default=None)
            arrival = self._arrivals[0] if self._arrivals else None
            if expiry is not None and (arrival is None or expiry[0] <= arrival.due):
                if expiry[0] > self.now:
                    return
                self.process(TimeUpdate(at=expiry[0]))
            elif arrival is not None and arrival.due <= self.now:
                del self._arrivals[0]
                self._process_arrival(evolve(arrival.request, at=arrival.due), arrival.due)
            else:
                return

    def process(self, input: Input) -> None:
        """Processes an input that has no reply."""
        self.deliveries.schedule(self._process_arrived(input), max(self._state.clock, input.at))

    def request(self, request: OrderRequest) -> None:
        """Sends a request; a fault may keep it from arriving."""
        fault, latency = request.fault, self._settings.latency or _NO_LATENCY
        if fault is not None and self._is_blocked_by_fault(request, fault):
            return
        due = self.now + self.deliveries.message_delay(latency.decision)
        if due == self.now:
            reply = self._process_arrival(request, due)
        else:
            arrival = Arrival(due=due, number=self.deliveries.next_number(), request=request)
            self._arrivals.append(arrival)
            self._arrivals.sort(key=lambda arrival: (arrival.due, arrival.number))
            reply = due + latency.ack
        if fault is not None and fault.kind is FaultKind.TIMEOUT:
            self._reply = _LOST
        elif reply is not None and reply > self.now:
            self._reply = RequestReply(outcome=ReplyOutcome.PENDING, due=reply)

    def step(self) -> StepResult:
        """Returns the state after the step and the events delivered now."""
        in_flight, before, state = self._remaining_in_flight(), self._before, self._state
        if in_flight != before.in_flight:
            self._books = True
        if self._books:
            version = max(state.version, before.version + 1)
            state = evolve(state, in_flight=in_flight, clock=self.now, version=version)
        elif state.clock != self.now:
            state = evolve(state, clock=self.now)
        return StepResult(
            state=state,
            events=tuple(self._events),
            delivered=self.deliveries.due_events(self.now),
            changes=StateChanges(orders=self._orders, markets=self._markets, books=self._books),
            reply=self._reply,
        )

    def _remaining_in_flight(self) -> InFlight | None:
        """Returns the messages still in flight; ``None`` for none."""
        paused = {n: due for n, due in self._paused.items() if due + _PAUSE_RETENTION > self.now}
        in_flight = evolve(
            self.deliveries.in_flight(self.now, self._state),
            arrivals=tuple(self._arrivals),
            paused=paused,
        )
        is_idle = in_flight == InFlight(number=in_flight.number)
        return None if is_idle and self._settings.latency is None else in_flight

    def _process_arrived(self, input: Input) -> tuple[PaperEvent, ...]:
        result = self._step_function(self._state, input, self._settings)
        self._state = result.state
        self._events += result.events
        self._orders |= result.changes.orders
        self._markets |= result.changes.markets
        self._books |= result.changes.books
        return result.events

    def _is_blocked_by_fault(self, request: OrderRequest, fault: Fault) -> bool:
        """Returns whether the fault keeps the request from the exchange."""
        names = _client_ids(request)
        match fault.kind:
            case FaultKind.REJECT:
                message = "rejected, as requested by the fault"
                events = tuple(
                    Rejected(client_id=name, code=fault.code, message=message) for name in names
                )
                self._events += events
                self.deliveries.schedule(events, self.now, names)
            case FaultKind.TIMEOUT_BEFORE:
                self._reply = _LOST
            case FaultKind.OVERLOAD:
                due = self._paused.setdefault(names[0], self.now + fault_duration(fault))
                if due <= self.now:
                    del self._paused[names[0]]
                    return False
                self._reply = RequestReply(outcome=ReplyOutcome.OVERLOADED, due=due)
            case _:
                return False
        return True

    def _process_arrival(self, request: OrderRequest, at: datetime) -> datetime | None:
        """Processes the arrival of a request. Returns when its reply is delivered.

        A cancel of an order whose fills are held back is reported as canceled before these fills,
        even if the order was filled entirely.
        """
        events, names = self._process_arrived(request), _order_ids(request)
        held_fills = None
        if isinstance(request, CancelOrder):
            held_fills = self.deliveries.release_held_fills(request.exchange_order_id)
        if held_fills is not None and any(isinstance(event, Rejected) for event in events):
            self._events = self._events[: -len(events)]
            events = (Canceled(order=held_fills[0]),)
        reply = self.deliveries.schedule(events, at, names, request.fault)
        if held_fills is not None:
            self.deliveries.schedule(held_fills[1], at)
        return reply


def _expiries(state: ExchangeState) -> list[tuple[datetime, int]]:
    """Returns expiry times and order numbers of the orders that expire."""
    found = (state.order(symbol, name) for name, symbol in state.orders_with_terms.items())
    return [
        (order.terms.expires_at, order.number)
        for order in found
        if order is not None and order.terms.expires_at is not None
    ]


def _client_ids(request: OrderRequest) -> tuple[str, ...]:
    if isinstance(request, NewOrderPair):
        return request.first.client_id, request.second.client_id
    return (request.client_id,)


def _order_ids(request: OrderRequest) -> tuple[str, ...]:
    """Returns the client and exchange order ids that a request names."""
    if isinstance(request, ChangeOrder | CancelOrder):
        return request.client_id, request.exchange_order_id
    return _client_ids(request)
