"""Execution reports: facts told by an exchange about an order. Nothing else changes the book."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from oms.domain.side import Side
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
    #: The exchange took an execution back; ``execution`` names and repeats its victim.
    BUSTED = "busted"


class ReportSource(StrEnum):
    """Over which channel a fact came; the ``origin`` of a deal."""

    REPLY = "exchange_reply"
    STREAM = "exchange_stream"
    RECONCILE = "reconcile"
    OPERATOR = "operator"


class EditState(StrEnum):
    """What the change of an order has come to, where it is made in steps (``edit_replace_state``).

    The first three are on the way: the wish is not answered yet.
    """

    CHANGING = "changing"
    CANCEL_PENDING = "cancel_pending"
    CREATE_PENDING = "create_pending"
    #: It was canceled there, and nothing took its place.
    CREATE_FAILED = "create_failed"
    #: It stands with its new terms, under our own id.
    DONE = "consolidated_to_self"

    @property
    def is_on_its_way(self) -> bool:
        """Whether the wish is not answered yet."""
        return self not in (EditState.CREATE_FAILED, EditState.DONE)


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
    #: The exchange's order of executions within one moment of a symbol; 0: it tells none.
    sequence: int = 0
    fee: Decimal | None = None
    fee_currency: str | None = None
    maker: bool | None = None
    #: Inferred from the order's state: the real executions are not found yet.
    provisional: bool = False


class ChargeKind(StrEnum):
    """Money that moves without quantity."""

    FUNDING = "funding"
    COMMISSION = "commission"
    BALANCE = "balance"


@value
class Charge:
    """A payment that is no execution, as the exchange told it.

    ``amount`` in ``currency``, positive when received: a fee of 3 that comes late is −3.
    ``charge_id`` is the exchange's: of a commission the trade id it belongs to, of funding the
    time it was due.
    """

    kind: ChargeKind
    charge_id: str
    amount: Decimal
    currency: str
    symbol: str | None
    #: The leg of a hedged contract that funding was paid for; ``None``: all of the symbol.
    side: Side | None = None
    #: Price that the payment was counted at, where there is one.
    price: Decimal | None = None
    executed_at: datetime
    source: ReportSource
    received_at: datetime


@value
class ExternalOrderInfo:
    """What the exchange tells of an order that is not ours, enough to make its row."""

    symbol: str
    side: Side
    order_type: str
    qty: Decimal
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    reduce_only: bool = False
    #: Why it exists: ``external``, ``sl``, ``tp``, ``liquidation``, ``adl``, ``settlement``.
    reason: str = "external"
    #: Our order that it hangs on, where it is a child of one.
    parent_order_id: int | None = None
    created_at: datetime


@value
class ExecutionReport:
    """One fact about one order.

    ``order_id`` is ours, the adapter has looked it up; 0 is an order that is not ours, known by
    ``exchange_order_id``, and ``external`` describes it.
    """

    kind: ReportKind
    order_id: int
    source: ReportSource
    #: When we heard it (UTC).
    received_at: datetime
    exchange_order_id: str | None = None
    execution: Execution | None = None
    #: New total quantity and new price of a ``changed`` report; ``None`` keeps.
    qty: Decimal | None = None
    price: Decimal | None = None
    #: Of a ``changed`` report, and of the end that a failed change comes to: how far it is.
    edit: EditState | None = None
    #: Stable code and message of a ``rejected`` or ``refused`` report.
    code: str | None = None
    message: str | None = None
    external: ExternalOrderInfo | None = None
