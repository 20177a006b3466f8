"""Faults on purpose: what a sender may ask to go wrong with one of its requests.

A fault never makes the exchange's own books wrong; it changes whether a request arrives and what
the sender hears of it. It refuses to be random: the same request fails in the same way each time.
"""

from decimal import Decimal
from enum import StrEnum

from oms.domain.errors import Invalid
from oms.domain.money import ZERO, NotADecimal, parse_decimal
from oms.domain.value import value

#: The longest delay or pause that may be asked for, in milliseconds: an hour.
DELAY_MS_MAX = Decimal(3_600_000)


class FaultKind(StrEnum):
    """What goes wrong."""

    REJECT = "reject"
    #: The request is carried out, its answer is lost.
    TIMEOUT = "timeout"
    #: The request never arrives.
    TIMEOUT_BEFORE = "timeout_before"
    #: The exchange wants a pause before it looks at the request.
    OVERLOAD = "overload"
    #: Only a share of the order is executed when it arrives.
    PARTIAL = "partial"
    #: Each fill is told twice.
    DUP_FILL = "dup_fill"
    #: Fills are told after the cancel.
    LATE_FILL = "late_fill"
    #: What happened is told backwards.
    OUT_OF_ORDER = "out_of_order"
    #: Everything is told later.
    SLOW = "slow"
    #: The stream is down for a while.
    DISCONNECT = "disconnect"


@value
class Fault:
    """One fault: ``code`` of a rejection, ``amount`` in milliseconds or as a share."""

    kind: FaultKind
    code: str = ""
    amount: Decimal = ZERO


#: Milliseconds of one unit of the number behind a word.
_MILLISECONDS = {FaultKind.OVERLOAD: 1000, FaultKind.DISCONNECT: 1000, FaultKind.SLOW: 1}
_NUMBERED = frozenset({*_MILLISECONDS, FaultKind.PARTIAL})


def parse_fault(text: str) -> Fault:
    """The fault that ``params.sim`` names: ``reject:no_price``, ``slow:250``, ``partial:0.5``.

    Raises ``Invalid`` for any other text.
    """
    name, _, rest = text.partition(":")
    try:
        kind = FaultKind(name)
        amount = parse_decimal(rest) if kind in _NUMBERED else ZERO
    except (ValueError, NotADecimal):
        raise Invalid(f"{text!r} is no fault of the paper exchange") from None
    if kind is FaultKind.REJECT:
        return Fault(kind=kind, code=rest or "exchange_rejected")
    amount *= _MILLISECONDS.get(kind, 1)
    highest = Decimal(1) if kind is FaultKind.PARTIAL else DELAY_MS_MAX
    if (rest and kind not in _NUMBERED) or not ZERO <= amount <= highest:
        raise Invalid(f"{text!r} is no fault of the paper exchange")
    return Fault(kind=kind, amount=amount)
