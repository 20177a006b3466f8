"""Calls of the ccxt gateway, carried out by the account's worker.

A read is asked and answered, nothing else. A trade is judged as any opening is, goes straight to
the exchange and comes back as what the exchange says of it: orders of nobody, until reassigned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial, reduce

from oms.domain.ccxt_methods import ENTRIES, MethodClass, class_of
from oms.domain.command import CcxtCall, Command, CommandResult, CommandStatus
from oms.domain.errors import Conflict, Invalid, OmsError, Refused
from oms.domain.money import EXACT, ZERO, total
from oms.domain.order import Order
from oms.domain.risk import Desk, admit_past
from oms.ports.key_usage import call_order
from oms.services.caps import Caps, Opening
from oms.services.home import Calling, Home
from oms.services.record import Changes, Record
from oms.wire.ccxt_orders import Close, Create, Creates, Edit, Edits, Trade
from oms.wire.ccxt_trades import read_trade
from oms.wire.json import dumps


@dataclass(frozen=True, slots=True, kw_only=True)
class CcxtCalls:
    """Carries calls out."""

    record: Record
    #: The caps of keys; ``None``: nobody has any.
    caps: Caps | None = None

    async def __call__(
        self, home: Home, command: Command, wish: CcxtCall, changes: Changes, now: datetime
    ) -> CommandResult:
        """What the exchange answers, or why it was not asked."""
        later = home.exchange.answers_later()
        if not wish.is_trade and not later:
            return await _read(home, wish, now)
        try:
            denied = await self._refuse(home, command, wish, now) if wish.is_trade else None
        except (Invalid, Conflict) as wrong:
            return _ended(_as_refused(wrong))
        if denied is not None:
            return _ended(denied)
        if not later:
            return await self._trade(home, wish, changes, now)
        make = partial(_traded if wish.is_trade else _read, home, wish, now)
        home.calls.append(Calling(command=command, make=make))
        return CommandResult(status=CommandStatus.RUNNING)

    async def _trade(
        self, home: Home, wish: CcxtCall, changes: Changes, now: datetime
    ) -> CommandResult:
        traded = await home.exchange.trade(wish.func, wish.args, wish.kwargs, now)
        await self.record(home, traded.reports, changes)
        if traded.refused is not None:
            return _ended(traded.refused)
        names = _names(traded.value)
        mine = (o.id for o in changes.orders.values() if o.exchange_order_id in names)
        value = dumps(traded.value)
        return CommandResult(status=CommandStatus.DONE, value=value, order_ids=tuple(sorted(mine)))

    async def _refuse(
        self, home: Home, command: Command, wish: CcxtCall, now: datetime
    ) -> Refused | None:
        """Why the call may not be made. Raises ``Invalid``."""
        if class_of(wish.func) is MethodClass.NEVER and wish.func not in home.account.ccxt_allow:
            message = f"the ccxt method {wish.func[:64]!r} may not be called on this account"
            return Refused(code="ccxt_method_not_allowed", message=message)
        trade = read_trade(wish.func, wish.args, wish.kwargs)
        key_id = command.actor.api_key_id
        if isinstance(trade, Close):
            return _refuse_closing(home, trade, key_id)
        if not isinstance(trade, Creates | Edits):
            return self._refuse_unread(home, wish, trade, key_id)
        orders: Sequence[Create | Edit] = trade.orders
        for number, order in enumerate(orders):
            name = call_order(command.id, number)
            denied = await self._refuse_entry(home, order, key_id, name, now)
            if denied is not None:
                return denied
        return None

    def _refuse_unread(
        self, home: Home, wish: CcxtCall, trade: Trade | None, key_id: int
    ) -> Refused | None:
        """Of an entry whose form nobody knows here, nothing can be judged but the account."""
        if trade is not None or wish.func not in ENTRIES:
            return None
        refused = admit_past(_desk(home, "", key_id), opens=True)
        if refused is None and self.caps is not None and self.caps.hold(key_id):
            message = "the worth of the order is not known"
            return Refused(code="risk_blocked", reason="key_order_notional", message=message)
        return refused

    async def _refuse_entry(
        self, home: Home, wish: Create | Edit, key_id: int, name: int, now: datetime
    ) -> Refused | None:
        order = _named(home, wish) if isinstance(wish, Edit) else None
        symbol = wish.symbol or (None if order is None else order.symbol)
        if symbol is None or symbol not in home.exchange.instruments():
            return None  # the exchange says so itself
        reduces = order is not None and order.reduce_only
        if isinstance(wish, Create):
            reduces = _reduces(home, wish)
        refused = admit_past(_desk(home, symbol, key_id), opens=not reduces)
        if refused is not None or reduces:
            return refused
        if self.caps is None or not self.caps.hold(key_id):
            return None
        opening = _opening(home, wish, order, symbol, name, now)
        return await self.caps(home, key_id, opening, now)


async def _read(home: Home, wish: CcxtCall, now: datetime) -> CommandResult:
    try:
        value = await home.exchange.call(wish.func, wish.args, wish.kwargs, now)
    except (Invalid, Conflict) as wrong:
        return _ended(_as_refused(wrong))
    return CommandResult(status=CommandStatus.DONE, value=dumps(value))


async def _traded(home: Home, wish: CcxtCall, now: datetime) -> CommandResult:
    """A trade at an exchange that tells of its orders later."""
    traded = await home.exchange.trade(wish.func, wish.args, wish.kwargs, now)
    if traded.refused is not None:
        return _ended(traded.refused)
    return CommandResult(status=CommandStatus.DONE, value=dumps(traded.value))


def ended_calls(home: Home) -> list[tuple[Command, CommandResult]]:
    """Calls that were made, with what came of them; a failure of ours is one of theirs."""
    done = [call for call in home.calls if call.task is not None and call.task.done()]
    home.calls = [call for call in home.calls if call not in done]
    return [(call.command, call.task.result()) for call in done if call.task is not None]


def abandoned(command: Command, wish: CcxtCall) -> CommandResult:
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


def _reduces(home: Home, wish: Create) -> bool:
    """Whether an order that says so can only reduce: by what the ledger holds, not by its word."""
    if not wish.reduce_only or wish.amount is None:
        return False
    opposite = (p.qty.copy_abs() for p in home.positions_in(wish.symbol) if p.side != wish.side)
    return wish.amount <= reduce(total, opposite, ZERO)


def _opening(
    home: Home, wish: Create | Edit, order: Order | None, symbol: str, name: int, now: datetime
) -> Opening:
    """What is judged by the caps: quantity and the price it is expected to have."""
    price = wish.price
    qty = wish.amount
    if order is not None:
        price = price or order.price or order.trigger_price
        qty = qty or order.qty
    if price is None:
        quote = home.exchange.quote(symbol, now)
        price = None if quote is None else quote.ask
    if qty is None and isinstance(wish, Create) and wish.cost is not None and price:
        qty = EXACT.divide(wish.cost, price)
    if qty is None:
        price = None  # nothing is known of its worth
    return Opening(command_id=name, symbol=symbol, qty=qty or ZERO, price=price)


def _refuse_closing(home: Home, wish: Close, key_id: int) -> Refused | None:
    symbols = [wish.symbol] if wish.symbol is not None else _held(home)
    for symbol in symbols:
        if symbol in home.exchange.instruments():
            refused = admit_past(_desk(home, symbol, key_id), opens=False)
            if refused is not None:
                return refused
    return None


def _held(home: Home) -> Sequence[str]:
    return sorted({position.symbol for position in home.positions.values()})


def _named(home: Home, wish: Edit) -> Order | None:
    """The ledger's row of an order that the exchange calls so."""
    for order in home.orders.values():
        if order.exchange_order_id == wish.name and wish.symbol in (None, order.symbol):
            return order
    return None


def _desk(home: Home, symbol: str, key_id: int) -> Desk:
    instruments = home.exchange.instruments()
    return Desk(
        account=home.account,
        instrument=instruments.get(symbol) or next(iter(instruments.values())),
        positions=(),
        orders=(),
        strategy_ids=home.strategy_ids,
        killed=home.killed(symbol, 0, key_id),
    )


def _ended(why: Refused) -> CommandResult:
    status = {"unknown": CommandStatus.UNKNOWN, "rejected": CommandStatus.FAILED}
    return CommandResult(status=status.get(why.outcome, CommandStatus.REFUSED), error=why)


def _as_refused(wrong: OmsError) -> Refused:
    return Refused(code=wrong.code, message=wrong.message, reason=wrong.reason)
