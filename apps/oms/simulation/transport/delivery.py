"""When a sender hears of what happened: facts on their way, late, twice, backwards or not at all.

It never changes a fact. What is not due yet waits, and is stored with the memory.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from oms.domain.value import evolve
from oms.simulation.events import (
    Accepted,
    Filled,
    PaperAccountEvent,
    PaperEvent,
    Rejected,
    Triggered,
)
from oms.simulation.settings import Latency, SimulationSettings
from oms.simulation.state.exchange_state import ExchangeState, PaperOrder
from oms.simulation.state.in_flight import Delivery, FaultyOrder, InFlight
from oms.simulation.transport.faults import Fault, FaultKind
from oms.simulation.transport.seeded_random import seeded_uniform

LOST_REPLY_DELAY = timedelta(seconds=5)
"""After a lost answer the stream tells of the order this much later, unless it is asked for."""

LATE_FILL_DELAY_MAX = timedelta(seconds=60)
"""A late fill is told after this time even if nobody cancels its order."""

_NO_LATENCY = Latency()
_FILL_FAULTS = frozenset({FaultKind.DUP_FILL, FaultKind.LATE_FILL})


class DeliverySchedule:
    """The facts under way to the sender, during one step."""

    def __init__(self, in_flight: InFlight, settings: SimulationSettings) -> None:
        self._settings = settings
        self._latency = settings.latency or _NO_LATENCY
        self._deliveries = list(in_flight.deliveries)
        self._faulty = dict(in_flight.faulty)
        self._silent_until = in_flight.silent_until
        self._number = in_flight.number

    def schedule(
        self,
        events: tuple[PaperEvent, ...],
        at: datetime,
        own_ids: tuple[str, ...] = (),
        fault: Fault | None = None,
    ) -> datetime | None:
        """Send facts on their way; when the first about an order of ``own`` is heard.

        These are the client ids and order ids of a request made at ``at``, with its ``fault``.
        """
        kind = None if fault is None else fault.kind
        if fault is not None and kind is FaultKind.DISCONNECT:
            self._silent_until = at + fault_duration(fault)
        if fault is not None and kind in _FILL_FAULTS:
            self._record_faulty(events, own_ids, fault)
        sent: list[Delivery] = []
        for event in events:
            is_own = _is_about(event, own_ids)
            due = self._due_at(at, is_reply=is_own and not isinstance(event, Filled | Triggered))
            if fault is not None and kind is FaultKind.SLOW:
                due += fault_duration(fault)
            if kind is FaultKind.TIMEOUT and is_own:
                due = max(due, at + LOST_REPLY_DELAY)
            sent += self._apply_fill_fault(event, due)
        if kind is FaultKind.OUT_OF_ORDER and sent:
            last = max(each.due for each in sent)
            sent = [evolve(each, due=last) for each in reversed(sent)]
        self._deliveries += [evolve(each, number=self.next_number()) for each in sent]
        replies = [
            each.due for each in sent if _is_about(each.event, own_ids) and not each.late_for
        ]
        return min(replies, default=None)

    def deliver_now(self, client_id: str, now: datetime) -> None:
        """Let everything about a client's order be heard now."""
        self._deliveries = [
            evolve(each, due=now) if client_id_of(each.event) == client_id else each
            for each in self._deliveries
        ]

    def release_held_fills(self, name: str) -> tuple[PaperOrder, tuple[PaperEvent, ...]] | None:
        """The fills of an order that are held back until it is canceled, and the order."""
        late = tuple(each.event for each in self._deliveries if each.late_for == name)
        if not name or not late:  # a cancel by client id alone holds nothing back
            return None
        self._deliveries = [each for each in self._deliveries if each.late_for != name]
        return self._faulty.pop(name).order, late

    def due_events(self, now: datetime) -> tuple[PaperEvent, ...]:
        """What is heard by ``now``, in order."""
        due = [each for each in self._deliveries if each.due <= now]
        due.sort(key=lambda each: (each.due, each.number))
        return tuple(each.event for each in due)

    def in_flight(self, now: datetime, state: ExchangeState) -> InFlight:
        """What is still under way after ``now``."""
        later = tuple(each for each in self._deliveries if each.due > now)
        late = {each.late_for for each in later}
        silent = self._silent_until
        return InFlight(
            number=self._number,
            deliveries=later,
            faulty={
                name: each
                for name, each in self._faulty.items()
                if name in late or state.order(each.order.symbol, name) is not None
            },
            silent_until=silent if silent is not None and silent > now else None,
        )

    def message_delay(self, latency: timedelta) -> timedelta:
        """How long one message is under way."""
        jitter = self._latency.jitter
        if not jitter:
            return latency
        fraction = seeded_uniform(self._settings.seed, "jitter", self.next_number())
        return latency + timedelta(
            microseconds=int(fraction * (jitter // timedelta(microseconds=1)))
        )

    def next_number(self) -> int:
        """The number of the next thing under way."""
        self._number += 1
        return self._number

    def _record_faulty(
        self, events: tuple[PaperEvent, ...], own_ids: tuple[str, ...], fault: Fault
    ) -> None:
        for event in events:
            if isinstance(event, Accepted) and event.order.client_id in own_ids:
                self._faulty[event.order.exchange_order_id] = FaultyOrder(
                    fault=fault, order=event.order
                )

    def _apply_fill_fault(self, event: PaperEvent, due: datetime) -> list[Delivery]:
        """A fill as its order's fault tells it: twice, or late."""
        delivery = Delivery(due=due, number=0, event=event)
        name = event.trade.exchange_order_id if isinstance(event, Filled) else ""
        faulty = self._faulty.get(name)
        if faulty is None:
            return [delivery]
        if faulty.fault.kind is FaultKind.DUP_FILL:
            return [delivery, delivery]
        return [evolve(delivery, due=due + LATE_FILL_DELAY_MAX, late_for=name)]

    def _due_at(self, at: datetime, *, is_reply: bool) -> datetime:
        due = at + self.message_delay(self._latency.ack if is_reply else self._latency.stream)
        silent = self._silent_until
        return due if is_reply or silent is None else max(due, silent)


def client_id_of(event: PaperEvent) -> str:
    """Whose order a fact is about; empty for none, and for orders of the exchange's own."""
    match event:
        case Filled(trade=trade):
            return trade.client_id
        case Rejected(client_id=client_id):
            return client_id
        case _ if isinstance(event, PaperAccountEvent):
            return ""
        case _:
            return event.order.client_id


def _is_about(event: PaperEvent, names: tuple[str, ...]) -> bool:
    """Whether a fact is about an order that a request has named."""
    if client_id_of(event) in names:
        return True
    match event:
        case Filled(trade=trade):
            return trade.exchange_order_id in names
        case Rejected():
            return False
        case _ if isinstance(event, PaperAccountEvent):
            return False
        case _:
            return event.order.exchange_order_id in names


def fault_duration(fault: Fault) -> timedelta:
    """The time that a fault takes."""
    return timedelta(microseconds=int(fault.amount * Decimal(1000)))
