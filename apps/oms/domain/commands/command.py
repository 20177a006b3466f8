"""Commands: durable requests in the queue of one account, each with exactly one final result.

The union ``CommandPayload`` is closed: the type checker finds every place that must handle a new
payload. Numbers are exact but not yet rounded; ``domain.risk.admission`` checks them.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from enum import Enum, StrEnum
from functools import lru_cache

from oms.domain.ccxt_methods import is_trade_method
from oms.domain.commands.account_commands import (
    ACCOUNT_COMMAND_TYPES,
    READ_PAYLOADS,
    AccountPayload,
)
from oms.domain.commands.actor import SYSTEM_ACTOR as SYSTEM_ACTOR  # re-exported
from oms.domain.commands.actor import SYSTEM_ROLE as SYSTEM_ROLE
from oms.domain.commands.actor import Actor as Actor
from oms.domain.errors import Refused
from oms.domain.orders.order import Side
from oms.domain.orders.order_terms import NewTerms
from oms.domain.protection.levels import Target
from oms.domain.reconcile.discrepancy import DecideDiscrepancy
from oms.domain.signals.signal import ExecuteSignal
from oms.domain.value import value


class CommandStatus(StrEnum):
    """Status of a command; ``queued`` and ``running`` lead to exactly one of the others."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        """Return whether the command has its result (``unknown`` may still be resolved)."""
        return self not in (CommandStatus.QUEUED, CommandStatus.RUNNING)


command_status = lru_cache(maxsize=16)(CommandStatus)
"""Return the status of a text, as ``CommandStatus`` in less time. Raises ``ValueError``."""

OWN_REQUEST_ID_PREFIX = "oms:"
"""Prefix of the request ids of commands that the gateway itself submits; refused to callers."""


@value
class SendOrder:
    """Place an order; ``position_id`` 0 leaves the position to the position mode."""

    symbol: str
    side: Side
    order_type: str
    qty: Decimal
    price: Decimal | None = None
    stop_loss: Decimal | None = None
    stop_gain: Decimal | None = None
    strategy_id: int = 0
    position_id: int = 0
    reason: str = "api"
    comment: str | None = None
    reduce_only: bool = False
    client_order_id: str | None = None
    params: Mapping[str, object] = field(default_factory=dict)
    post_only: bool = False
    time_in_force: str | None = None
    trigger_price: Decimal | None = None
    take_profit_price: Decimal | None = None
    trailing_amount: Decimal | None = None
    trailing_percent: Decimal | None = None
    expires_at: datetime | None = None
    new_position: bool = False
    session_policy: str | None = None  #: ``queue_until_open``: wait while the market is closed.
    #: Percent of the average entry price.
    stop_loss_pct: Decimal | None = None
    stop_gain_pct: Decimal | None = None
    stop_trailing_pct: Decimal | None = None
    stop_trailing_amount: Decimal | None = None
    stop_trailing_activation_pct: Decimal | None = None
    max_hold_seconds: int | None = None
    targets: tuple[Target, ...] | None = None
    stop_trailing_from_target: int | None = None
    tp_sl_base_price: Decimal | None = None
    #: Take profit and stop loss as sent, numbers as text.
    bracket: Mapping[str, object] | None = None
    #: The signal that it executes, and its source or bot; only the gateway sets them.
    signal_id: int | None = None
    source_id: int | None = None
    bot_id: int | None = None


@value
class CancelOrder:
    """Cancel the listed orders; ids ascending, without duplicates."""

    order_ids: tuple[int, ...]
    comment: str | None = None


@value
class ChangeOrder:
    """Change terms of an order, or its stop levels; ``None`` keeps the value.

    ``symbol``, ``side`` and ``order_type`` change nothing: the command is refused if the order has
    other ones.
    """

    order_id: int
    new_price: Decimal | None = None
    new_qty: Decimal | None = None
    new_trigger_price: Decimal | None = None
    new_trailing_amount: Decimal | None = None
    new_trailing_percent: Decimal | None = None
    new_time_in_force: str | None = None
    new_expires_at: datetime | None = None
    comment: str | None = None
    symbol: str | None = None
    side: Side | None = None
    order_type: str | None = None
    #: In place of the other terms: stop levels of the order by name, numbers as text.
    levels: Mapping[str, object] | None = None

    @property
    def terms(self) -> NewTerms | None:
        """Return the new terms beside price and quantity; ``None`` without any."""
        terms = NewTerms(
            trigger_price=self.new_trigger_price,
            trailing_amount=self.new_trailing_amount,
            trailing_percent=self.new_trailing_percent,
            time_in_force=self.new_time_in_force,
            expires_at=self.new_expires_at,
        )
        return terms if terms.moves_trigger or terms.moves_time else None


@value
class ClosePosition:
    """Close ``qty`` of a position, or all of it, by an opposite reduce-only order."""

    position_id: int
    order_type: str = "market"
    price: Decimal | None = None
    qty: Decimal | None = None
    #: In place of ``qty``: percent of the quantity held.
    qty_pct: Decimal | None = None
    #: The order stands for a stop level at the exchange: it takes no close lock. Only the gateway
    #: sets it.
    for_level: bool = False
    #: 0: the strategy of the position.
    strategy_id: int = 0
    reason: str = "api"
    comment: str | None = None
    client_order_id: str | None = None
    params: Mapping[str, object] = field(default_factory=dict)
    post_only: bool = False
    time_in_force: str | None = None
    trigger_price: Decimal | None = None
    take_profit_price: Decimal | None = None
    trailing_amount: Decimal | None = None
    trailing_percent: Decimal | None = None
    #: The signal that it executes, and its source or bot; only the gateway sets them.
    signal_id: int | None = None
    source_id: int | None = None
    bot_id: int | None = None


class Keep(Enum):
    """Marker of fields that a change does not mention."""

    KEEP = "keep"


KEEP = Keep.KEEP


@value
class CancelAllOrders:
    """Cancel all open orders of the strategies (empty: all) and the symbol (``None``: all)."""

    strategy_ids: tuple[int, ...] = ()
    symbol: str | None = None
    comment: str | None = None
    #: Leave orders alone that this gateway did not send.
    own_only: bool = False


@value
class CloseAllPositions:
    """Cancel entry orders and close all positions of the strategies and the symbol."""

    strategy_ids: tuple[int, ...] = ()
    symbol: str | None = None
    comment: str | None = None
    #: Leave orders alone that this gateway did not send.
    own_only: bool = False


@value
class CloseBy:
    """Close two opposite tickets against each other; ``qty`` ``None``: the smaller quantity."""

    position_id_a: int
    position_id_b: int
    qty: Decimal | None = None
    #: 0: the strategy of the positions.
    strategy_id: int = 0
    comment: str | None = None


class StopMode(StrEnum):
    """What happens to the stop levels of the target when positions are merged."""

    KEEP = "keep"
    CLEAR = "clear"
    SET = "set"


@value
class MergePositions:
    """Move a position into another one of the same symbol and side; the source ends."""

    source_position_id: int
    target_position_id: int
    stop_mode: StopMode = StopMode.KEEP
    #: New levels if ``stop_mode`` is ``set``; ``None`` clears.
    stop_loss: Decimal | None = None
    stop_gain: Decimal | None = None
    comment: str | None = None


@value
class ChangePosition:
    """Change stop levels or comment of an open position; ``None`` clears, ``KEEP`` keeps."""

    position_id: int
    stop_loss: Decimal | Keep | None = KEEP
    stop_gain: Decimal | Keep | None = KEEP
    comment: str | Keep | None = KEEP
    stop_loss_pct: Decimal | Keep | None = KEEP
    stop_gain_pct: Decimal | Keep | None = KEEP
    stop_trailing_pct: Decimal | Keep | None = KEEP
    stop_trailing_amount: Decimal | Keep | None = KEEP
    stop_trailing_activation_pct: Decimal | Keep | None = KEEP
    max_hold_seconds: int | Keep | None = KEEP
    targets: tuple[Target, ...] | Keep | None = KEEP
    stop_trailing_from_target: int | Keep | None = KEEP
    tp_sl_base_price: Decimal | Keep | None = KEEP


@value
class BreakEven:
    """Move the stop loss of an open position to where closing it loses nothing."""

    position_id: int
    comment: str | None = None


@value
class ReversePosition:
    """Close a position, then open the same quantity on the other side."""

    position_id: int
    comment: str | None = None


@value
class Reassign:
    """Move orders with their deals to a strategy and a position (0: by position mode)."""

    order_ids: tuple[int, ...]
    strategy_id: int
    position_id: int = 0
    comment: str | None = None


@value
class CcxtCall:
    """Call a ccxt method on the exchange of the account; the method class has been checked."""

    func: str
    args: tuple[object, ...] = ()
    kwargs: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_trade(self) -> bool:
        """Return whether the call changes state at the exchange."""
        return is_trade_method(self.func)


CommandPayload = (
    SendOrder
    | CancelOrder
    | CancelAllOrders
    | ChangeOrder
    | ClosePosition
    | CloseAllPositions
    | CloseBy
    | MergePositions
    | ChangePosition
    | BreakEven
    | ReversePosition
    | Reassign
    | CcxtCall
    | DecideDiscrepancy
    | ExecuteSignal
    | AccountPayload
)

COMMAND_TYPES: Mapping[type[CommandPayload], str] = {
    SendOrder: "send_order",
    CancelOrder: "cancel_order",
    CancelAllOrders: "cancel_all_orders",
    ChangeOrder: "change_order",
    ClosePosition: "close_position",
    CloseAllPositions: "close_all",
    CloseBy: "close_by",
    MergePositions: "merge_positions",
    ChangePosition: "position_change",
    BreakEven: "break_even",
    ReversePosition: "reverse_position",
    Reassign: "reassign",
    DecideDiscrepancy: "discrepancy",
    CcxtCall: "ccxt_call",
    ExecuteSignal: "signal",
    **ACCOUNT_COMMAND_TYPES,
}

CONTROL_PAYLOADS = frozenset({DecideDiscrepancy, Reassign, *ACCOUNT_COMMAND_TYPES}) - {
    *READ_PAYLOADS
}
"""Payloads that do not trade: they wait for their worker without a deadline."""


@value
class Command:
    """One command in the queue of one account."""

    id: int
    account_id: int
    payload: CommandPayload
    actor: Actor
    request_id: str | None = None
    comment: str | None = None
    created_at: datetime
    #: When it entered the queue, if it was stored with a delay.
    held_until: datetime | None = None

    @property
    def queued_at(self) -> datetime:
        """The time from which the command waits in the queue."""
        return self.created_at if self.held_until is None else self.held_until

    @property
    def is_read_only(self) -> bool:
        """Return whether the command changes nothing."""
        payload = self.payload
        is_call = isinstance(payload, CcxtCall) and not payload.is_trade
        return is_call or isinstance(payload, READ_PAYLOADS)

    @property
    def type(self) -> str:
        """Return the command name on the wire."""
        return COMMAND_TYPES[type(self.payload)]


@value
class CommandResult:
    """Result of a command. ``error`` is set if and only if ``status`` is failed or refused."""

    status: CommandStatus
    error: Refused | None = None
    #: The order made by a send or close, or the target of a change or single cancel.
    order_id: int | None = None
    client_order_id: str | None = None
    #: For commands over several orders or positions.
    order_ids: tuple[int, ...] = ()
    position_ids: tuple[int, ...] = ()
    deal_ids: tuple[int, ...] = ()
    skipped: tuple[tuple[int, str], ...] = ()
    #: Result of a ccxt call as JSON text.
    value: str | None = None
    replayed: bool = False
    #: The command stored for what waits for the market to open.
    deferred_command_id: int | None = None

    @classmethod
    def refused(cls, error: Refused, *, order_id: int | None = None) -> "CommandResult":
        """Return the result of a refused command."""
        return cls(status=CommandStatus.REFUSED, error=error, order_id=order_id)
