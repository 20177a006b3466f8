"""Reads orders, deals and positions of one account for their invariants; the rules are elsewhere.

Row by row of a page; what is found is looked at again until nothing changed under the look.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from oms.domain.account import Account, Engine
from oms.domain.deal import Deal, DealType
from oms.domain.instrument import Instrument
from oms.domain.order import Order
from oms.domain.position import Position
from oms.domain.refold import BUST
from oms.domain.report import Heard
from oms.ports.audit_reads import AuditReads, OrderColumns
from oms.ports.history import History
from oms.ports.ledger import LedgerStore
from oms.ports.queue import CommandQueue
from oms.services.verify.deals import OUR_OWN, Around, deal_findings, repeated_deals, victim_id
from oms.services.verify.findings import Finding, Findings, breach
from oms.services.verify.folds import Group, group_findings
from oms.services.verify.groups import Groups
from oms.services.verify.orders import column_findings, order_findings
from oms.services.verify.pages import pages
from oms.services.verify.positions import chain_findings, one_open_findings, several_open
from oms.services.verify.settled import settled
from oms.services.verify.told import Untold


@dataclass(slots=True, kw_only=True)
class RowLook:
    """The rows of one account."""

    account: Account
    instruments: Mapping[str, Instrument]
    findings: Findings
    untold: Untold
    history: History
    ledger: LedgerStore
    queue: CommandQueue
    audit: AuditReads
    #: Open positions, for the modes that allow but one.
    _open: list[Position] = field(default_factory=list)

    async def checked(self) -> None:
        """Judge all orders, positions and deals."""
        async for orders in pages(self.account.id, self.history.orders):
            await self._orders(orders)
        async for positions in pages(self.account.id, self.history.positions):
            await self._positions(positions)
        await self._modes()
        async for deals in pages(self.account.id, self.history.deals):
            await self._deals(deals)

    async def _orders(self, orders: Sequence[Order]) -> None:
        ids = [order.id for order in orders]
        deals: dict[int | None, list[Deal]] = defaultdict(list)
        for deal in await self.history.deals_by_order(ids):
            deals[deal.order_id].append(deal)
        columns = await self.audit.order_columns(ids)
        for order in orders:
            self.untold.look("order", order.id, order.version, order.updated_at)
            wrong = _order_sums(order, deals[order.id], columns)
            if wrong and not self.findings.are_full:
                self.findings.add(await self._order_again(order.id))
        await self._belongings(orders)

    async def _order_again(self, order_id: int) -> Sequence[Finding]:
        async def look(rows: Sequence[Order]) -> Sequence[Finding]:
            deals = await self.history.deals_by_order([order_id])
            columns = await self.audit.order_columns([order_id])
            return [finding for row in rows for finding in _order_sums(row, deals, columns)]

        return await settled(lambda: self.history.orders_by_id([order_id]), look)

    async def _belongings(self, orders: Sequence[Order]) -> None:
        """Whether what orders name is there: it was, when they were written."""
        commands = await self.queue.find([o.command_id for o in orders if o.command_id is not None])
        named = sorted({order.position_id for order in orders if order.position_id})
        positions = {row.id: row for row in await self.history.positions_by_id(named)}
        strategies = sorted({order.strategy_id for order in orders if order.strategy_id})
        known = await self.audit.strategies(strategies)
        for order in orders:
            command = commands.get(order.command_id or 0)
            if order.command_id is not None and (
                command is None or command.account_id != order.account_id
            ):
                expected = f"command {order.command_id} of account {order.account_id}"
                self.findings.add([breach("order_command", "order", order.id, expected, None)])
            position = positions.get(order.position_id)
            # A refused order may name what never was.
            if order.position_id and (order.is_open or order.filled_qty):
                self.findings.add(_owner_findings(order, position))
            if order.strategy_id and order.strategy_id not in known:
                expected = f"strategy {order.strategy_id}"
                self.findings.add([breach("order_strategy", "order", order.id, expected, None)])

    async def _positions(self, positions: Sequence[Position]) -> None:
        groups = self._groups()
        async for group in groups.of_page(positions):
            if self._judged(group) and not self.findings.are_full:
                self.findings.add(await self._group_again(groups, group.positions[0].id))
        before = {name for row in positions for name in (row.identifier, row.previous_position_id)}
        names = sorted(name for name in before if name)
        known = {row.id: row for row in await self.history.positions_by_id(names)}
        for position in positions:
            self.findings.add(chain_findings(position, known))
            self.untold.look("position", position.id, position.version, position.updated_at)
        self._open += [row for row in positions if row.is_open]

    async def _group_again(self, groups: Groups, position_id: int) -> Sequence[Finding]:
        async def look(group: Group) -> Sequence[Finding]:
            return self._judged(group)

        return await settled(lambda: groups.around(position_id), look)

    def _judged(self, group: Group) -> Sequence[Finding]:
        if not group.positions:
            return ()
        return group_findings(group, self.instruments.get(group.positions[0].symbol))

    def _groups(self) -> Groups:
        return Groups(
            account_id=self.account.id,
            history=self.history,
            ledger=self.ledger,
            audit=self.audit,
        )

    async def _modes(self) -> None:
        """One may have closed and the next opened between two pages: one read tells."""
        mode = self.account.position_mode
        for group in several_open(mode, self._open):
            rows = await self.history.positions_by_id([position.id for position in group])
            for still in several_open(mode, [row for row in rows if row.is_open]):
                self.findings.add(one_open_findings(mode, still))

    async def _deals(self, deals: Sequence[Deal]) -> None:
        """A deal is written with its order and its position: they are there when it is seen."""
        named = {deal.order_id for deal in deals if deal.order_id is not None}
        held = sorted({deal.position_id for deal in deals if deal.position_id})
        around = Around(
            mode=self.account.position_mode,
            orders={row.id: row for row in await self.history.orders_by_id(sorted(named))},
            positions={row.id: row for row in await self.history.positions_by_id(held)},
            trades=await self._trades(deals),
        )
        for deal in deals:
            self.untold.look("deal", deal.id, 1, deal.created_at)
            found = list(deal_findings(deal, around))
            if found:  # it may have been moved, or taken away, since it was read
                still = await self.history.deals_by_id([deal.id])
                self.findings.add(found if list(still) == [deal] else ())
        here = {deal.id for deal in deals}
        same = [leg for legs in around.trades.values() for leg in legs]
        self.findings.add(finding for finding in repeated_deals(same) if finding.id in here)
        if self.account.engine is Engine.PAPER:
            await self._paper_deals(deals)

    async def _trades(self, deals: Iterable[Deal]) -> Mapping[tuple[str, str], Sequence[Deal]]:
        """All deals of the executions that these deals are of, take back, or are taken back by."""
        names: dict[str, set[str]] = defaultdict(set)
        for deal in deals:
            more = victim_id(deal) if deal.type is DealType.CORRECTION else ""
            bust = f"{BUST}{deal.exchange_trade_id}" if deal.type is DealType.TRADE else ""
            names[deal.symbol] |= {deal.exchange_trade_id, more, bust} - {""}
        trades: dict[tuple[str, str], Sequence[Deal]] = {}
        for symbol, known in names.items():
            found = await self.ledger.deals_of(self.account.id, symbol, sorted(known))
            trades |= {(symbol, name): legs for name, legs in found.items()}
        return trades

    async def _paper_deals(self, deals: Sequence[Deal]) -> None:
        """Executions are booked as the paper exchange made them, and by nobody else."""
        told = {deal.id: deal.exchange_trade_id for deal in deals if _is_executed(deal)}
        names = sorted(set(told.values()))
        known = await self.audit.paper_trades_named(self.account.id, names)
        self.findings.add(
            breach("paper_deal", "deal", deal_id, f"{name} at the paper exchange", None)
            for deal_id, name in told.items()
            if name not in known
        )


def _order_sums(
    order: Order, deals: Sequence[Deal], columns: Mapping[int, OrderColumns]
) -> list[Finding]:
    found = order_findings(order, deals)
    return found + (column_findings(order, columns[order.id]) if order.id in columns else [])


def _owner_findings(order: Order, position: Position | None) -> list[Finding]:
    expected = f"position {order.position_id} of account {order.account_id}, {order.symbol}"
    told = None
    if position is not None:
        if (position.account_id, position.symbol) == (order.account_id, order.symbol):
            return []
        told = f"account {position.account_id}, {position.symbol}"
    return [breach("order_position", "order", order.id, expected, told)]


def _is_executed(deal: Deal) -> bool:
    """Whether the exchange made it; inferred deals are not found there yet, an admin's never."""
    by_hand = deal.origin == Heard.OPERATOR.value
    ours = by_hand or deal.exchange_trade_id.startswith(OUR_OWN)
    return deal.type is DealType.TRADE and not ours and not deal.provisional
