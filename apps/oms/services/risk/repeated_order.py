"""Recognises an order that a client sends again by mistake: without any name of its own.

An order with a request id, an idempotency key or a client order id is exempt: the caller says by it
which orders are the same. Stored rows are compared, with those that are not committed yet, so that
a restart changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from oms.domain.commands.command import Command, SendOrder
from oms.domain.risk.limit_context import RepeatedOrder
from oms.domain.risk.policy import AccountPolicy
from oms.ports.performance.sent_orders import SentOrder, SentOrderQuery, SentOrderReads
from oms.services.account_state.state import AccountState

DUPLICATE_WINDOW = "duplicate_order_window_seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindRepeatedOrder:
    """Finds the last order that is the same as a request."""

    reads: SentOrderReads

    async def __call__(
        self, state: AccountState, command: Command, requested: SendOrder, now: datetime
    ) -> RepeatedOrder | None:
        """Return the newest order within the longest window of the account's limits.

        ``None`` if no limit applies, the request is exempt, or there is none. Raises
        ``Unavailable``.
        """
        api_key_id = command.actor.api_key_id
        is_named = command.request_id is not None or requested.client_order_id is not None
        if state.policy is None or is_named or not api_key_id or requested.reduce_only:
            return None
        ticket = state.positions.get(requested.position_id)
        strategy_id = requested.strategy_id or (0 if ticket is None else ticket.strategy_id)
        window = _window(state.policy, strategy_id)
        if not window:
            return None
        query = SentOrderQuery(
            account_id=state.account.id,
            api_key_id=api_key_id,
            strategy_id=strategy_id,
            symbol=requested.symbol,
            side=requested.side.value,
            order_type=requested.order_type,
            since=now - window,
        )
        # Taken before the reads: a commit in progress may end meanwhile, and is then read as well.
        waiting = _uncommitted(state, query)
        senders = await self.reads.senders([command.id, *waiting])
        own = senders.get(command.id)
        if own is not None and own.has_idempotency_key:
            return None
        orders = [*(await self.reads.orders(query))]
        orders += [
            order
            for command_id, order in waiting.items()
            if command_id in senders and senders[command_id].api_key_id == api_key_id
        ]
        same = [order for order in orders if _is_same(order, requested)]
        last = max(same, key=lambda order: (order.created_at, order.id), default=None)
        return None if last is None else RepeatedOrder(id=last.id, age=now - last.created_at)


def _window(policy: AccountPolicy, strategy_id: int) -> timedelta:
    """Return the longest window of the limits that rule orders of the strategy."""
    scopes = (policy.account, policy.limits_of(strategy_id))
    seconds = [limits[DUPLICATE_WINDOW].setting for limits in scopes if DUPLICATE_WINDOW in limits]
    return timedelta(seconds=int(max((s for s in seconds if isinstance(s, Decimal)), default=0)))


def _uncommitted(state: AccountState, query: SentOrderQuery) -> dict[int, SentOrder]:
    """Return matching orders that are not committed yet, by their commands."""
    found: dict[int, SentOrder] = {}
    kind = (query.strategy_id, query.symbol, query.side, query.order_type)
    for work in state.units_of_work():
        for order in work.orders_new.values():
            own = (order.strategy_id, order.symbol, order.side.value, order.order_type)
            if own != kind or order.command_id is None or order.created_at <= query.since:
                continue
            if not order.reduce_only and order.reject_source != "oms":
                found[order.command_id] = SentOrder(
                    id=order.id,
                    qty=order.requested_qty,
                    price=order.requested_price,
                    trigger_price=order.trigger_price,
                    created_at=order.created_at,
                )
    return found


def _is_same(order: SentOrder, requested: SendOrder) -> bool:
    return (order.qty, order.price, order.trigger_price) == (
        requested.qty,
        requested.price,
        requested.trigger_price,
    )
