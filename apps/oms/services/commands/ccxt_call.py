"""Calls of the ccxt gateway, executed by the account's worker.

A read is passed to the exchange and answered. A trade is checked like any command that opens a
position and sent to the exchange directly; its orders return as external orders without a strategy
until they are reassigned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial, reduce

from oms.domain.ccxt_methods import (
    CANCEL_METHODS,
    MethodClass,
    may_open,
    method_class_of,
)
from oms.domain.commands.command import CcxtCall, Command, CommandResult, CommandStatus
from oms.domain.errors import Conflict, Invalid, OmsError, Refused
from oms.domain.money import EXACT, ZERO, add
from oms.domain.orders.order import Order
from oms.domain.risk.account_switches import refuse_live_disabled
from oms.domain.risk.admission import RiskContext, check_direct_order
from oms.domain.risk.exposure import Entry
from oms.domain.risk.limit_context import RepeatedOrder
from oms.domain.risk.policy import AccountPolicy
from oms.domain.risk.raw_params import unjudged_param
from oms.domain.value import evolve
from oms.ports.key_usage import call_order_key
from oms.services.account_state.pending import PendingCall
from oms.services.account_state.state import AccountState
from oms.services.commands.ccxt_policy import (
    refuse_direct_change,
    refuse_direct_order,
    refuse_unvalued,
)
from oms.services.commands.notional_limits import NewExposure, NotionalLimits
from oms.services.ledger.record import Changes, RecordReports
from oms.services.risk.market_session import refuse_closed_market
from oms.services.risk.repeated_order import FindRepeatedOrder
from oms.wire.ccxt.trade_parser import read_trade
from oms.wire.ccxt.trade_requests import (
    CloseRequest,
    CreateOrders,
    CreateRequest,
    EditOrders,
    EditRequest,
    TradeRequest,
)
from oms.wire.json import dumps


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCcxtCall:
    """Runs ``CcxtCall``."""

    record: RecordReports
    #: Notional limits of API keys; ``None`` if there are none.
    notional_limits: NotionalLimits | None = None
    #: Finds what an order repeats, for limits on that.
    find_repeated: FindRepeatedOrder | None = None

    async def __call__(
        self,
        state: AccountState,
        command: Command,
        payload: CcxtCall,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """Run the call. Returns the exchange's response, or why it was not sent."""
        is_async = state.exchange.sends_after_commit()
        if not payload.is_trade and not is_async:
            return await _read(state, payload, now)
        entries: list[Entry] = []
        try:
            refused = None
            if payload.is_trade:
                refused = await self._refuse(state, command, payload, entries, now)
        except (Invalid, Conflict) as error:
            return _failed_result(_as_refused(error))
        if refused is not None:
            return _failed_result(refused)
        if not is_async:
            return await self._trade(state, payload, changes, now)
        call = partial(_trade_async if payload.is_trade else _read, state, payload, now)
        pending = PendingCall(command=command, make=call, entries=tuple(entries))
        state.pending_calls.append(pending)
        return CommandResult(status=CommandStatus.RUNNING)

    async def _trade(
        self, state: AccountState, payload: CcxtCall, changes: Changes, now: datetime
    ) -> CommandResult:
        result = await state.ccxt_calls.trade(payload.func, payload.args, payload.kwargs, now)
        await self.record(state, result.reports, changes)
        if result.refused is not None:
            return _failed_result(result.refused)
        exchange_ids = _order_ids_in(result.value)
        own_order_ids = (
            o.id for o in changes.orders.values() if o.exchange_order_id in exchange_ids
        )
        value = dumps(result.value)
        return CommandResult(
            status=CommandStatus.DONE, value=value, order_ids=tuple(sorted(own_order_ids))
        )

    async def _refuse(
        self,
        state: AccountState,
        command: Command,
        payload: CcxtCall,
        entries: list[Entry],
        now: datetime,
    ) -> Refused | None:
        """Return why the call is refused, and add what it adds to ``entries``.

        ``entries`` are for a risk policy only. Raises ``Invalid``.
        """
        if (
            method_class_of(payload.func) is MethodClass.NEVER
            and payload.func not in state.account.ccxt_allow
        ):
            message = f"the ccxt method {payload.func[:64]!r} may not be called on this account"
            return Refused(code="ccxt_method_not_allowed", message=message)
        trade = read_trade(payload.func, payload.args, payload.kwargs)
        key_id = command.actor.api_key_id
        if isinstance(trade, CloseRequest):
            return _refuse_closing(state, trade, key_id)
        if not isinstance(trade, CreateOrders | EditOrders):
            return self._refuse_unparsed(state, payload, trade, key_id)
        orders: Sequence[CreateRequest | EditRequest] = trade.orders
        for number, order in enumerate(orders):
            limit_key = call_order_key(command.id, number)
            repeated = await self._repeated(state, command, order, entries, now)
            refused = await self._refuse_entry(
                state, order, key_id, limit_key, entries, now, repeated
            )
            if refused is not None:
                return refused
        return None

    async def _repeated(
        self,
        state: AccountState,
        command: Command,
        request: CreateRequest | EditRequest,
        entries: Sequence[Entry],
        now: datetime,
    ) -> RepeatedOrder | None:
        """Return the order that a new one repeats, of an earlier request or of this call."""
        if self.find_repeated is None or not isinstance(request, CreateRequest):
            return None
        return await self.find_repeated.of_call(state, command, request, entries, now)

    def _refuse_unparsed(
        self, state: AccountState, payload: CcxtCall, trade: TradeRequest | None, key_id: int
    ) -> Refused | None:
        """Check a method whose arguments are not parsed: only the account can be checked.

        Cancels always pass; what changes settings or moves money needs the live switches.
        """
        if payload.func in CANCEL_METHODS:
            return None
        if trade is not None or not may_open(payload.func):
            return refuse_live_disabled(state.account)
        refused = check_direct_order(_risk_context(state, "", key_id), opens=True)
        refused = refused or refuse_unvalued(state.policy)
        if (
            refused is None
            and self.notional_limits is not None
            and self.notional_limits.has_limits(key_id)
        ):
            return _refuse_unknown_notional()
        return refused

    async def _refuse_entry(
        self,
        state: AccountState,
        request: CreateRequest | EditRequest,
        key_id: int,
        limit_key: int,
        entries: list[Entry],
        now: datetime,
        repeated: RepeatedOrder | None,
    ) -> Refused | None:
        order = _find_edited_order(state, request) if isinstance(request, EditRequest) else None
        symbol = request.symbol or (None if order is None else order.symbol)
        if symbol is None or symbol not in state.exchange.instruments():
            # The exchange reports an unknown symbol itself, and may know one that is not listed.
            return refuse_live_disabled(state.account) or refuse_unvalued(state.policy)
        reduces = order is not None and order.reduce_only
        if isinstance(request, CreateRequest):
            reduces = _reduces(state, request)
        reduces = reduces and unjudged_param(request.params, is_exempt=True) is None
        context = _risk_context(state, symbol, key_id)
        context = evolve(context, closed_market=refuse_closed_market(state, symbol, now))
        refused = check_direct_order(context, opens=not reduces)
        if refused is not None or reduces:
            return refused
        if state.policy is not None:
            refused = await _refuse_by_policy(
                state.policy, state, request, order, entries, now, repeated
            )
            if refused is not None:
                return refused
        if self.notional_limits is None or not self.notional_limits.has_limits(key_id):
            return None
        if unjudged_param(request.params, is_exempt=False) is not None:
            return _refuse_unknown_notional()
        opening = await _new_exposure(state, request, order, symbol, limit_key, now)
        return await self.notional_limits(state, key_id, opening, now)


