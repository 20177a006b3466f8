"""A ledger book in memory for tests of the pure ledger: applies reports and keeps the rows."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from kit.builders import (
    NOON,
    SequentialIds,
    a_fill,
    a_funding,
    a_late_fee,
    a_report,
    an_order,
)
from oms.domain.account import PositionMode
from oms.domain.commands.command import CloseBy, MergePositions
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.ledger.allocation import ExecutionKey, boundary_key, step_key
from oms.domain.ledger.book import Book, apply_report, needs_history
from oms.domain.ledger.charges import ChargeTargets, apply_charge, charged_leg
from oms.domain.ledger.deal import Deal, DealType, FeeRate
from oms.domain.ledger.funding_split import Timeline, merges_of
from oms.domain.ledger.history_replay import SymbolHistory
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.ledger.position import Position
from oms.domain.ledger.position_operations import (
    close_by,
    merge_positions,
    refuse_close_by,
    refuse_merge,
)
from oms.domain.ledger.replay_steps import BUST_PREFIX
from oms.domain.ledger.restatement import apply_reassignment
from oms.domain.orders.execution_report import (
    Execution,
    ExecutionReport,
    ReportKind,
)
from oms.domain.orders.order import Order, Side
from oms.domain.value import evolve


class LedgerBook:
    """Rows of one account and symbol, changed only by the functions of the ledger."""

    def __init__(self, mode: PositionMode, instrument: Instrument) -> None:
        self.mode = mode
        self.instrument = instrument
        self.next_id = SequentialIds()
        self.orders: dict[int, Order] = {}
        self.positions: dict[int, Position] = {}
        self.deals: list[Deal] = []
        #: The rates at which fees in third currencies are recorded, by currency.
        self.rates: dict[str, FeeRate] = {}

    def send(self, side: str, qty: Decimal, **changes: object) -> Order:
        """Creates an accepted order."""
        order = an_order(
            id=self.next_id("order"),
            command_id=None,
            symbol=self.instrument.symbol,
            side=Side(side),
            qty=qty,
            **changes,
        )
        self.orders[order.id] = order
        self.ingest(a_report(ReportKind.ACCEPTED, order_id=order.id, exchange_order_id="x"))
        return self.orders[order.id]

    def fill(self, order_id: int, qty: Decimal, price: Decimal, rate: Decimal) -> LedgerUpdate:
        """Executes the order with a fee rate; the fee of a spot buy is in base currency."""
        order = self.orders[order_id]
        in_base = self.instrument.kind is InstrumentKind.SPOT and order.side is Side.BUY
        fee = qty * rate if in_base else qty * price * rate
        currency = self.instrument.base if in_base else self.instrument.settle
        trade = f"t{self.next_id('event')}"
        return self.ingest(
            a_fill(qty, price, order_id=order_id, trade=trade, fee=fee, fee_currency=currency)
        )

    def ingest(self, report: ExecutionReport) -> LedgerUpdate:
        """Applies one report and stores the changed rows; returns the ledger entry."""
        order = self.orders[report.order_id]
        execution = report.execution
        known_deals = [] if execution is None else self._deals_of_trade(execution.exchange_trade_id)
        needs_all = needs_history(
            self.mode,
            self.instrument,
            order,
            report,
            self._newest_key(),
            known_deals,
            self.open_positions(),
        )
        trade = "" if execution is None else execution.exchange_trade_id
        book = Book(
            mode=self.mode,
            instrument=self.instrument,
            order=order,
            positions=self.open_positions(),
            deals={trade: known_deals},
            history=self.history() if needs_all else None,
        )
        return self._keep(apply_report(book, report, self.next_id))

    def execute(
        self,
        order_id: int,
        trade: str,
        qty: int,
        second: int,
        *,
        price: int = 100,
        received_at: datetime = NOON,
    ) -> LedgerUpdate:
        """Executes a part of the order ``second`` seconds after noon, without a fee."""
        execution = Execution(
            exchange_trade_id=trade,
            qty=Decimal(qty),
            price=Decimal(price),
            executed_at=NOON + timedelta(seconds=second),
        )
        return self.ingest(
            a_report(
                ReportKind.EXECUTION,
                order_id=order_id,
                execution=execution,
                received_at=received_at,
            )
        )

    def ticket_fields(self, position_id: int) -> dict[str, int]:
        """The order fields that reference a position."""
        return {"position_id": position_id, "ticket_id": position_id}

    def bust(self, trade_id: str, at: datetime) -> LedgerUpdate:
        """The exchange busts an execution."""
        legs = [deal for deal in self._trades() if deal.exchange_trade_id == trade_id]
        first = legs[0]
        fees = [deal.fee for deal in legs if deal.fee is not None]
        execution = Execution(
            exchange_trade_id=trade_id,
            qty=sum((deal.qty for deal in legs), Decimal(0)),
            price=first.price,
            executed_at=first.executed_at,
            fee=sum(fees, Decimal(0)) if fees else None,
            fee_currency=first.fee_currency,
        )
        assert first.order_id is not None
        report = a_report(ReportKind.BUSTED, order_id=first.order_id)
        return self.ingest(evolve(report, execution=execution, received_at=at))

    def commission(self, trade_id: str, amount: Decimal, currency: str) -> LedgerUpdate:
        """A commission is reported after its execution."""
        trade = charged_leg([d for d in self._trades() if d.exchange_trade_id == trade_id])
        fee = a_late_fee(self.instrument.symbol, trade_id, amount, currency, trade.executed_at)
        charge = evolve(fee, received_at=trade.created_at)
        payees = ChargeTargets(
            account_id=trade.account_id,
            instrument=self.instrument,
            positions=[self.positions[trade.position_id]] if trade.position_id else [],
            trade=trade,
        )
        return self._keep(apply_charge(payees, charge, self.next_id))

    def funding(
        self, amount: Decimal, due: datetime, name: str, side: Side | None = None
    ) -> LedgerUpdate:
        """Funding on what was open when it was due; positive amounts are received."""
        instrument = self.instrument
        charge = a_funding(instrument.symbol, name, amount, due, side, currency=instrument.settle)
        merges = merges_of(self.positions.values())
        held = Timeline(self.instrument, self.deals, merges).holdings_at(due, side)
        payees = ChargeTargets(
            account_id=1,
            instrument=self.instrument,
            positions=[self.positions[one.position_id] for one in held],
            quantities=[one.qty for one in held],
        )
        return self._keep(apply_charge(payees, charge, self.next_id))

    def close_by(
        self, a: int, b: int, qty: Decimal | None, command_id: int, at: datetime
    ) -> LedgerUpdate:
        """Closes two positions by each other."""
        command = CloseBy(position_id_a=a, position_id_b=b, qty=qty)
        first, second = self.positions[a], self.positions[b]
        assert refuse_close_by(command, first, second, self.instrument) is None
        return self._keep(
            close_by(command, first, second, self.instrument, command_id, self.next_id, at)
        )

    def merge(self, source: int, target: int, command_id: int, at: datetime) -> LedgerUpdate:
        """Merges one position into another."""
        command = MergePositions(source_position_id=source, target_position_id=target)
        source_position, target_position = self.positions[source], self.positions[target]
        assert refuse_merge(command, source_position, target_position, self.mode) is None
        for order in list(self.orders.values()):
            if order.is_open and order.position_id == source:
                self.orders[order.id] = evolve(order, position_id=target)
        return self._keep(
            merge_positions(
                command, source_position, target_position, self.instrument, command_id, at
            )
        )

    def reassign(
        self, order_ids: Sequence[int], strategy_id: int, position_id: int, at: datetime
    ) -> LedgerUpdate:
        """Reassigns orders to a strategy and a position."""
        changed_orders = {
            order_id: evolve(
                self.orders[order_id],
                strategy_id=strategy_id,
                ticket_id=position_id or self.orders[order_id].ticket_id,
            )
            for order_id in order_ids
        }
        return self._keep(apply_reassignment(self.history(), changed_orders, self.next_id, at))

    def history(self) -> SymbolHistory:
        """All rows, as the store loads them."""
        return SymbolHistory(
            mode=self.mode,
            instrument=self.instrument,
            positions=tuple(self.positions.values()),
            deals=tuple(self.deals),
            orders=self.orders,
        )

    def _newest_key(self) -> ExecutionKey | None:
        moves = [d for d in self.deals if d.type in (DealType.TRADE, DealType.FUNDING)]
        keys = [
            step_key(d.executed_at, d.exchange_sequence, d.exchange_trade_id, d.type, d.entry)
            for d in moves
        ]
        merged = [p for p in self.positions.values() if p.merged_into is not None]
        keys += [boundary_key(p.closed_at) for p in merged if p.closed_at is not None]
        return max(keys, default=None)

    def _trades(self) -> list[Deal]:
        return [deal for deal in self.deals if deal.type is DealType.TRADE]

    def _deals_of_trade(self, trade_id: str) -> list[Deal]:
        names = {trade_id, f"{BUST_PREFIX}{trade_id}"}
        return [deal for deal in self.deals if deal.exchange_trade_id in names]

    def _keep(self, entry: LedgerUpdate) -> LedgerUpdate:
        if entry.order is not None:
            self.orders[entry.order.id] = entry.order
        self.orders |= {order.id: order for order in entry.orders}
        self.positions |= {position.id: position for position in entry.positions}
        removed = {deal.id for deal in entry.deals_removed}
        changed = {deal.id: deal for deal in entry.deals_changed}
        kept = [changed.get(deal.id, deal) for deal in self.deals if deal.id not in removed]
        self.deals = [*kept, *map(self._valued, entry.deals)]
        return entry

    def _valued(self, deal: Deal) -> Deal:
        if deal.fee_rate is not None or deal.fee_currency not in self.rates:
            return deal
        return evolve(deal, fee_rate=self.rates[deal.fee_currency])

    def open_positions(self) -> list[Position]:
        """Open positions, oldest first."""
        return [p for p in self.positions.values() if p.is_open]
