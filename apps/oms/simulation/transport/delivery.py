"""Delivery of events to the client: delayed, duplicated, reordered or dropped.

Events themselves are never changed. Those that are not due yet are part of the stored state.
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
from oms.simulation.state.exchange_state import ExchangeState
from oms.simulation.state.in_flight import Delivery, FaultyOrder, InFlight
from oms.simulation.state.paper_order import PaperOrder
from oms.simulation.transport.faults import Fault, FaultKind, seeded_uniform

LOST_REPLY_DELAY = timedelta(seconds=5)
"""Delay of the stream events of an order whose reply was lost, unless the order is queried."""

LATE_FILL_DELAY_MAX = timedelta(seconds=60)
"""Maximum delay of a late fill whose order is not canceled."""

_NO_LATENCY = Latency()
_FILL_FAULTS = frozenset({FaultKind.DUP_FILL, FaultKind.LATE_FILL})


class DeliverySchedule:
    """Events in flight to the client during one step."""

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
        """Schedules events. Returns when the first one about an order of ``own_ids`` is delivered.

        ``own_ids`` are the client and order ids of a request made at ``at`` with ``fault``.
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
        """Makes all events of a client's order due now."""
        self._deliveries = [
            evolve(each, due=now) if client_id_of(each.event) == client_id else each
            for each in self._deliveries
        ]

    def release_held_fills(self, order_id: str) -> tuple[PaperOrder, tuple[PaperEvent, ...]] | None:
        """Removes and returns an order and its fills that are held back until it is canceled."""
        held_fills = tuple(each.event for each in self._deliveries if each.late_for == order_id)
        if not order_id or not held_fills:  # a cancel by client id alone releases no fills
            return None
        self._deliveries = [each for each in self._deliveries if each.late_for != order_id]
        return self._faulty.pop(order_id).order, held_fills

    def due_events(self, now: datetime) -> tuple[PaperEvent, ...]:
        """Returns the events due by ``now``, in order."""
        due = [each for each in self._deliveries if each.due <= now]
        due.sort(key=lambda each: (each.due, each.number))
        return tuple(each.event for each in due)

    def in_flight(self, now: datetime, state: ExchangeState) -> InFlight:
        """Returns the messages still in flight after ``now``."""
        later = tuple(each for each in self._deliveries if each.due > now)
        held_orders = {each.late_for for each in later}
        silent = self._silent_until
        return InFlight(
            number=self._number,
            deliveries=later,
            faulty={
                order_id: each
                for order_id, each in self._faulty.items()
                if order_id in held_orders or state.order(each.order.symbol, order_id) is not None
            },
            silent_until=silent if silent is not None and silent > now else None,
        )

    def message_delay(self, latency: timedelta) -> timedelta:
        """Returns the delay of one message."""
        jitter = self._latency.jitter
        if not jitter:
            return latency
        fraction = seeded_uniform(self._settings.seed, "jitter", self.next_number())
        return latency + timedelta(
            microseconds=int(fraction * (jitter // timedelta(microseconds=1)))
        )

    def next_number(self) -> int:
        """Returns the number of the next message in flight."""
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
        """Returns the deliveries of an event: a fill of a faulty order is duplicated or delayed."""
        delivery = Delivery(due=due, number=0, event=event)
        order_id = event.trade.exchange_order_id if isinstance(event, Filled) else ""
        faulty = self._faulty.get(order_id)
        if faulty is None:
            return [delivery]
        if faulty.fault.kind is FaultKind.DUP_FILL:
            return [delivery, delivery]
        return [evolve(delivery, due=due + LATE_FILL_DELAY_MAX, late_for=order_id)]

    def _due_at(self, at: datetime, *, is_reply: bool) -> datetime:
        due = at + self.message_delay(self._latency.ack if is_reply else self._latency.stream)
        silent = self._silent_until
        return due if is_reply or silent is None else max(due, silent)


def client_id_of(event: PaperEvent) -> str:
    """Returns the client id of an event's order; empty for none and for the exchange's own."""
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
    """Returns whether an event is about an order that a request named."""
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
    """Returns the duration of a fault."""
    return timedelta(microseconds=int(fault.amount * Decimal(1000)))
