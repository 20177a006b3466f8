"""What the next transaction of an account writes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from oms.domain.commands.command import CommandResult
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order
from oms.domain.protection.price_alerts import PriceAlert
from oms.domain.reconcile.balance_comparison import update_outside
from oms.domain.risk.kill_switch import KillSwitch
from oms.domain.risk.limit_context import RiskState
from oms.domain.risk.policy import LimitChange
from oms.domain.signals.signal import SignalOutcome
from oms.ports.command_queue import NewCommand
from oms.ports.exchange import ExchangeStateRows
from oms.ports.leases import Lease
from oms.ports.ledger_store import AccountBatch, EventRow, RiskFlagUpdate
from oms.ports.reconcile_store import ReconcileRows
from oms.ports.registry import AuditEntry


@dataclass(slots=True)
class UnitOfWork:
    """What the account's next transaction writes; of a row written twice the last version."""

    orders_new: dict[int, Order] = field(default_factory=dict)
    orders_changed: dict[int, Order] = field(default_factory=dict)
    deals: list[Deal] = field(default_factory=list)
    deals_changed: dict[int, Deal] = field(default_factory=dict)
    deals_removed: dict[int, Deal] = field(default_factory=dict)
    positions_new: dict[int, Position] = field(default_factory=dict)
    positions_changed: dict[int, Position] = field(default_factory=dict)
    results: dict[int, CommandResult] = field(default_factory=dict)
    events: list[EventRow] = field(default_factory=list)
    reconciled: list[ReconcileRows] = field(default_factory=list)
    switches: list[RiskFlagUpdate] = field(default_factory=list)
    #: Changes of the account's own risk policy.
    limits: list[LimitChange] = field(default_factory=list)
    #: What the account lost, if that changed.
    risk: RiskState | None = None
    #: Price alerts by id; ``None`` deletes one.
    alerts: dict[int, PriceAlert | None] = field(default_factory=dict)
    #: Kill switches that the worker activated.
    kills: list[KillSwitch] = field(default_factory=list)
    #: Whether the exchange has requests to store that no other row belongs to.
    has_exchange_requests: bool = False
    #: Rows of the audit log, each with its id.
    audits: list[tuple[int, AuditEntry]] = field(default_factory=list)
    #: Trade ids of ``deals``; some of these deals may have been removed again.
    trade_ids: set[str] = field(default_factory=set)
    #: The order that last had an exchange order id, by symbol and that id.
    order_ids_by_exchange_id: dict[tuple[str, str], int] = field(default_factory=dict)
    #: What became of signals, by signal id.
    signals: dict[int, SignalOutcome] = field(default_factory=dict)
    #: System commands that enter the queue with the transaction.
    follow_ups: list[NewCommand] = field(default_factory=list)
    #: Whether a position ended.
    closes_position: bool = False

    def update_outside(self, deals: dict[int, Deal]) -> None:
        """Make ``deals`` those outside positions, by id, after this is committed."""
        update_outside(deals, (*self.deals, *self.deals_changed.values()), self.deals_removed)

    def has_content(self) -> bool:
        """Return whether there is anything to write."""
        has_rows = self.orders_new or self.orders_changed or self.results or self.events
        has_more = self.reconciled or self.has_exchange_requests or self.follow_ups
        return bool(has_rows or has_more or self.alerts or self.risk is not None)

    def to_batch(
        self,
        lease: Lease,
        head_before: int,
        head_after: int,
        exchange_state: ExchangeStateRows | None,
    ) -> AccountBatch:
        """Return what is written, as a batch of the account."""
        return AccountBatch(
            lease=lease,
            head_before=head_before,
            head_after=head_after,
            orders_new=tuple(self.orders_new.values()),
            orders_changed=tuple(self.orders_changed.values()),
            deals=tuple(self.deals),
            deals_changed=tuple(self.deals_changed.values()),
            deals_removed=tuple(self.deals_removed.values()),
            positions_new=tuple(self.positions_new.values()),
            positions_changed=tuple(self.positions_changed.values()),
            results=self.results,
            events=tuple(self.events),
            exchange_state=exchange_state,
            reconciled=tuple(self.reconciled),
            switches=tuple(self.switches),
            limits=tuple(self.limits),
            risk=self.risk,
            alerts=self.alerts,
            kills=tuple(self.kills),
            audits=tuple(self.audits),
            signals=self.signals,
            follow_ups=tuple(self.follow_ups),
        )

    def replace_new_deals(self, deals: Mapping[int, Deal]) -> None:
        """Write these versions of new deals, by id."""
        self.deals = [deals.get(deal.id, deal) for deal in self.deals]

    def put_deals(self, entry: LedgerUpdate) -> None:
        """Add the deals of ``entry``."""
        self.deals += entry.deals
        for deal in entry.deals:
            self.trade_ids.add(deal.exchange_trade_id)
        if not entry.deals_changed and not entry.deals_removed:
            return
        changed = {deal.id: deal for deal in entry.deals_changed}
        removed = {deal.id: deal for deal in entry.deals_removed}
        new_deal_ids = {deal.id for deal in self.deals}
        self.deals = [changed.get(d.id, d) for d in self.deals if d.id not in removed]
        self.deals_changed |= {i: d for i, d in changed.items() if i not in new_deal_ids}
        self.deals_removed |= {i: d for i, d in removed.items() if i not in new_deal_ids}
        for deal_id in self.deals_removed:  # Else it would be deleted and written again.
            self.deals_changed.pop(deal_id, None)


def current_deals(units: Sequence[UnitOfWork], stored: Iterable[Deal] = ()) -> dict[int, Deal]:
    """Return ``stored`` deals in the form that ``units`` give them, and the new ones, by id.

    ``units`` (``AccountState.units_of_work``, the older first) are taken before ``stored`` is
    read: the commit in progress may complete during the read.
    """
    deals = {deal.id: deal for deal in stored}
    for work in units:
        deals |= {deal.id: deal for deal in work.deals}
        deals |= {i: deal for i, deal in work.deals_changed.items() if i in deals}
        for deal_id in work.deals_removed:
            deals.pop(deal_id, None)
    return deals
