"""Domain events: what changed, in order. The rows are authoritative, events report their changes.

The domain creates only fine-grained events ("order submitted", "deal created"). Row changes ("order
updated") are derived from the written rows. The JSON form is built in ``wire``, sequence numbers
are assigned by the account's worker.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from oms.domain.value import value


class Namespace(StrEnum):
    """Event categories that a client can subscribe to."""

    POSITION = "position"
    COMMAND = "command"
    RISK = "risk"
    SIGNAL = "signal"
    BOT = "bot"
    RESEARCH = "research"
    MARKET = "market"
    CCXT = "ccxt"


@value
class Event:
    """One domain event.

    ``facts`` are JSON values by name; decimals stay ``Decimal`` and times ``datetime``.
    """

    name: str
    facts: Mapping[str, object] = field(default_factory=dict)
    namespace: Namespace = Namespace.POSITION
    strategy_id: int = 0
