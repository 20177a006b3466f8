"""What is under way between the exchange and its sender: requests, and facts not told yet.

Both wait in the memory, in the order of their time, so that a restart loses none of them.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from oms.domain.value import value
from oms.simulation.events import PaperEvent
from oms.simulation.inputs import OrderRequest
from oms.simulation.state.exchange_state import PaperOrder
from oms.simulation.transport.faults import Fault


@value
class Arrival:
    """A request that reaches the exchange at ``due``."""

    due: datetime
    number: int
    request: OrderRequest


@value
class Delivery:
    """A fact that the sender hears at ``due``; ``late_for`` an order: when that is canceled."""

    due: datetime
    number: int
    event: PaperEvent
    late_for: str = ""


@value
class FaultyOrder:
    """An order of which wrong things are told, in the form in which it arrived."""

    fault: Fault
    order: PaperOrder


@value
class InFlight:
    """Everything under way; ``number`` counts it."""

    number: int = 0
    arrivals: tuple[Arrival, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    faulty: Mapping[str, FaultyOrder] = field(default_factory=dict)
    #: Until when the stream is down.
    silent_until: datetime | None = None
    #: Until when requests are not looked at, by client id.
    paused: Mapping[str, datetime] = field(default_factory=dict)
