"""Reassignment of orders to a strategy: preview, checks, and one command per account.

All checks that need no ledger state happen before anything is stored. The account's worker then
moves the orders of its account, with their deals and positions, in one transaction or not at all.
This service writes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oms.domain.access import (
    Permission,
    Principal,
    refuse_account,
    refuse_role,
    refuse_strategy,
)
from oms.domain.commands.command import Reassign
from oms.domain.errors import Refused
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order
from oms.domain.value import evolve
from oms.ports.history_reads import HistoryQuery, HistoryReads, Page
from oms.ports.registry import Registry
from oms.services.queries.ledger_queries import LedgerQueries
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.commands.reassign_request import ReassignRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """One page of the selected rows, orders before deals, and the total count of each."""

    orders: Sequence[Order] = ()
    deals: Sequence[Deal] = ()
    orders_total: int = 0
    deals_total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReassignOrders:
    """Answers previews, and turns an application into one command per account."""

    registry: Registry
    history: HistoryReads
    reads: LedgerQueries

    async def accounts(
        self, principal: Principal, account_ids: Sequence[int] | None
    ) -> Sequence[int] | Refused:
        """Return the requested account ids, or all on which the caller may reassign."""
        refused = refuse_role(principal, Permission.REASSIGN)
        if refused is not None:
            return refused
        if account_ids is None:
            rows = await self.reads.accounts(principal)
            account_ids = [row.account.id for row in rows]
            return [
                i for i in account_ids if refuse_account(principal, Permission.REASSIGN, i) is None
            ]
        existing = {row.account.id for row in await self.registry.accounts(account_ids)}
        for account_id in account_ids:
            if account_id not in existing:
                return Refused(code="account_not_found", message=f"account_id={account_id}")
            refused = refuse_account(principal, Permission.REASSIGN, account_id)
            if refused is not None:
                return refused
        return account_ids

    async def select(
        self, principal: Principal, request: ReassignRequest, account_ids: Sequence[int]
    ) -> Selection:
        """Return a page of the orders that ``ask`` selects, and of their deals."""
        if not account_ids:
            return Selection()
        window = await self.reads.narrow_window(principal, _window(request, account_ids))
        orders: Page[Order] = Page(items=(), total=0, next_after_id=None)
        if "order" in request.kinds:
            orders = await self.history.orders(window)
        deals, deals_total = (
            await self._deals(window, orders.total or 0) if "deal" in request.kinds else ([], 0)
        )
        return Selection(
            orders=orders.items,
            deals=deals,
            orders_total=orders.total or 0,
            deals_total=deals_total,
        )

    async def commands(
        self, principal: Principal, request: ReassignRequest, account_ids: Sequence[int]
    ) -> list[CommandRequest] | Refused:
        """Return one command per account, or the first refusal."""
        orders = {order.id: order for order in await self.history.orders_by_id(request.order_ids)}
        for order_id in request.order_ids:
            order = orders.get(order_id)
            if order is None or order.account_id not in account_ids:
                return self._refuse_order(principal, request, order_id, order)
        refused = await self._refuse_strategies(principal, request, list(orders.values()))
        refused = refused or await self._refuse_position(principal, request, list(orders.values()))
        if refused is not None:
            return refused
        by_account: dict[int, list[int]] = {}
        for order_id in request.order_ids:
            by_account.setdefault(orders[order_id].account_id, []).append(order_id)
        return [
            CommandRequest(
                payload=Reassign(
                    order_ids=tuple(order_ids),
                    strategy_id=request.strategy_id,
                    position_id=request.position_id,
                    comment=request.comment,
                ),
                account_id=account_id,
            )
            for account_id, order_ids in sorted(by_account.items())
        ]

    async def _deals(self, window: HistoryQuery, skipped: int) -> tuple[list[Deal], int]:
        """Return the deals of a page that begins with orders, and the total number of deals."""
        size = window.page_size
        first = (window.page - 1) * size - skipped
        page = max(first, 0) // size + 1
        page_of_deals = await self.history.deals_of_orders(evolve(window, page=page))
        rows = list(page_of_deals.items)
        if first % size and first > 0 and page_of_deals.next_after_id is not None:
            following = evolve(window, page=page + 1, with_total=False)
            rows += (await self.history.deals_of_orders(following)).items
        start = first - (page - 1) * size
        return rows[max(start, 0) : max(start + size, 0)], page_of_deals.total or 0

    def _refuse_order(
        self, principal: Principal, request: ReassignRequest, order_id: int, order: Order | None
    ) -> Refused:
        """Return why an order is not among those of the requested accounts.

        An order that the caller may not read is reported as missing.
        """
        missing = Refused(code="order_not_found", message=f"there is no order {order_id}")
        if order is None or request.account_ids is not None:
            return missing
        if refuse_account(principal, Permission.READ, order.account_id) is not None:
            return missing
        return Refused(code="permission_denied", message=f"account_id={order.account_id}")

    async def _refuse_strategies(
        self, principal: Principal, request: ReassignRequest, orders: Sequence[Order]
    ) -> Refused | None:
        accounts = sorted({order.account_id for order in orders})
        strategies_by_account = await self.registry.linked_strategies(accounts)
        for account_id in accounts:
            if request.strategy_id not in strategies_by_account.get(account_id, frozenset()):
                message = f"strategy {request.strategy_id} is not linked to account {account_id}"
                return Refused(code="invalid_strategy_id", message=message)
        for order in orders:
            strategies = (order.strategy_id, request.strategy_id)
            refused = refuse_strategy(principal, order.account_id, strategies)
            if refused is not None:
                return refused
            if order.strategy_id not in (0, request.strategy_id):
                message = f"order {order.id} belongs to strategy {order.strategy_id}"
                return _conflict("order_already_assigned", message)
        return None

    async def _refuse_position(
        self, principal: Principal, request: ReassignRequest, orders: Sequence[Order]
    ) -> Refused | None:
        if not request.position_id:
            return None
        positions: Mapping[int, Position] = {
            row.id: row for row in await self.history.positions_by_id([request.position_id])
        }
        position = positions.get(request.position_id)
        if (
            position is None
            or not position.is_open
            or refuse_account(principal, Permission.READ, position.account_id) is not None
        ):
            message = f"there is no open position {request.position_id}"
            return Refused(code="position_not_found", message=message)
        for order in orders:
            for name in ("account_id", "symbol", "side"):
                if getattr(order, name) != getattr(position, name):
                    field = name.removesuffix("_id")
                    message = f"order {order.id} and position {position.id} differ in {field}"
                    return _conflict(f"target_position_{field}_mismatch", message)
        return refuse_strategy(principal, position.account_id, (position.strategy_id,))


def _window(request: ReassignRequest, account_ids: Sequence[int]) -> HistoryQuery:
    window = HistoryQuery(
        account_ids=account_ids,
        order_ids=request.order_ids or None,
        page=request.page,
        page_size=request.page_size,
    )
    if not request.is_preview:
        return window
    return evolve(
        window,
        status=request.statuses,
        reconciled=request.reconciled,
        since=request.since,
        until=request.until,
        by_creation=True,
    )


def _conflict(reason: str, message: str) -> Refused:
    return Refused(code="conflict", reason=reason, message=message)