async def _refuse_by_policy(
    policy: AccountPolicy,
    state: AccountState,
    request: CreateRequest | EditRequest,
    order: Order | None,
    entries: list[Entry],
    now: datetime,
    repeated: RepeatedOrder | None,
) -> Refused | None:
    if isinstance(request, CreateRequest):
        return await refuse_direct_order(policy, state, request, now, entries, repeated)
    if order is None:
        return refuse_unvalued(policy)
    return await refuse_direct_change(policy, state, request, order, now, entries)


async def _read(state: AccountState, payload: CcxtCall, now: datetime) -> CommandResult:
    try:
        value = await state.ccxt_calls.call(payload.func, payload.args, payload.kwargs, now)
    except (Invalid, Conflict) as error:
        return _failed_result(_as_refused(error))
    return CommandResult(status=CommandStatus.DONE, value=dumps(value))


async def _trade_async(state: AccountState, payload: CcxtCall, now: datetime) -> CommandResult:
    """Send a trade to an exchange that reports its orders later."""
    result = await state.ccxt_calls.trade(payload.func, payload.args, payload.kwargs, now)
    if result.refused is not None:
        return _failed_result(result.refused)
    return CommandResult(status=CommandStatus.DONE, value=dumps(result.value))


def take_finished_calls(state: AccountState) -> list[tuple[Command, CommandResult]]:
    """Take the finished calls with their results; an exception of a call is raised."""
    done = [call for call in state.pending_calls if call.task is not None and call.task.done()]
    state.pending_calls = [call for call in state.pending_calls if call not in done]
    return [(call.command, call.task.result()) for call in done if call.task is not None]


