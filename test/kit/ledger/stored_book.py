"""A ledger book whose rows are stored: the services of an account, under the calls of the tests.

It has the interface of ``LedgerBook``, so the same histories run on both. Rows are those of the
database with what is not committed yet.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from kit.builders import NOON, a_funding, a_late_fee, a_spot_instrument
from kit.ledger.memory_store import MemoryStore
from kit.ledger.stored_account import StoredAccount, a_trade
from oms.adapters.sql.store import SqlStore
from oms.domain.account import PositionMode
from oms.domain.commands.command import (
    Actor,
    CloseBy,
    CommandStatus,
)
from oms.domain.instrument import Instrument
from oms.domain.ledger.deal import Deal, DealType
from oms.domain.ledger.position import Position
from oms.domain.ledger.position_operations import close_by
from oms.domain.orders.execution_report import ExecutionReport, ReportKind
from oms.domain.orders.order import Order, Side
from oms.domain.value import evolve
from oms.ports.history_reads import HistoryQuery
from oms.services.account_state.unit_of_work import current_deals
from oms.services.ledger.fee_rates import await_rates
from oms.services.ledger.record import Changes
from oms.services.replay.rebuild import Books, compare_books, rebuild_books
from oms.services.verify.position_replay import PositionGroup, check_group

ACTOR = Actor(user_id=1, api_key_id=1, role="trader")
ROWS_MAX = 100_000


class StoredBook:
    """The book of one account and symbol in ``store``; ``runner`` runs its services."""

    def __init__(
        self,
        runner: asyncio.Runner,
        store: SqlStore | MemoryStore,
        mode: PositionMode,
        instrument: Instrument,
    ) -> None:
        self._runner = runner
        self.mode, self.instrument = mode, instrument
        #: The market of BNB, which fees may be charged in; it is traded nowhere else.
        market = a_spot_instrument(
            symbol=f"BNB/{instrument.settle}",
            base="BNB",
            quote=instrument.settle,
            settle=instrument.settle,
        )
        self.market = market.symbol
        self.account = runner.run(StoredAccount.create(store, mode, instrument, market))
        self._order_ids: list[int] = []
        self._stored: tuple[list[Order], list[Deal], list[Position]] | None = None

    @property
    def orders(self) -> dict[int, Order]:
        """All orders by id."""
        orders = {order.id: order for order in self._rows()[0]}
        for work in self.account.state.units_of_work():
            orders |= work.orders_new | work.orders_changed
        return orders

    @property
    def deals(self) -> list[Deal]:
        """All deals."""
        return list(current_deals(self.account.state.units_of_work(), self._rows()[1]).values())

    @property
    def positions(self) -> dict[int, Position]:
        """All positions by id."""
        positions = {position.id: position for position in self._rows()[2]}
        for work in self.account.state.units_of_work():
            positions |= work.positions_new | work.positions_changed
        return positions

    def open_positions(self) -> list[Position]:
        """Open positions, oldest first."""
        return self.account.state.positions_in(self.instrument.symbol)

    def commit(self) -> None:
        """Commit the unit of work."""
        self._runner.run(self.account.commit())
        self._stored = None

    def restart(self) -> None:
        """Commit, drop the memory of the process and load the account."""
        self.commit()
        self._runner.run(self.account.restart())

    def send(self, side: str, qty: Decimal, **changes: object) -> Order:
        """Create an accepted order."""
        order = self._runner.run(self.account.send(side, qty, **changes))
        self._order_ids.append(order.id)
        return order

    def ticket_fields(self, position_id: int) -> dict[str, int]:
        """The order fields that reference a position."""
        return {"position_id": position_id, "ticket_id": position_id}

    def ingest(self, *reports: ExecutionReport) -> Changes:
        """Apply reports as one batch."""
        return self._runner.run(self.account.ingest(*reports))

    def bust(self, trade_id: str, at: datetime) -> Changes:
        """The exchange busts an execution."""
        legs = [
            deal
            for deal in self.deals
            if deal.exchange_trade_id == trade_id and deal.type is DealType.TRADE
        ]
        first = legs[0]
        fees = [deal.fee for deal in legs if deal.fee is not None]
        report = a_trade(
            self.orders[first.order_id or 0],
            trade_id,
            sum((deal.qty for deal in legs), Decimal(0)),
            first.price,
            first.executed_at,
            kind=ReportKind.BUSTED,
            fee=sum(fees, Decimal(0)) if fees else None,
            fee_currency=first.fee_currency,
        )
        return self.ingest(evolve(report, received_at=at))

    def commission(self, trade_id: str, amount: Decimal, currency: str) -> Changes:
        """A fee is reported apart from its execution, perhaps before it."""
        fee = a_late_fee(self.instrument.symbol, trade_id, amount, currency, NOON)
        return self._runner.run(self.account.charge(fee))

    def charge_with_next(self, trade_id: str, amount: Decimal, currency: str) -> None:
        """A fee is reported together with the next execution."""
        fee = a_late_fee(self.instrument.symbol, trade_id, amount, currency, NOON)
        self.account.exchange.charges.append(fee)

    def unsound_rows(self) -> list[str]:
        """Rows that a replay of the stored facts does not give."""
        orders, deals, positions = self._rows()
        books = Books(orders=orders, deals=deals, positions=positions)
        rebuilt = rebuild_books(self.mode, self.instrument, books, NOON)
        group = PositionGroup(positions=sorted(positions, key=lambda row: row.id), deals=deals)
        findings = check_group(group, self.instrument)
        return [*map(str, compare_books(books, rebuilt)), *map(str, findings)]

    def set_price(self, price: Decimal | None) -> None:
        """Set the price of BNB; ``None``: it is not known."""
        self.account.exchange.prices.pop(self.market, None)
        if price is not None:
            self.account.exchange.prices[self.market] = price

    def value_fees(self, at: datetime) -> None:
        """Value the fees that wait for a rate."""
        self._runner.run(self.account.value_fees(at))

    def await_rates(self, at: datetime) -> None:
        """Let booked fees without a rate wait for one, as a reconcile pass does."""
        await_rates(self.account.state, self.deals, at)

    def funding(
        self, amount: Decimal, due: datetime, name: str, side: Side | None = None
    ) -> Changes:
        """A funding payment; positive is received."""
        instrument = self.instrument
        charge = a_funding(instrument.symbol, name, amount, due, side, currency=instrument.settle)
        return self._runner.run(self.account.charge(charge))

    def close_by(
        self, a: int, b: int, qty: Decimal | None, command_id: int, at: datetime
    ) -> Changes:
        """Close two positions by each other in the ledger."""
        return self._runner.run(
            self._close_by(CloseBy(position_id_a=a, position_id_b=b, qty=qty), command_id, at)
        )

    async def _close_by(self, payload: CloseBy, command_id: int, at: datetime) -> Changes:
        account, changes = self.account, Changes()
        a, b = (account.state.positions[i] for i in (payload.position_id_a, payload.position_id_b))
        await account.store.ids.ensure("deal", 2)
        entry = close_by(payload, a, b, self.instrument, command_id, account.store.ids, at)
        account.record.stage(account.state, entry, changes)
        await account.record.append_events(account.state, changes)
        return changes

    def merge(self, source: int, target: int, command_id: int, at: datetime) -> Changes:
        """Merge one position into another."""
        changes = self.account.merge(source, target, at, command_id)
        self._runner.run(self.account.record.append_events(self.account.state, changes))
        return changes

    def reassign(
        self, order_ids: Sequence[int], strategy_id: int, position_id: int, at: datetime
    ) -> bool:
        """Reassign orders to a strategy and a position; returns whether it was accepted."""
        moving = self.account.reassign(order_ids, strategy_id, position_id, at)
        return self._runner.run(moving).status is CommandStatus.DONE

    def _rows(self) -> tuple[list[Order], list[Deal], list[Position]]:
        if self._stored is None:
            self._stored = self._runner.run(self._read())
        return self._stored

    async def _read(self) -> tuple[list[Order], list[Deal], list[Position]]:
        query = HistoryQuery(
            account_ids=[self.account.lease.account_id],
            page_size=ROWS_MAX,
            after_id=0,
            with_total=False,
        )
        history = self.account.store.history
        orders = [*(await history.orders(query)).items]
        deals = [*(await history.deals(query)).items]
        return orders, deals, [*(await history.positions(query)).items]
