"""Payloads of commands that act on an account instead of trading.

They wait for their worker without a deadline (``command.CONTROL_PAYLOADS``).
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from oms.domain.protection.price_alerts import AlertCondition
from oms.domain.reconcile.position_comparison import Scope
from oms.domain.side import Side
from oms.domain.value import value


@value
class RiskSwitch:
    """Allow or disallow new positions on an account or for one strategy, or block the account."""

    #: ``active`` or ``blocked``, for the whole account; else ``None``.
    status: str | None = None
    #: Whether positions may be opened or increased; ``None`` where ``status`` is given.
    allow_new_positions: bool | None = None
    #: 0 is the whole account.
    strategy_id: int = 0
    comment: str | None = None


@value
class SetRiskPolicy:
    """Set keys of the account's own risk policy; keys that are not named keep their value."""

    #: JSON values by key; ``None`` removes the limit.
    keys: Mapping[str, object]
    #: The preset that the keys make up, if they do.
    preset: str | None = None
    comment: str | None = None


@value
class ResetDrawdown:
    """Set the high-water mark of the equity to the current equity: entries pass again."""

    #: The key of the limit: ``max_total_drawdown_pct``.
    key: str
    comment: str | None = None


@value
class ReadRiskUsage:
    """Return how much of each limit is in use; changes nothing."""


@value
class CheckOrder:
    """Return the verdict of the account's limits and switches on a command; changes nothing."""

    #: The encoded payload of the command.
    order: str
    #: Its type: ``send_order``, ``close_position`` or ``change_order``.
    command: str = "send_order"
    #: Strategies, positions and orders that it names: the caller needs access to them.
    strategy_ids: tuple[int, ...] = ()
    position_ids: tuple[int, ...] = ()
    order_ids: tuple[int, ...] = ()
    #: Whether prices, costs and positions after the command are asked for as well.
    is_preview: bool = False

    @property
    def strategy_id(self) -> int:
        """The strategy that the command names, 0 if it names none."""
        return next(iter(self.strategy_ids), 0)


@value
class CreateAlert:
    """Add a price alert to the account; its id is that of the command."""

    symbol: str
    condition: AlertCondition
    price: Decimal
    note: str | None = None


@value
class DeleteAlert:
    """Delete a price alert that has not fired."""

    alert_id: int


@value
class ReadAlerts:
    """Return the price alerts that have not fired; changes nothing."""


@value
class MutateItem:
    """One row to correct; ``row`` holds the sent columns as JSON values."""

    #: Index in the list of the request.
    index: int
    #: ``insert``, ``update`` or ``delete``.
    op: str
    row: Mapping[str, object] = field(default_factory=dict)


@value
class AdminMutate:
    """Correct ledger rows: deals by correction deals, other rows where they may change."""

    #: ``orders``, ``positions`` or ``deals``.
    entity: str
    items: tuple[MutateItem, ...]
    comment: str | None = None


@value
class EnforceKillSwitch:
    """Apply a kill switch to one account: emit events, cancel entry orders, close positions."""

    kill_id: int
    scope: str
    scope_id: str
    mode: str
    #: Whether the switch was activated, not released.
    on: bool = True
    cancel_entries: bool = False
    #: Close all positions in scope, repeatedly.
    flatten: bool = False
    comment: str | None = None
    #: The dead-man switch that caused it; without a kill switch (``kill_id`` 0) it only cancels.
    deadman_id: int | None = None


@value
class Reconcile:
    """Compare the account with the exchange and apply missed reports."""

    scope: Scope = Scope.SHORT
    #: Bounds of the scope ``period``.
    start: datetime | None = None
    end: datetime | None = None
    #: Symbols to read in addition to those already in use.
    symbols: tuple[str, ...] = ()


@value
class PaperPrice:
    """Set the price of a symbol on a paper account whose source for it is ``manual``."""

    symbol: str
    #: Best prices; ``None`` if only a public trade is given.
    bid: Decimal | None = None
    ask: Decimal | None = None
    #: Depth at either side; ``None``: unlimited.
    bid_qty: Decimal | None = None
    ask_qty: Decimal | None = None
    #: Complete order book as (price, depth), best levels first.
    bids: tuple[tuple[Decimal, Decimal | None], ...] = ()
    asks: tuple[tuple[Decimal, Decimal | None], ...] = ()
    #: A public trade, applied after the prices; its side is the taker's.
    print_price: Decimal | None = None
    print_qty: Decimal | None = None
    print_side: Side | None = None


@value
class PaperDeposit:
    """Deposit money into a paper account; a negative amount withdraws."""

    currency: str
    amount: Decimal
    comment: str | None = None


@value
class PaperReset:
    """Cancel all orders, close all positions at the mark and restore the configured balances."""

    comment: str | None = None


@value
class RefreshOrder:
    """Query the exchange for one order."""

    order_id: int


class Resolution(StrEnum):
    """Decision of an operator on an order with unknown outcome."""

    ADOPT = "adopt"
    DECLARE_NOT_PLACED = "declare_not_placed"


@value
class ResolveUnknownOrder:
    """Resolve an order with unknown outcome: adopt an exchange order or declare it not placed."""

    order_id: int
    action: Resolution
    #: Exchange id of the adopted order.
    exchange_order_id: str | None = None
    comment: str | None = None


@value
class ReadConnection:
    """Return the connection status of the account's exchange; changes nothing."""


AccountPayload = (
    RiskSwitch
    | SetRiskPolicy
    | ResetDrawdown
    | ReadRiskUsage
    | CheckOrder
    | CreateAlert
    | DeleteAlert
    | ReadAlerts
    | AdminMutate
    | EnforceKillSwitch
    | Reconcile
    | RefreshOrder
    | ResolveUnknownOrder
    | ReadConnection
    | PaperPrice
    | PaperDeposit
    | PaperReset
)

ACCOUNT_COMMAND_TYPES: Mapping[type, str] = {
    RiskSwitch: "risk_switch",
    SetRiskPolicy: "risk_policy",
    ResetDrawdown: "risk_reset",
    ReadRiskUsage: "risk_usage",
    CheckOrder: "risk_check",
    CreateAlert: "create_alert",
    DeleteAlert: "delete_alert",
    ReadAlerts: "list_alerts",
    AdminMutate: "admin_mutate",
    EnforceKillSwitch: "kill",
    Reconcile: "reconcile",
    RefreshOrder: "refresh",
    ResolveUnknownOrder: "resolve",
    ReadConnection: "connection",
    PaperPrice: "paper_price",
    PaperDeposit: "paper_deposit",
    PaperReset: "paper_reset",
}

READ_PAYLOADS = (ReadConnection, ReadRiskUsage, CheckOrder, ReadAlerts)
"""Payloads that change nothing."""
