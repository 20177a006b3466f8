"""Recognises an order that a client sends again by mistake: without any name of its own.

An order with a request id, an idempotency key or a client order id is exempt: the caller says by it
which orders are the same. Stored rows are compared, with those that are not committed yet, so that
a restart changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from oms.domain.commands.command import Command, SendOrder
from oms.domain.risk.exposure import Entry
from oms.domain.risk.limit_context import RepeatedOrder
from oms.domain.risk.policy import AccountPolicy
from oms.ports.performance.sent_orders import SentOrder, SentOrderQuery, SentOrderReads
from oms.services.account_state.state import AccountState
from oms.services.commands.ccxt_policy import entry_of_call
from oms.services.risk.sent_calls import call_terms, read_sent_calls
from oms.wire.ccxt.trade_requests import CreateRequest, Params

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
        if command.request_id is not None or requested.client_order_id is not None:
            return None
        if requested.reduce_only:
            return None
        ticket = state.positions.get(requested.position_id)
        strategy_id = requested.strategy_id or (0 if ticket is None else ticket.strategy_id)
        kind = (requested.symbol, requested.side.value, requested.order_type)
        terms = (requested.qty, requested.price, requested.trigger_price, None)
        return await self._last(state, command, strategy_id, kind, terms, now)

    async def of_call(
        self,
        state: AccountState,
        command: Command,
        request: CreateRequest,
        before: Sequence[Entry],
        now: datetime,
    ) -> RepeatedOrder | None:
        """Return the same for an order of a ccxt call, after the orders ``before`` it.

        Also raises ``Invalid``.
        """
        if state.policy is None or not _window(state.policy, 0) or _has_name(request.params):
            return None
        *kind, trigger = call_terms(request)
        terms = (request.amount, request.price, trigger, request.cost)
        is_in_call = request.amount and entry_of_call(request, request.amount) in before
        in_call = RepeatedOrder(id=command.id, age=timedelta(0), is_call=True)
        return await self._last(
            *(state, command, 0, (kind[0], kind[1], kind[2]), terms, now),
            latest=in_call if is_in_call else None,
        )

    async def _last(
        self,
        state: AccountState,
        command: Command,
        strategy_id: int,
        kind: tuple[str, str, str],
        terms: tuple[Decimal | None, ...],
        now: datetime,
        latest: RepeatedOrder | None = None,
    ) -> RepeatedOrder | None:
        """Return ``latest``, or the newest order of the strategy with the same kind and terms."""
        api_key_id = command.actor.api_key_id
        if state.policy is None or command.request_id is not None or not api_key_id:
            return None
        window = _window(state.policy, strategy_id)
        if not window:
            return None
        symbol, side, order_type = kind
        query = SentOrderQuery(
            account_id=state.account.id,
            api_key_id=api_key_id,
            strategy_id=strategy_id,
            symbol=symbol,
            side=side,
            order_type=order_type,
            since=now - window,
        )
        orders = await self._sent(state, command, query)
        if orders is None or latest is not None:
            return None if orders is None else latest
        same = [order for order in orders if _terms(order) == terms]
        last = max(same, key=lambda order: (order.created_at, order.id), default=None)
        if last is None:
            return None
        return RepeatedOrder(id=last.id, age=now - last.created_at, is_call=last.is_call)

    async def _sent(
        self, state: AccountState, command: Command, query: SentOrderQuery
    ) -> Sequence[SentOrder] | None:
        """Return the orders of a kind; ``None`` if the command has an idempotency key."""
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
            if command_id in senders and senders[command_id].api_key_id == query.api_key_id
        ]
        if not query.strategy_id:
            orders += await read_sent_calls(self.reads, state, query, command.id)
        return orders


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


def _terms(order: SentOrder) -> tuple[Decimal | None, ...]:
    return (order.qty, order.price, order.trigger_price, order.cost)


def _has_name(params: Params) -> bool:
    """Return whether the parameters name the order, by ccxt's name or an exchange's."""
    return any(name.replace("_", "").lower() in _NAMES for name in params)


_NAMES = frozenset({"clientorderid", "newclientorderid", "orderlinkid", "clordid"})