def abandoned_result(command: Command, payload: CcxtCall) -> CommandResult:
    """Return the result of a call whose worker stopped while it was in progress."""
    if payload.is_trade:
        message = "the exchange may have executed the call; query the exchange"
        refused = Refused(code="outcome_unknown", message=message, outcome="unknown")
    else:
        message = f"the worker stopped during the call of {payload.func[:64]!r}"
        refused = Refused(code="timeout", message=message)
    return _failed_result(refused)


def _order_ids_in(value: object) -> frozenset[str]:
    """Return the exchange's ids of the orders in a response."""
    rows = value if isinstance(value, list) else [value]
    return frozenset(str(row["id"]) for row in rows if isinstance(row, dict) and row.get("id"))


def _reduces(state: AccountState, request: CreateRequest) -> bool:
    """Return whether an order can only reduce, by the positions of the ledger."""
    if not request.reduce_only or request.amount is None:
        return False
    opposite = (
        p.qty.copy_abs() for p in state.positions_in(request.symbol) if p.side != request.side
    )
    return request.amount <= reduce(add, opposite, ZERO)


async def _new_exposure(
    state: AccountState,
    request: CreateRequest | EditRequest,
    order: Order | None,
    symbol: str,
    limit_key: int,
    now: datetime,
) -> NewExposure:
    """Return the quantity and expected price that count against the notional limits."""
    price = request.price
    qty = request.amount
    if order is not None:
        price = price or order.price or order.trigger_price
        qty = qty or order.qty
    if price is None:
        quote = await state.exchange.fetch_quote(symbol, now)
        price = None if quote is None else quote.ask
    if qty is None and isinstance(request, CreateRequest) and request.cost is not None and price:
        qty = EXACT.divide(request.cost, price)
    if qty is None:
        price = None  # The notional value is not known.
    return NewExposure(command_id=limit_key, symbol=symbol, qty=qty or ZERO, price=price)


def _refuse_closing(state: AccountState, request: CloseRequest, key_id: int) -> Refused | None:
    symbols = [request.symbol] if request.symbol is not None else _held_symbols(state)
    for symbol in symbols:
        if symbol in state.exchange.instruments():
            refused = check_direct_order(_risk_context(state, symbol, key_id), opens=False)
            name = unjudged_param(request.params, is_exempt=True)
            if refused is None and name is not None:
                refused = check_direct_order(_risk_context(state, symbol, key_id), opens=True)
                refused = refused or refuse_unvalued(state.policy, request.params)
            if refused is not None:
                return refused
    return None


def _refuse_unknown_notional() -> Refused:
    message = "the notional value of the order is not known"
    return Refused(code="risk_blocked", reason="key_order_notional", message=message)


def _held_symbols(state: AccountState) -> Sequence[str]:
    return sorted({position.symbol for position in state.positions.values()})


def _find_edited_order(state: AccountState, request: EditRequest) -> Order | None:
    """Return the order with the request's exchange order id."""
    for order in state.orders.values():
        if order.exchange_order_id == request.name and request.symbol in (None, order.symbol):
            return order
    return None


def _risk_context(state: AccountState, symbol: str, key_id: int) -> RiskContext:
    instruments = state.exchange.instruments()
    return RiskContext(
        account=state.account,
        instrument=instruments.get(symbol) or next(iter(instruments.values())),
        positions=(),
        orders=(),
        strategy_ids=state.strategy_ids,
        kill_switch=state.kill_switch_for(symbol, 0, key_id),
        policy=state.policy,
    )


def _failed_result(refused: Refused) -> CommandResult:
    status = {"unknown": CommandStatus.UNKNOWN, "rejected": CommandStatus.FAILED}
    return CommandResult(status=status.get(refused.outcome, CommandStatus.REFUSED), error=refused)


def _as_refused(error: OmsError) -> Refused:
    return Refused(code=error.code, message=error.message, reason=error.reason)
