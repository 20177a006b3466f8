"""Reads of signals for callers: limited to the accounts and strategies of their key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oms.domain.access import Permission, Principal, Role, allowed_strategies, refuse
from oms.domain.errors import NotFound
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order
from oms.domain.value import evolve, value
from oms.ports.command_queue import CommandRow
from oms.ports.history_reads import HistoryQuery, HistoryReads
from oms.ports.signals.stored_signals import SignalQuery, SignalRow, Signals
from oms.services.queries.ledger_queries import LedgerQueries

ORDERS_MAX = 500


@value
class SignalChain:
    """A signal with the rows that it led to, each part ascending by id."""

    signal: SignalRow
    commands: Sequence[CommandRow]
    orders: Sequence[Order]
    deals: Sequence[Deal]
    positions: Sequence[Position]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalQueries:
    """Lists of signals, and single ones with what they led to."""

    signals: Signals
    reads: LedgerQueries
    history: HistoryReads

    async def page(
        self, principal: Principal, account_ids: Sequence[int], query: SignalQuery
    ) -> tuple[Sequence[SignalRow], int | None]:
        """Return a page and one row more, and the total if asked for.

        Without ``account_ids`` of all accounts that the caller may read. Raises ``Forbidden``,
        ``NotFound``.
        """
        readable = [row.account.id for row in await self.reads.accounts(principal)]
        if account_ids:
            await self.reads.narrow_window(principal, HistoryQuery(account_ids=account_ids))
        accounts: Mapping[int, frozenset[int] | None] = {
            account_id: allowed_strategies(principal, account_id)
            for account_id in account_ids or readable
        }
        return await self.signals.page(evolve(query, accounts=accounts))

    async def chain(self, principal: Principal, signal_id: int) -> SignalChain:
        """Return a signal with its commands, orders, deals and positions.

        Raises ``NotFound``, also for what the caller may not see.
        """
        row = await self.signals.find(signal_id)
        if row is None or not _may_see(principal, row):
            raise NotFound(f"there is no signal {signal_id}")
        window = HistoryQuery(
            account_ids=[row.account_id],
            signal_id=signal_id,
            page_size=ORDERS_MAX,
            with_total=False,
        )
        sent = (await self.reads.orders(principal, window)).items[:ORDERS_MAX]
        more = [each for each in row.order_ids if each not in {order.id for order in sent}]
        named = await self.reads.orders_by_id(principal, more) if more else ()
        orders = sorted([*sent, *named], key=lambda order: order.id)
        order_ids = [order.id for order in orders]
        deals = await self.history.deals_by_order(order_ids) if order_ids else ()
        positions = {deal.position_id for deal in deals} | {order.position_id for order in orders}
        command_ids = sorted(
            {*row.command_ids, *(o.command_id for o in orders if o.command_id is not None)}
        )
        commands = await self.reads.queue.find(command_ids)
        return SignalChain(
            signal=row,
            commands=[commands[each] for each in command_ids if each in commands],
            orders=orders,
            deals=deals,
            positions=await self.reads.positions_by_id(principal, sorted(positions - {0})),
        )


def _may_see(principal: Principal, row: SignalRow) -> bool:
    if principal.role is Role.ADMIN:
        return True
    return refuse(principal, Permission.READ, row.account_id, (row.strategy_id,)) is None
