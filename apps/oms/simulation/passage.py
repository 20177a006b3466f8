"""The way between sender and exchange: requests that arrive later, and what is heard of them.

A request is under way for the decision's latency, its answer and the stream's news for theirs;
each waits in the memory until an input's time has come to it. Faults that were asked for change
what arrives and what is told, never what the exchange has in its books. Orders expire here too,
at their own time, between what happened before and after it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from oms.domain.value import evolve
from oms.simulation.facts import (
    TOLD,
    Answer,
    Canceled,
    Fact,
    Outcome,
    Rejected,
    Step,
    Touched,
)
from oms.simulation.faults import Fault, FaultKind
from oms.simulation.funding import next_funding
from oms.simulation.inputs import Ask, Cancel, Change, Clock, Input, Place, PlacePair, Request
from oms.simulation.line import Arrival, Line
from oms.simulation.memory import Memory, PaperOrder
from oms.simulation.settings import Latency, Settings
from oms.simulation.telling import Telling, milliseconds

Act = Callable[[Memory, Input, Settings], Step]

_PAUSE_FORGOTTEN = timedelta(hours=1)
_AT_ONCE = Latency()
_LOST = Answer(outcome=Outcome.LOST)
_REQUESTS = (Place, Change, Cancel, PlacePair)


def next_due(memory: Memory) -> datetime | None:
    """When the next thing happens by itself: an arrival, something told, an order that expires,
    funding."""
    times = [expiry for expiry, _ in _expiries(memory)]
    funding = next_funding(memory)
    if funding is not None:
        times.append(funding)
    if memory.line is not None:
        times += [arrival.due for arrival in memory.line.arrivals[:1]]
        times += [delivery.due for delivery in memory.line.deliveries]
    return min(times, default=None)


def is_direct(memory: Memory, input: Input) -> bool:
    """Whether nothing is under way or due, and the input is a sound one: the usual case."""
    if memory.line is not None:
        return False
    if isinstance(input, _REQUESTS) and input.fault is not None:
        return False
    return not memory.special or all(due > input.at for due, _ in _expiries(memory))


def pass_through(memory: Memory, input: Input, settings: Settings, act: Act) -> Step:
    """Let happen what was due until the input's time, then the input, and tell what is due."""
    passage = _Passage(memory, settings, act, max(memory.clock, input.at))
    passage.catch_up()
    match input:
        case Ask():
            passage.telling.hurry(input.client_id, passage.now)
        case _ if isinstance(input, Request):
            passage.request(input)
        case _:
            passage.carry_out(input)
    return passage.step()


class _Passage:
    """One step on its way."""

    def __init__(self, memory: Memory, settings: Settings, act: Act, now: datetime) -> None:
        line = memory.line or Line()
        self.now = now
        self.telling = Telling(line, settings)
        self._before = memory
        self._memory = memory
        self._settings = settings
        self._act = act
        self._arrivals = list(line.arrivals)
        self._paused = dict(line.paused)
        self._facts: list[Fact] = []
        self._orders: dict[str, PaperOrder | None] = {}
        self._markets: frozenset[str] = frozenset()
        self._books = False
        self._answer = TOLD

    def catch_up(self) -> None:
        """Let orders expire and requests arrive, each at its time."""
        while True:
            expiry = min(_expiries(self._memory), default=None)
            arrival = self._arrivals[0] if self._arrivals else None
            if expiry is not None and (arrival is None or expiry[0] <= arrival.due):
                if expiry[0] > self.now:
                    return
                self.carry_out(Clock(at=expiry[0]))
            elif arrival is not None and arrival.due <= self.now:
                del self._arrivals[0]
                self._arrive(evolve(arrival.request, at=arrival.due), arrival.due)
            else:
                return

    def carry_out(self, input: Input) -> None:
        """Something that nobody waits for an answer to."""
        self.telling.tell(self._done(input), max(self._memory.clock, input.at))

    def request(self, request: Request) -> None:
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
            self._answer = Answer(outcome=Outcome.PENDING, due=reply)

    def step(self) -> Step:
        """The memory afterwards, and what is heard now."""
        line, before, memory = self._line(), self._before, self._memory
        if line != before.line:
            self._books = True
        if self._books:
            version = max(memory.version, before.version + 1)
            memory = evolve(memory, line=line, clock=self.now, version=version)
        elif memory.clock != self.now:
            memory = evolve(memory, clock=self.now)
        return Step(
            memory=memory,
            facts=tuple(self._facts),
            told=self.telling.heard(self.now),
            touched=Touched(orders=self._orders, markets=self._markets, books=self._books),
            answer=self._answer,
        )

    def _line(self) -> Line | None:
        """What is still under way; nothing at all is ``None``."""
        paused = {n: due for n, due in self._paused.items() if due + _PAUSE_FORGOTTEN > self.now}
        line = evolve(
            self.telling.line(self.now, self._memory),
            arrivals=tuple(self._arrivals),
            paused=paused,
        )
        is_idle = line == Line(number=line.number)
        return None if is_idle and self._settings.latency is None else line

    def _done(self, input: Input) -> tuple[Fact, ...]:
        result = self._act(self._memory, input, self._settings)
        self._memory = result.memory
        self._facts += result.facts
        self._orders |= result.touched.orders
        self._markets |= result.touched.markets
        self._books |= result.touched.books
        return result.facts

    def _is_stopped(self, request: Request, fault: Fault) -> bool:
        """Whether the fault keeps the request from the exchange."""
        names = _clients(request)
        match fault.kind:
            case FaultKind.REJECT:
                message = "rejected, as the request asked for"
                facts = tuple(
                    Rejected(client_id=name, code=fault.code, message=message) for name in names
                )
                self._facts += facts
                self.telling.tell(facts, self.now, names)
            case FaultKind.TIMEOUT_BEFORE:
                self._answer = _LOST
            case FaultKind.OVERLOAD:
                due = self._paused.setdefault(names[0], self.now + milliseconds(fault))
                if due <= self.now:
                    del self._paused[names[0]]
                    return False
                self._answer = Answer(outcome=Outcome.OVERLOADED, due=due)
            case _:
                return False
        return True

    def _arrive(self, request: Request, at: datetime) -> datetime | None:
        """A request has arrived; when its answer is heard.

        The cancel of an order whose fills are held back wins over them, whatever the books say.
        """
        facts, names = self._done(request), _names(request)
        held = None
        if isinstance(request, Cancel):
            held = self.telling.let_out(request.exchange_order_id)
        if held is not None and any(isinstance(fact, Rejected) for fact in facts):
            self._facts = self._facts[: -len(facts)]
            facts = (Canceled(order=held[0]),)
        reply = self.telling.tell(facts, at, names, request.fault)
        if held is not None:
            self.telling.tell(held[1], at)
        return reply


def _expiries(memory: Memory) -> list[tuple[datetime, int]]:
    """When orders expire, and their numbers."""
    found = (memory.order(symbol, name) for name, symbol in memory.special.items())
    return [
        (order.terms.expires_at, order.number)
        for order in found
        if order is not None and order.terms.expires_at is not None
    ]


def _clients(request: Request) -> tuple[str, ...]:
    if isinstance(request, PlacePair):
        return request.first.client_id, request.second.client_id
    return (request.client_id,)


def _names(request: Request) -> tuple[str, ...]:
    """How the orders are called that a request is about, by client or by exchange."""
    if isinstance(request, Change | Cancel):
        return request.client_id, request.exchange_order_id
    return _clients(request)
