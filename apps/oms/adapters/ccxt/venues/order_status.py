"""Order status as a venue reports it, where ccxt's unified status says less.

A conditional order whose trigger was met has ended: the order that it placed is another order with
executions of its own, so nothing was ever executed of the conditional one. Where both have the same
client order id, and the id is one of this gateway, the ledger counts them as one order.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from oms.domain.value import value

Info = Mapping[str, Any]
"""The venue's own row: ``info`` of a ccxt row."""


class VenueOrderStatus(StrEnum):
    """Status of an order at the exchange; fills come from executions alone."""

    OPEN = "open"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    #: A conditional order that has ended by placing another order: see
    #: ``VenueProfile.names_triggered_orders``.
    TRIGGERED = "triggered"
    #: A status that no table lists: it is never read as the end of an order.
    UNRECOGNIZED = "strange"


@value
class VenueState:
    """Status of an order in the venue's own row; ``raw`` is the venue's text."""

    status: VenueOrderStatus
    raw: str | None
    #: A conditional order under an id of its own, waiting or triggered.
    is_conditional: bool = False
    #: It reports that it waits for its trigger.
    is_untriggered: bool = False
    #: The exchange's id of the order that it placed, where the row has one.
    triggered_order_id: str | None = None
    #: What ``VenueProfile.trigger_tag`` sent, as the row has it.
    tag: str | None = None


StateParser = Callable[[Info], VenueState | None]
"""Returns the state in the venue's row; ``None`` where ccxt's unified status is enough."""


class StatusTable:
    """Venue texts by status; each argument lists texts separated by spaces."""

    def __init__(self, **texts_by_status: str) -> None:
        self._by_text = {
            text: VenueOrderStatus[name.upper()]
            for name, texts in texts_by_status.items()
            for text in texts.split()
        }

    def find(self, text: str) -> VenueOrderStatus:
        """Returns the status of a venue text; ``UNRECOGNIZED`` if it is not listed."""
        return self._by_text.get(text, VenueOrderStatus.UNRECOGNIZED)

    def parse_state(self, info: Info) -> VenueState | None:
        """Returns the state in the field ``status`` of the venue's row; ``None`` without one."""
        raw = info_text(info, "status")
        return None if raw is None else VenueState(status=self.find(raw), raw=raw)


def info_text(info: Info, key: str) -> str | None:
    """Returns a field of the venue's row as text; ``None`` if it is absent or empty."""
    text = info.get(key)
    return None if text in (None, "") else str(text)
