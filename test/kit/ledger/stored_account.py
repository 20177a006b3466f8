"""One account whose reports go through the real ledger services into a real store.

The test decides when a unit of work is committed and when the process restarts: only committed
rows survive a restart.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, cast

from kit.builders import NOON, a_report, an_order
from kit.databases.store_rows import ACTOR, AUDIT
from kit.ledger.memory_store import MemoryStore
from oms.adapters.sql.store import SqlStore
from oms.domain.account import PositionMode
from oms.domain.commands.command import (
    Command,
    CommandResult,
    CommandStatus,
    MergePositions,
    Reassign,
)
from oms.domain.instrument import Instrument
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.domain.orders.execution_report import (
    Charge,
    Execution,
    ExecutionReport,
    ReportKind,
)
from oms.domain.orders.order import Order, Side
from oms.domain.quotes import Quote
from oms.ports.exchange import CcxtCalls, Exchange, ExchangePorts
from oms.ports.leases import Lease
from oms.services.account_state.state import AccountState
from oms.services.commands.place_order import PlaceOrder
from oms.services.commands.position_ops import PositionOps
from oms.services.ledger.load_history import LoadHistory
from oms.services.ledger.record import Changes, RecordReports

STRATEGIES = frozenset({0, 1, 2})


class ScriptedExchange:
    """The parts of ``Exchange`` that recording needs; charges are set by the test."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._instruments = instruments
        self.charges: list[Charge] = []
        #: The middle price of each symbol that has one, and the symbols that were asked for.
        self.prices: dict[str, Decimal] = {}
        self.asked: list[str] = []

    def instruments(self) -> Mapping[str, Instrument]:
        """Return the instruments by symbol."""
        return self._instruments

    def quote(self, symbol: str, now: datetime) -> Quote | None:
        """Return the price set by the test."""
        self.asked.append(symbol)
        price = self.prices.get(symbol)
        if price is None:
            return None
        levels = {"bid": price - 1, "ask": price + 1, "bid_qty": None, "ask_qty": None}
        return Quote(symbol=symbol, at=now, **levels)

    async def fetch_quote(self, symbol: str, now: datetime) -> None:
        """Return no price."""

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

    def __init__(
        self, store: SqlStore | MemoryStore, lease: Lease, instruments: Sequence[Instrument]
    ) -> None:
        self.store, self.lease = store, lease
        self.instrument = instruments[0]
        self.exchange = ScriptedExchange({one.symbol: one for one in instruments})
        load_history = LoadHistory(ledger=store.ledger)
        self.record = RecordReports(ledger=store.ledger, ids=store.ids, load_history=load_history)
        self.position_ops = PositionOps(
            ledger=store.ledger,
            record=self.record,
            ids=store.ids,
            place=cast(PlaceOrder, None),
            load_history=load_history,
        )
        self.state: AccountState = cast(AccountState, None)

    @classmethod
    async def create(
        cls, store: SqlStore | MemoryStore, mode: PositionMode, *instruments: Instrument
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
            side=Side(side),
            qty=Decimal(qty),
            **({"symbol": self.instrument.symbol} | changes),
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

    def merge(self, source: int, target: int, at: datetime, command_id: int = 1) -> Changes:
        """Merge one position into another; the events are not numbered yet."""
        payload = MergePositions(source_position_id=source, target_position_id=target)
        command = Command(
            id=command_id,
            account_id=self.lease.account_id,
            payload=payload,
            actor=ACTOR,
            created_at=at,
        )
        changes = Changes()
        result = self.position_ops.merge(self.state, command, payload, changes, at)
        assert result.status is CommandStatus.DONE, result.error
        return changes

    async def reassign(
        self, order_ids: Sequence[int], strategy_id: int, position_id: int = 0, at: datetime = NOON
    ) -> CommandResult:
        """Move orders to a strategy and a position."""
        payload = Reassign(
            order_ids=tuple(order_ids), strategy_id=strategy_id, position_id=position_id
        )
        changes = Changes()
        result = await self.position_ops.reassign(self.state, payload, changes, at)
        await self.record.append_events(self.state, changes)
        return result

    async def value_fees(self, at: datetime) -> Changes:
        """Value the fees that wait for a rate, as a poll does."""
        changes = Changes()
        await self.record.value_fees(self.state, changes, at)
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
