"""Execution reports: facts from an exchange about an order; only they change the ledger."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from oms.domain.orders.order_terms import NewTerms
from oms.domain.side import Side
from oms.domain.value import value


class ReportKind(StrEnum):
    """Kind of an execution report."""

    ACCEPTED = "accepted"
    TRIGGERED = "triggered"
    EXECUTION = "execution"
    CHANGED = "changed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    #: Refused by the gateway before anything was sent.
    REFUSED = "refused"
    #: The request may have been sent; its response was lost.
    UNKNOWN = "unknown"
    #: A complete lookup did not find the order: it was never placed.
    NOT_PLACED = "not_placed"
    #: The exchange reversed an execution; ``execution`` repeats the reversed one.
    BUSTED = "busted"


class ReportSource(StrEnum):
    """Channel by which a fact was received; stored as ``origin`` of a deal."""

    REPLY = "exchange_reply"
    STREAM = "exchange_stream"
    RECONCILE = "reconcile"
    OPERATOR = "operator"


class EditState(StrEnum):
    """Progress of an order change that is made in several steps (``edit_replace_state``).

    The first three are in progress: the change request has no result yet.
    """

    CHANGING = "changing"
    CANCEL_PENDING = "cancel_pending"
    CREATE_PENDING = "create_pending"
    #: The order was canceled at the exchange and no replacement was created.
    CREATE_FAILED = "create_failed"
    #: The change is complete; the order keeps its id.
    DONE = "consolidated_to_self"

    @property
    def is_in_progress(self) -> bool:
        """Return whether the change request has no result yet."""
        return self not in (EditState.CREATE_FAILED, EditState.DONE)


@value
class Execution:
    """One fill as reported by the exchange.

    ``qty`` in base (or contracts × contract size), ``price`` in quote, ``fee`` in ``fee_currency``
    and negative for a rebate, ``executed_at`` by the clock of the exchange (UTC).
    """

    exchange_trade_id: str
    qty: Decimal
    price: Decimal
    executed_at: datetime
    #: Sequence of executions with equal time in one symbol; 0: not reported.
    sequence: int = 0
    fee: Decimal | None = None
    fee_currency: str | None = None
    maker: bool | None = None
    #: Inferred from the order's filled quantity; the actual executions are not known yet.
    provisional: bool = False


class ChargeKind(StrEnum):
    """Kind of a payment without quantity."""

    FUNDING = "funding"
    COMMISSION = "commission"
    BALANCE = "balance"


@value
class Charge:
    """A payment that is not an execution, as reported by the exchange.

    ``amount`` in ``currency``, positive when received: a late fee of 3 is −3. ``charge_id`` is
    assigned by the exchange: for a commission the trade id, for funding the payment's own id.
    """

    kind: ChargeKind
    charge_id: str
    amount: Decimal
    currency: str
    symbol: str | None
    #: Leg of a hedged contract that funding was paid for; ``None``: the whole symbol.
    side: Side | None = None
    #: Price used to compute the payment, if there is one.
    price: Decimal | None = None
    executed_at: datetime
    source: ReportSource
    received_at: datetime

    @property
    def booking_symbol(self) -> str:
        """Return the symbol of its deals: the currency if the payment concerns no symbol."""
        return self.symbol or self.currency


@value
class ExternalOrderInfo:
    """Description of an external order, sufficient to create its row."""

    symbol: str
    side: Side
    order_type: str
    qty: Decimal
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    reduce_only: bool = False
    #: Origin: ``external``, ``sl``, ``tp``, ``liquidation``, ``adl``, ``settlement``.
    reason: str = "external"
    #: Our parent order, if the order is attached to one.
    parent_order_id: int | None = None
    #: The order of this installation that its client order id names: of another account.
    sent_order_id: int | None = None
    created_at: datetime


@value
class ExecutionReport:
    """One fact about one order.

    ``order_id`` is our id, resolved by the adapter; 0 is an external order, identified by
    ``exchange_order_id`` and described by ``external``.
    """

    kind: ReportKind
    order_id: int
    source: ReportSource
    #: When the report was received (UTC).
    received_at: datetime
    exchange_order_id: str | None = None
    execution: Execution | None = None
    #: New total quantity and new price of a ``changed`` report; ``None``: unchanged.
    qty: Decimal | None = None
    price: Decimal | None = None
    #: Its other terms; ``None``: unchanged.
    terms: NewTerms | None = None
    #: Progress of a multi-step change, for ``changed`` and for the report that ends a failed one.
    edit: EditState | None = None
    #: Stable code and message of a ``rejected`` or ``refused`` report; why the exchange canceled.
    code: str | None = None
    message: str | None = None
    #: Seconds after which the same request would probably be sent, where only load prevented it.
    retry_after_s: int | None = None
    external: ExternalOrderInfo | None = None
