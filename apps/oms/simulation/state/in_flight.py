"""Messages in flight between client and exchange: requests, and events not delivered yet.

Both are part of the exchange state, ordered by time, so that a restart loses none of them.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from oms.domain.value import value
from oms.simulation.events import PaperEvent
from oms.simulation.inputs import OrderRequest
from oms.simulation.state.paper_order import PaperOrder
from oms.simulation.transport.faults import Fault


@value
class Arrival:
    """A request that arrives at the exchange at ``due``."""

    due: datetime
    number: int
    request: OrderRequest


@value
class Delivery:
    """An event that is delivered at ``due``, or when the order ``late_for`` is canceled."""

    due: datetime
    number: int
    event: PaperEvent = field(metadata={"stored_as": "fact"})
    late_for: str = ""


@value
class FaultyOrder:
    """An order whose events are delivered with a fault, in the form in which it arrived."""

    fault: Fault
    order: PaperOrder


@value
class InFlight:
    """All messages in flight; ``number`` is the number of the newest one."""

    number: int = 0
    arrivals: tuple[Arrival, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    faulty: Mapping[str, FaultyOrder] = field(default_factory=dict)
    #: End of the stream's outage.
    silent_until: datetime | None = None
    #: When the overload pause of a request ends, by client id.
    paused: Mapping[str, datetime] = field(default_factory=dict)
