"""Events: what changed, in order. Rows are the truth; events tell of it.

The core makes only the fine-grained events ("order submitted", "deal created"). That a row
changed needs no event here: whoever writes the row tells it in full. How an event looks on a wire
is the wire's business, its number in the account the one writer's.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from oms.domain.value import value


class Namespace(StrEnum):
    """The kinds of events a listener may ask for."""

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
    """One thing that happened.

    ``facts`` are JSON values by name; decimals stay ``Decimal`` and times ``datetime``.
    """

    name: str
    facts: Mapping[str, object] = field(default_factory=dict)
    namespace: Namespace = Namespace.POSITION
    strategy_id: int = 0
