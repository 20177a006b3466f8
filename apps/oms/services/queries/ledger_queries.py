"""Reads for callers: rows limited to the accounts and strategies of the caller's key.

A read over several accounts fails as a whole at the first account that is unknown, unreadable or
closed to the requested strategy. A key limited to strategies sees only their rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from oms.domain.access import (
    Permission,
    Principal,
    Role,
    allowed_strategies,
    refuse_account,
    refuse_strategy,
)
from oms.domain.errors import Forbidden, NotFound, Unavailable
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order
from oms.domain.value import evolve
from oms.ports.command_queue import CommandQueue, CommandRow
from oms.ports.history_reads import HistoryQuery, HistoryReads, Page
from oms.ports.registry import AccountRow, Registry


class Owned(Protocol):
    """A row that belongs to an account and a strategy."""

    @property
    def account_id(self) -> int: ...
    @property
    def strategy_id(self) -> int: ...


Row = TypeVar("Row", bound=Owned)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersWithDeals:
    """Orders, and the deals of these orders."""

    orders: Sequence[Order] = ()
    deals: Sequence[Deal] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerQueries:
    """Reads for callers; each returns everything committed before it began."""

    registry: Registry
    history: HistoryReads
    queue: CommandQueue

    async def narrow_window(self, principal: Principal, window: HistoryQuery) -> HistoryQuery:
        """Return ``window`` limited to what the caller may see.

        Raises ``NotFound``, ``Forbidden``.
        """
        allowed: frozenset[int] | None = None
        for account_id in window.account_ids:
            await self._check_account(principal, account_id)
            strategy_ids = () if window.strategy_id is None else (window.strategy_id,)
            refused = refuse_strategy(principal, account_id, strategy_ids)
            if refused is not None:
                raise Forbidden(refused.message, code=refused.code)
            allowed_here = allowed_strategies(principal, account_id)
            if allowed_here is not None:
                allowed = allowed_here if allowed is None else allowed & allowed_here
        return evolve(window, strategies=allowed)

    async def open_orders(
        self, principal: Principal, window: HistoryQuery, limit: int
    ) -> Sequence[Order]:
        """Return orders that are not final, the newest ``limit``."""
        return await self.history.open_orders(await self.narrow_window(principal, window), limit)

    async def open_positions(
        self, principal: Principal, window: HistoryQuery, limit: int
    ) -> Sequence[Position]:
        """Return open positions, the newest ``limit``."""
        return await self.history.open_positions(await self.narrow_window(principal, window), limit)

    async def newest_positions(
        self, principal: Principal, window: HistoryQuery, limit: int
    ) -> Sequence[Position]:
        """Return positions of any state, the newest ``limit``, ascending by id."""
        newest = evolve(window, descending=True, page_size=limit, with_total=False)
        return [*reversed((await self.positions(principal, newest)).items)]

    async def orders(self, principal: Principal, window: HistoryQuery) -> Page[Order]:
        """Return orders of any state."""
        return await self.history.orders(await self.narrow_window(principal, window))

    async def positions(self, principal: Principal, window: HistoryQuery) -> Page[Position]:
        """Return positions of any state."""
        return await self.history.positions(await self.narrow_window(principal, window))

    async def deals(self, principal: Principal, window: HistoryQuery) -> Page[Deal]:
        """Return deals."""
        return await self.history.deals(await self.narrow_window(principal, window))

    async def commands(self, principal: Principal, window: HistoryQuery) -> Page[CommandRow]:
        """Return commands."""
        return await self.history.commands(await self.narrow_window(principal, window))

    async def command(self, principal: Principal, command_id: int) -> CommandRow:
        """Return a command. Raises ``NotFound``, also for what the caller may not see."""
        row = (await self.queue.find([command_id])).get(command_id)
        if row is None or refuse_account(principal, Permission.READ, row.account_id) is not None:
            raise NotFound(f"there is no command {command_id}", code="command_not_found")
        if not await self._has_allowed_strategy(principal, row):
            raise NotFound(f"there is no command {command_id}", code="command_not_found")
        return row

    async def orders_by_id(self, principal: Principal, ids: Sequence[int]) -> Sequence[Order]:
        """Return orders by id, without those the caller may not see."""
        return _visible(principal, await self.history.orders_by_id(ids))

    async def positions_by_id(self, principal: Principal, ids: Sequence[int]) -> Sequence[Position]:
        """Return positions by id, without those the caller may not see."""
        return _visible(principal, await self.history.positions_by_id(ids))

    async def deals_by_id(self, principal: Principal, ids: Sequence[int]) -> Sequence[Deal]:
        """Return deals by id, without those the caller may not see."""
        return _visible(principal, await self.history.deals_by_id(ids))

    async def orders_with_deals(self, order_ids: Sequence[int]) -> OrdersWithDeals:
        """Return orders and their deals; empty if they cannot be read now."""
        if not order_ids:
            return OrdersWithDeals()
        try:
            return OrdersWithDeals(
                orders=await self.history.orders_by_id(order_ids),
                deals=await self.history.deals_by_order(order_ids),
            )
        except Unavailable:
            return (
                OrdersWithDeals()
            )  # The commands are stored: their response must not become a failure.

    async def accounts(self, principal: Principal) -> Sequence[AccountRow]:
        """Return the accounts the caller may read; all for an admin."""
        if principal.role is Role.ADMIN:
            return await self.registry.accounts()
        readable = sorted(i for i, grant in principal.grants.items() if grant.can_read)
        return await self.registry.accounts(readable) if readable else ()

    async def _has_allowed_strategy(self, principal: Principal, row: CommandRow) -> bool:
        """A command has no strategy of its own: that of its order counts."""
        allowed = allowed_strategies(principal, row.account_id)
        if allowed is None or row.actor.api_key_id == principal.api_key_id:
            return True
        ids = [] if row.order_id is None else [row.order_id]
        orders = await self.history.account_of("order", ids)
        return any(strategy_id in allowed for _, strategy_id in orders.values())

    async def _check_account(self, principal: Principal, account_id: int) -> None:
        if principal.grant(account_id) is None and not await self.registry.accounts([account_id]):
            raise NotFound(f"account_id={account_id}", code="account_not_found")
        refused = refuse_account(principal, Permission.READ, account_id)
        if refused is not None:
            raise Forbidden(refused.message, code=refused.code)


def _visible(principal: Principal, rows: Sequence[Row]) -> Sequence[Row]:
    return [
        row
        for row in rows
        if refuse_account(principal, Permission.READ, row.account_id) is None
        and refuse_strategy(principal, row.account_id, (row.strategy_id,)) is None
    ]
