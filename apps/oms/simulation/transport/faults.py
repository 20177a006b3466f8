"""Fault injection: a request may ask for one fault of its own processing.

A fault never makes the state of the exchange wrong; it changes whether a request arrives and which
events the client receives. Faults are deterministic: the same request fails in the same way.
"""

from decimal import Decimal
from enum import StrEnum
from hashlib import sha256

from oms.domain.errors import Invalid
from oms.domain.money import ZERO, NotADecimal, parse_decimal
from oms.domain.value import value

#: Maximum delay or pause in milliseconds: one hour.
DELAY_MS_MAX = Decimal(3_600_000)
_FRACTIONS = 10**9


class FaultKind(StrEnum):
    """Kinds of faults."""

    REJECT = "reject"
    #: The request is processed, its reply is lost.
    TIMEOUT = "timeout"
    #: The request never arrives.
    TIMEOUT_BEFORE = "timeout_before"
    #: The exchange demands a pause before it processes the request.
    OVERLOAD = "overload"
    #: Only a share of the order is filled on arrival.
    PARTIAL = "partial"
    #: Each fill is delivered twice.
    DUP_FILL = "dup_fill"
    #: Fills are delivered after the cancel.
    LATE_FILL = "late_fill"
    #: Events are delivered in reverse order.
    OUT_OF_ORDER = "out_of_order"
    #: All events are delayed.
    SLOW = "slow"
    #: The stream is down for a while.
    DISCONNECT = "disconnect"


@value
class Fault:
    """One fault: ``code`` of a rejection, ``amount`` in milliseconds or as a share."""

    kind: FaultKind
    code: str = ""
    amount: Decimal = ZERO


#: Milliseconds per unit of the number after the colon.
_MILLISECONDS = {FaultKind.OVERLOAD: 1000, FaultKind.DISCONNECT: 1000, FaultKind.SLOW: 1}
_NUMBERED = frozenset({*_MILLISECONDS, FaultKind.PARTIAL})


def parse_fault(text: str) -> Fault:
    """Returns the fault of ``params.sim``: ``reject:no_price``, ``slow:250``, ``partial:0.5``.

    Raises ``Invalid`` for any other text.
    """
    name, _, rest = text.partition(":")
    try:
        kind = FaultKind(name)
        amount = parse_decimal(rest) if kind in _NUMBERED else ZERO
    except (ValueError, NotADecimal):
        raise Invalid(f"{text!r} is not a fault of the paper exchange") from None
    if kind is FaultKind.REJECT:
        return Fault(kind=kind, code=rest or "exchange_rejected")
    amount *= _MILLISECONDS.get(kind, 1)
    highest = Decimal(1) if kind is FaultKind.PARTIAL else DELAY_MS_MAX
    if (rest and kind not in _NUMBERED) or not ZERO <= amount <= highest:
        raise Invalid(f"{text!r} is not a fault of the paper exchange")
    return Fault(kind=kind, amount=amount)


def seeded_uniform(seed: int, purpose: str, count: int) -> Decimal:
    """Returns a pseudo-random number from 0 to below 1 at 9 places, equal on every machine."""
    digest = sha256(f"{seed}:{purpose}:{count}".encode()).digest()
    return Decimal(int.from_bytes(digest[:8], "big") % _FRACTIONS).scaleb(-9)
