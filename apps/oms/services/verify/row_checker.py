"""Reads orders, deals and positions of an account and checks them with the rule modules.

Rows are checked page by page; a row with findings is read again until it did not change meanwhile.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from oms.domain.account import Account, Engine
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.ledger.deal import Deal, DealType
from oms.domain.ledger.position import Position
from oms.domain.ledger.replay_steps import BUST_PREFIX
from oms.domain.orders.execution_report import ReportSource
from oms.domain.orders.order import Order
from oms.ports.command_queue import CommandQueue
from oms.ports.history_reads import HistoryReads
from oms.ports.ledger_store import LedgerStore
from oms.ports.verification_reads import OrderColumns, VerificationReads
from oms.services.verify.deal_rules import (
    SYNTHETIC_PREFIXES,
    DealContext,
    busted_trade_id,
    check_deal,
    find_repeated_deals,
)
from oms.services.verify.event_projection import UnreportedRows
from oms.services.verify.findings import Finding, Findings, make_finding
from oms.services.verify.history_pages import iterate_pages
from oms.services.verify.order_rules import check_order, check_order_columns
from oms.services.verify.position_groups import PositionGroupReader
from oms.services.verify.position_replay import PositionGroup, check_group
from oms.services.verify.position_rules import (
    check_position_chain,
    check_single_open,
    find_excess_open,
)
from oms.services.verify.stable_read import read_stable


@dataclass(slots=True, kw_only=True)
class RowChecker:
    """Checks the rows of one account."""

    account: Account
    instruments: Mapping[str, Instrument]
    findings: Findings
    unreported: UnreportedRows
    history: HistoryReads
    ledger: LedgerStore
    queue: CommandQueue
    audit: VerificationReads
    #: Open positions, for the modes that allow only one.
    _open: list[Position] = field(default_factory=list)

    async def run(self) -> None:
        """Check all orders, positions and deals."""
        async for orders in iterate_pages(self.account.id, self.history.orders):
            await self._check_orders(orders)
        async for positions in iterate_pages(self.account.id, self.history.positions):
            await self._check_positions(positions)
        await self._check_modes()
        async for deals in iterate_pages(self.account.id, self.history.deals):
            await self._check_deals(deals)

    async def _check_orders(self, orders: Sequence[Order]) -> None:
        ids = [order.id for order in orders]
        deals: dict[int | None, list[Deal]] = defaultdict(list)
        for deal in await self.history.deals_by_order(ids):
            deals[deal.order_id].append(deal)
        columns = await self.audit.order_columns(ids)
        for order in orders:
            self.unreported.check("order", order.id, order.version, order.updated_at)
            wrong = _order_sums(order, deals[order.id], columns)
            if wrong and not self.findings.is_full:
                self.findings.add(await self._recheck_order(order.id))
        await self._check_references(orders)

    async def _recheck_order(self, order_id: int) -> Sequence[Finding]:
        async def inspect(rows: Sequence[Order]) -> Sequence[Finding]:
            deals = await self.history.deals_by_order([order_id])
            columns = await self.audit.order_columns([order_id])
            return [finding for row in rows for finding in _order_sums(row, deals, columns)]

        return await read_stable(lambda: self.history.orders_by_id([order_id]), inspect)

    async def _check_references(self, orders: Sequence[Order]) -> None:
        """Check that rows referenced by the orders exist; a refused order may name unknown ones."""
        commands = await self.queue.find([o.command_id for o in orders if o.command_id is not None])
        position_ids = sorted({order.position_id for order in orders if order.position_id})
        positions = {row.id: row for row in await self.history.positions_by_id(position_ids)}
        strategies = sorted({order.strategy_id for order in orders if order.strategy_id})
        existing_strategies = await self.audit.strategies(strategies)
        named = {order.command_id for order in orders if order.command_id is not None}
        archived_commands = await self.audit.archived("command", named - commands.keys())
        archived_positions = await self.audit.archived(
            "position", set(position_ids) - positions.keys()
        )
        for order in orders:
            command = commands.get(order.command_id or 0)
            is_archived = order.command_id in archived_commands
            if (
                order.command_id is not None
                and not is_archived
                and (command is None or command.account_id != order.account_id)
            ):
                expected = f"command {order.command_id} of account {order.account_id}"
                self.findings.add(
                    [make_finding("order_command", "order", order.id, expected, None)]
                )
            position = positions.get(order.position_id)
            # A refused order may reference a position that never existed.
            is_held = order.is_open or order.filled_qty
            if order.position_id and is_held and order.position_id not in archived_positions:
                self.findings.add(_owner_findings(order, position))
            # An order refused for an unknown strategy keeps the id that it was sent with.
            is_booked = order.is_open or order.filled_qty or order.reject_source != "oms"
            if is_booked and order.strategy_id and order.strategy_id not in existing_strategies:
                expected = f"strategy {order.strategy_id}"
                self.findings.add(
                    [make_finding("order_strategy", "order", order.id, expected, None)]
                )

    async def _check_positions(self, positions: Sequence[Position]) -> None:
        groups = self._groups()
        async for group in groups.iterate_page(positions):
            if self._check_group(group) and not self.findings.is_full:
                self.findings.add(await self._recheck_group(groups, group.positions[0].id))
        referenced_ids = {
            name for row in positions for name in (row.identifier, row.previous_position_id)
        }
        names = sorted(name for name in referenced_ids if name)
        referenced = {row.id: row for row in await self.history.positions_by_id(names)}
        archived = await self.audit.archived("position", set(names) - referenced.keys())
        for position in positions:
            self.findings.add(check_position_chain(position, referenced, archived))
            self.unreported.check("position", position.id, position.version, position.updated_at)
        self._open += [row for row in positions if row.is_open]

    async def _recheck_group(
        self, groups: PositionGroupReader, position_id: int
    ) -> Sequence[Finding]:
        async def inspect(group: PositionGroup) -> Sequence[Finding]:
            return self._check_group(group)

        return await read_stable(lambda: groups.load_group(position_id), inspect)

    def _check_group(self, group: PositionGroup) -> Sequence[Finding]:
        if not group.positions:
            return ()
        return check_group(group, self.instruments.get(group.positions[0].symbol))

    def _groups(self) -> PositionGroupReader:
        return PositionGroupReader(
            account_id=self.account.id,
            history=self.history,
            ledger=self.ledger,
            audit=self.audit,
        )

    async def _check_modes(self) -> None:
        """Check open positions per mode; candidates are read again in one query."""
        mode = self.account.position_mode
        for group in find_excess_open(mode, self._open):
            rows = await self.history.positions_by_id([position.id for position in group])
            for still in find_excess_open(mode, [row for row in rows if row.is_open]):
                self.findings.add(check_single_open(mode, still))

    async def _check_deals(self, deals: Sequence[Deal]) -> None:
        """Check a page; a deal is written together with its order and position."""
        order_ids = {deal.order_id for deal in deals if deal.order_id is not None}
        position_ids = sorted({deal.position_id for deal in deals if deal.position_id})
        context = DealContext(
            mode=self.account.position_mode,
            orders={row.id: row for row in await self.history.orders_by_id(sorted(order_ids))},
            positions={row.id: row for row in await self.history.positions_by_id(position_ids)},
            trades=await self._trades(deals),
            spot_symbols=frozenset(
                name for name, one in self.instruments.items() if one.kind is InstrumentKind.SPOT
            ),
        )
        for deal in deals:
            self.unreported.check("deal", deal.id, 1, deal.created_at)
            findings = list(check_deal(deal, context))
            if findings:  # the deal may have changed since it was read
                current = await self.history.deals_by_id([deal.id])
                self.findings.add(findings if list(current) == [deal] else ())
        page_ids = {deal.id for deal in deals}
        legs_of_page = [leg for legs in context.trades.values() for leg in legs]
        self.findings.add(
            finding for finding in find_repeated_deals(legs_of_page) if finding.id in page_ids
        )
        if self.account.engine is Engine.PAPER:
            await self._check_paper_deals(deals)

    async def _trades(self, deals: Iterable[Deal]) -> Mapping[tuple[str, str], Sequence[Deal]]:
        """Return all deals of the executions of these deals, with their corrections."""
        names: dict[str, set[str]] = defaultdict(set)
        for deal in deals:
            more = busted_trade_id(deal) if deal.type is DealType.CORRECTION else ""
            bust = f"{BUST_PREFIX}{deal.exchange_trade_id}" if deal.type is DealType.TRADE else ""
            names[deal.symbol] |= {deal.exchange_trade_id, more, bust} - {""}
        trades: dict[tuple[str, str], Sequence[Deal]] = {}
        for symbol, trade_ids in names.items():
            legs_by_id = await self.ledger.deals_of(self.account.id, symbol, sorted(trade_ids))
            trades |= {(symbol, name): legs for name, legs in legs_by_id.items()}
        return trades

    async def _check_paper_deals(self, deals: Sequence[Deal]) -> None:
        """Check that booked executions exist at the paper exchange."""
        trade_ids = {deal.id: deal.exchange_trade_id for deal in deals if _is_executed(deal)}
        names = sorted(set(trade_ids.values()))
        existing = await self.audit.existing_paper_trades(self.account.id, names)
        self.findings.add(
            make_finding("paper_deal", "deal", deal_id, f"{name} at the paper exchange", None)
            for deal_id, name in trade_ids.items()
            if name not in existing
        )


def _order_sums(
    order: Order, deals: Sequence[Deal], columns: Mapping[int, OrderColumns]
) -> list[Finding]:
    findings = check_order(order, deals)
    return findings + (check_order_columns(order, columns[order.id]) if order.id in columns else [])


def _owner_findings(order: Order, position: Position | None) -> list[Finding]:
    expected = f"position {order.position_id} of account {order.account_id}, {order.symbol}"
    found = None
    if position is not None:
        if (position.account_id, position.symbol) == (order.account_id, order.symbol):
            return []
        found = f"account {position.account_id}, {position.symbol}"
    return [make_finding("order_position", "order", order.id, expected, found)]


def _is_executed(deal: Deal) -> bool:
    """Whether the exchange reports it; not (yet) for inferred, manual and synthetic deals."""
    is_manual = deal.origin == ReportSource.OPERATOR.value
    is_internal = is_manual or deal.exchange_trade_id.startswith(SYNTHETIC_PREFIXES)
    return deal.type is DealType.TRADE and not is_internal and not deal.provisional
