"""Calls of the ccxt gateway, carried out by the account's worker.

A read is asked and answered, nothing else. A trade is judged as any opening is, goes straight to
the exchange and comes back as what the exchange says of it: orders of nobody, until reassigned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial, reduce

from oms.domain.ccxt_methods import ENTRY_METHODS, MethodClass, method_class_of
from oms.domain.commands.command import CcxtCall, Command, CommandResult, CommandStatus
from oms.domain.errors import Conflict, Invalid, OmsError, Refused
from oms.domain.money import EXACT, ZERO, add
from oms.domain.orders.order import Order
from oms.domain.risk.admission import RiskContext, check_direct_order
from oms.ports.key_usage import call_order_key
from oms.services.account_state.state import AccountState, PendingCall
from oms.services.commands.notional_limits import NewExposure, NotionalLimits
from oms.services.ledger.record import Changes, RecordReports
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
    """Carries calls out."""

    record: RecordReports
    #: The caps of keys; ``None``: nobody has any.
    notional_limits: NotionalLimits | None = None

    async def __call__(
        self, state: AccountState, command: Command, wish: CcxtCall, changes: Changes, now: datetime
    ) -> CommandResult:
        """What the exchange answers, or why it was not asked."""
        later = state.exchange.sends_after_commit()
        if not wish.is_trade and not later:
            return await _read(state, wish, now)
        try:
            denied = await self._refuse(state, command, wish, now) if wish.is_trade else None
        except (Invalid, Conflict) as wrong:
            return _ended(_as_refused(wrong))
        if denied is not None:
            return _ended(denied)
        if not later:
            return await self._trade(state, wish, changes, now)
        make = partial(_traded if wish.is_trade else _read, state, wish, now)
        state.pending_calls.append(PendingCall(command=command, make=make))
        return CommandResult(status=CommandStatus.RUNNING)

    async def _trade(
        self, state: AccountState, wish: CcxtCall, changes: Changes, now: datetime
    ) -> CommandResult:
        traded = await state.exchange.trade(wish.func, wish.args, wish.kwargs, now)
        await self.record(state, traded.reports, changes)
        if traded.refused is not None:
            return _ended(traded.refused)
        names = _names(traded.value)
        mine = (o.id for o in changes.orders.values() if o.exchange_order_id in names)
        value = dumps(traded.value)
        return CommandResult(status=CommandStatus.DONE, value=value, order_ids=tuple(sorted(mine)))

    async def _refuse(
        self, state: AccountState, command: Command, wish: CcxtCall, now: datetime
    ) -> Refused | None:
        """Why the call may not be made. Raises ``Invalid``."""
        if (
            method_class_of(wish.func) is MethodClass.NEVER
            and wish.func not in state.account.ccxt_allow
        ):
            message = f"the ccxt method {wish.func[:64]!r} may not be called on this account"
            return Refused(code="ccxt_method_not_allowed", message=message)
        trade = read_trade(wish.func, wish.args, wish.kwargs)
        key_id = command.actor.api_key_id
        if isinstance(trade, CloseRequest):
            return _refuse_closing(state, trade, key_id)
        if not isinstance(trade, CreateOrders | EditOrders):
            return self._refuse_unread(state, wish, trade, key_id)
        orders: Sequence[CreateRequest | EditRequest] = trade.orders
        for number, order in enumerate(orders):
            name = call_order_key(command.id, number)
            denied = await self._refuse_entry(state, order, key_id, name, now)
            if denied is not None:
                return denied
        return None

    def _refuse_unread(
        self, state: AccountState, wish: CcxtCall, trade: TradeRequest | None, key_id: int
    ) -> Refused | None:
        """Of an entry whose form nobody knows here, nothing can be judged but the account."""
        if trade is not None or wish.func not in ENTRY_METHODS:
            return None
        refused = check_direct_order(_desk(state, "", key_id), opens=True)
        if (
            refused is None
            and self.notional_limits is not None
            and self.notional_limits.has_limits(key_id)
        ):
            message = "the worth of the order is not known"
            return Refused(code="risk_blocked", reason="key_order_notional", message=message)
        return refused

    async def _refuse_entry(
        self,
        state: AccountState,
        wish: CreateRequest | EditRequest,
        key_id: int,
        name: int,
        now: datetime,
    ) -> Refused | None:
        order = _named(state, wish) if isinstance(wish, EditRequest) else None
        symbol = wish.symbol or (None if order is None else order.symbol)
        if symbol is None or symbol not in state.exchange.instruments():
            return None  # the exchange says so itself
        reduces = order is not None and order.reduce_only
        if isinstance(wish, CreateRequest):
            reduces = _reduces(state, wish)
        refused = check_direct_order(_desk(state, symbol, key_id), opens=not reduces)
        if refused is not None or reduces:
            return refused
        if self.notional_limits is None or not self.notional_limits.has_limits(key_id):
            return None
        opening = _opening(state, wish, order, symbol, name, now)
        return await self.notional_limits(state, key_id, opening, now)


async def _read(state: AccountState, wish: CcxtCall, now: datetime) -> CommandResult:
    try:
        value = await state.exchange.call(wish.func, wish.args, wish.kwargs, now)
    except (Invalid, Conflict) as wrong:
        return _ended(_as_refused(wrong))
    return CommandResult(status=CommandStatus.DONE, value=dumps(value))


async def _traded(state: AccountState, wish: CcxtCall, now: datetime) -> CommandResult:
    """A trade at an exchange that tells of its orders later."""
    traded = await state.exchange.trade(wish.func, wish.args, wish.kwargs, now)
    if traded.refused is not None:
        return _ended(traded.refused)
    return CommandResult(status=CommandStatus.DONE, value=dumps(traded.value))


def take_finished_calls(state: AccountState) -> list[tuple[Command, CommandResult]]:
    """Calls that were made, with what came of them; a failure of ours is one of theirs."""
    done = [call for call in state.pending_calls if call.task is not None and call.task.done()]
    state.pending_calls = [call for call in state.pending_calls if call not in done]
    return [(call.command, call.task.result()) for call in done if call.task is not None]


def abandoned_result(command: Command, wish: CcxtCall) -> CommandResult:
    """What is known of a call whose home ended while it was being made."""
    if wish.is_trade:
        message = "the exchange may have carried out the call; ask it"
        why = Refused(code="outcome_unknown", message=message, outcome="unknown")
    else:
        message = f"the worker ended while it asked for {wish.func[:64]!r}"
        why = Refused(code="timeout", message=message)
    return _ended(why)


def _names(value: object) -> frozenset[str]:
    """The exchange's ids of the orders that an answer tells of."""
    told = value if isinstance(value, list) else [value]
    return frozenset(str(one["id"]) for one in told if isinstance(one, dict) and one.get("id"))


