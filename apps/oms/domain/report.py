"""Execution reports: facts told by an exchange about an order. Nothing else changes the book."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from oms.domain.value import value


class ReportKind(StrEnum):
    """What happened to the order."""

    ACCEPTED = "accepted"
    TRIGGERED = "triggered"
    EXECUTION = "execution"
    CHANGED = "changed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    #: Refused by us before anything was sent.
    REFUSED = "refused"
    #: Sent perhaps, answer lost.
    UNKNOWN = "unknown"
    #: Looked up completely and not found: it was never placed.
    NOT_PLACED = "not_placed"


class Heard(StrEnum):
    """Over which channel a fact came; the ``origin`` of a deal."""

    REPLY = "exchange_reply"
    STREAM = "exchange_stream"
    RECONCILE = "reconcile"
    OPERATOR = "operator"


@value
class Execution:
    """One fill, as the exchange told it.

    ``qty`` in base (or contracts × contract size), ``price`` in quote, ``fee`` in
    ``fee_currency`` and negative for a rebate, ``executed_at`` by the exchange's clock (UTC).
    """

    exchange_trade_id: str
    qty: Decimal
    price: Decimal
    executed_at: datetime
    fee: Decimal | None = None
    fee_currency: str | None = None
    maker: bool | None = None


@value
class Report:
    """One fact about one order; ``order_id`` is ours, the adapter has looked it up."""

    kind: ReportKind
    order_id: int
    heard: Heard
    #: When we heard it (UTC).
    heard_at: datetime
    exchange_order_id: str | None = None
    execution: Execution | None = None
    #: New total quantity and new price of a ``changed`` report; ``None`` keeps.
    qty: Decimal | None = None
    price: Decimal | None = None
    #: Stable code and message of a ``rejected`` or ``refused`` report.
    code: str | None = None
    message: str | None = None
