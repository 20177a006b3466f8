"""One account whose reports go through the real ledger services into a real store.

The test decides when a unit of work is committed and when the process restarts: only committed
rows survive a restart.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, cast

from kit.builders import NOON, a_report, an_order
from kit.databases.store_rows import AUDIT
from oms.adapters.sql.store import SqlStore
from oms.domain.account import PositionMode
from oms.domain.instrument import Instrument
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.domain.orders.execution_report import (
    Charge,
    ChargeKind,
    Execution,
    ExecutionReport,
    ReportKind,
    ReportSource,
)
from oms.domain.orders.order import Order, Side
from oms.ports.exchange import CcxtCalls, Exchange, ExchangePorts
from oms.ports.leases import Lease
from oms.services.account_state.state import AccountState
from oms.services.ledger.load_history import LoadHistory
from oms.services.ledger.record import Changes, RecordReports

STRATEGIES = frozenset({0, 1, 2})


class ScriptedExchange:
    """The parts of ``Exchange`` that recording needs; charges are set by the test."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._instruments = instruments
        self.charges: list[Charge] = []

    def instruments(self) -> Mapping[str, Instrument]:
        """Return the instruments by symbol."""
        return self._instruments

    def take_charges(self) -> Sequence[Charge]:
        """Return and clear the charges."""
        taken, self.charges = self.charges, []
        return taken

    def take_state_changes(self) -> None:
        """Return no state."""

    def on_committed(self) -> None:
        """Do nothing."""


class StoredBooks(NamedTuple):
    """All committed rows of an account, by id."""

    orders: Mapping[int, Order]
    deals: Mapping[int, Deal]
    positions: Mapping[int, Position]


class StoredAccount:
    """An account in a store, leased by one process."""

    def __init__(self, store: SqlStore, lease: Lease, instruments: Sequence[Instrument]) -> None:
        self.store, self.lease = store, lease
        self.instrument = instruments[0]
        self.exchange = ScriptedExchange({one.symbol: one for one in instruments})
        self.record = RecordReports(
            ledger=store.ledger, ids=store.ids, load_history=LoadHistory(ledger=store.ledger)
        )
        self.state: AccountState = cast(AccountState, None)

    @classmethod
    async def create(
        cls, store: SqlStore, mode: PositionMode, *instruments: Instrument
    ) -> "StoredAccount":
        """Create and lease an account, and load its state."""
        account_id = await store.registry.create_account(
            exchange_id="ccxt.binance",
            label="recorded",
            position_mode=mode.value,
            environment="testnet",
            is_testnet=True,
            extra_config="{}",
            trader_name=None,
            now=NOON,
            audit=AUDIT,
        )
        (lease,) = await store.leases.acquire("w1", [account_id], 600)
        account = cls(store, lease, instruments)
        await account.restart()
        return account

    async def restart(self) -> None:
        """Drop everything in memory and load the committed state."""
        exchange = cast(Exchange, self.exchange)
        ports = ExchangePorts(trading=exchange, calls=cast(CcxtCalls, None), paper=None)
        loaded = await self.store.ledger.load(self.lease)
        self.state = AccountState.from_loaded(loaded, self.lease, ports)
        self.state.strategy_ids = STRATEGIES

    async def commit(self) -> None:
        """Commit the unit of work."""
        lost = await self.store.ledger.commit([self.state.begin_commit()])
        assert not lost, "the lease is held"
        self.state.mark_committed()

    async def send(self, side: str, qty: str | Decimal, **changes: object) -> Order:
        """Create an accepted order."""
        await self.store.ids.ensure("order", 1)
        order = an_order(
            id=self.store.ids("order"),
            account_id=self.lease.account_id,
            command_id=None,
            symbol=self.instrument.symbol,
            side=Side(side),
            qty=Decimal(qty),
            **changes,
        )
        self.state.put_order(order, is_new=True)
        accepted = a_report(ReportKind.ACCEPTED, order_id=order.id)
        await self.ingest(accepted)
        return self.order(order.id)

    def order(self, order_id: int) -> Order:
        """Return an order that is open or uncommitted."""
        order = self.state.find_order(order_id)
        assert order is not None
        return order

    async def ingest(self, *reports: ExecutionReport) -> Changes:
        """Apply reports and the pending charges as one batch; returns what changed."""
        changes = Changes()
        await self.record(self.state, reports, changes)
        await self.record.append_events(self.state, changes)
        return changes

    async def charge(self, *charges: Charge) -> Changes:
        """Apply charges without a report."""
        self.exchange.charges += charges
        return await self.ingest()

    async def books(self) -> StoredBooks:
        """Return all committed rows."""
        account_id, symbols = self.lease.account_id, self.exchange.instruments()
        orders, deals, positions = {}, {}, {}
        for symbol in symbols:
            rows = await self.store.ledger.history_since(account_id, symbol, BEGINNING)
            orders |= {order.id: order for order in rows.orders}
            deals |= {deal.id: deal for deal in rows.deals}
            positions |= {position.id: position for position in rows.positions}
        return StoredBooks(orders, deals, positions)


BEGINNING = NOON.replace(year=2000)


def a_trade(
    order: Order, trade: str, qty: str | Decimal, price: str | Decimal, at: datetime, **changes: Any
) -> ExecutionReport:
    """An execution of ``order`` at the exchange's time ``at``."""
    fee = changes.pop("fee", None)
    kind = changes.pop("kind", ReportKind.EXECUTION)
    execution = Execution(
        exchange_trade_id=trade,
        qty=Decimal(qty),
        price=Decimal(price),
        executed_at=at,
        fee=None if fee is None else Decimal(fee),
        fee_currency=changes.pop("fee_currency", None if fee is None else "USDT"),
        provisional=changes.pop("provisional", False),
    )
    return a_report(kind, order_id=order.id, execution=execution, received_at=at, **changes)


def a_late_fee(
    symbol: str, trade: str, amount: str | Decimal, currency: str, at: datetime
) -> Charge:
    """A fee that the exchange reports separately from its trade; positive is paid."""
    return Charge(
        kind=ChargeKind.COMMISSION,
        charge_id=trade,
        amount=-Decimal(amount),
        currency=currency,
        symbol=symbol,
        executed_at=at,
        source=ReportSource.RECONCILE,
        received_at=at,
    )