def _reduces(state: AccountState, wish: CreateRequest) -> bool:
    """Whether an order that says so can only reduce: by what the ledger holds, not by its word."""
    if not wish.reduce_only or wish.amount is None:
        return False
    opposite = (p.qty.copy_abs() for p in state.positions_in(wish.symbol) if p.side != wish.side)
    return wish.amount <= reduce(add, opposite, ZERO)


def _opening(
    state: AccountState,
    wish: CreateRequest | EditRequest,
    order: Order | None,
    symbol: str,
    name: int,
    now: datetime,
) -> NewExposure:
    """What is judged by the caps: quantity and the price it is expected to have."""
    price = wish.price
    qty = wish.amount
    if order is not None:
        price = price or order.price or order.trigger_price
        qty = qty or order.qty
    if price is None:
        quote = state.exchange.quote(symbol, now)
        price = None if quote is None else quote.ask
    if qty is None and isinstance(wish, CreateRequest) and wish.cost is not None and price:
        qty = EXACT.divide(wish.cost, price)
    if qty is None:
        price = None  # nothing is known of its worth
    return NewExposure(command_id=name, symbol=symbol, qty=qty or ZERO, price=price)


def _refuse_closing(state: AccountState, wish: CloseRequest, key_id: int) -> Refused | None:
    symbols = [wish.symbol] if wish.symbol is not None else _held(state)
    for symbol in symbols:
        if symbol in state.exchange.instruments():
            refused = check_direct_order(_desk(state, symbol, key_id), opens=False)
            if refused is not None:
                return refused
    return None


def _held(state: AccountState) -> Sequence[str]:
    return sorted({position.symbol for position in state.positions.values()})


def _named(state: AccountState, wish: EditRequest) -> Order | None:
    """The ledger's row of an order that the exchange calls so."""
    for order in state.orders.values():
        if order.exchange_order_id == wish.name and wish.symbol in (None, order.symbol):
            return order
    return None


def _desk(state: AccountState, symbol: str, key_id: int) -> RiskContext:
    instruments = state.exchange.instruments()
    return RiskContext(
        account=state.account,
        instrument=instruments.get(symbol) or next(iter(instruments.values())),
        positions=(),
        orders=(),
        strategy_ids=state.strategy_ids,
        kill_switch=state.kill_switch(symbol, 0, key_id),
    )


def _ended(why: Refused) -> CommandResult:
    status = {"unknown": CommandStatus.UNKNOWN, "rejected": CommandStatus.FAILED}
    return CommandResult(status=status.get(why.outcome, CommandStatus.REFUSED), error=why)


def _as_refused(wrong: OmsError) -> Refused:
    return Refused(code=wrong.code, message=wrong.message, reason=wrong.reason)
