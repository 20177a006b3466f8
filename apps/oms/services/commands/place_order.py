"""Place an order: a send or a close becomes terms, an order row, and the exchange's answer.

A wish that is refused here still leaves an order, REJECTED by us, so that every strategy finds
its intent in one place. The only exceptions are wishes that name no order at all: a client order
id that is taken, or a position that does not exist.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from oms.domain.account import Engine
from oms.domain.commands.command import (
    ClosePosition,
    Command,
    CommandResult,
    CommandStatus,
    SendOrder,
)
from oms.domain.errors import Refused
from oms.domain.ledger.dust import write_off_dust
from oms.domain.ledger.position import Position
from oms.domain.money import decimal_text
from oms.domain.orders.execution_report import ExecutionReport, ReportKind, ReportSource
from oms.domain.orders.order import Order, OrderState, Side
from oms.domain.orders.order_rounding import round_close_position, round_send_order
from oms.domain.orders.order_validation import valuation_price
from oms.domain.risk.admission import (
    ApprovedOrder,
    RiskContext,
    admit_close,
    admit_send,
    refuse_unknown_symbol,
)
from oms.domain.risk.kill_switch import KillSwitch
from oms.domain.value import constructor, evolve
from oms.ports.ids import IdBlocks
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.state import AccountState
from oms.services.commands.notional_limits import NewExposure, NotionalLimits
from oms.services.ledger.record import Changes, RecordReports

_make_order, _make_desk = constructor(Order), constructor(RiskContext)
_make_result = constructor(CommandResult)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """Turns a ``SendOrder`` or ``ClosePosition`` into an order at the exchange."""

    ledger: LedgerStore
    record: RecordReports
    ids: IdBlocks
    #: Makes a client order id where the caller gave none.
    new_client_order_id: Callable[[], str]
    #: The caps of keys; ``None``: nobody has any.
    notional_limits: NotionalLimits | None = None

    async def __call__(
        self, home: AccountState, command: Command, changes: Changes, now: datetime
    ) -> CommandResult:
        """Place it; the order, its fills and the result's order id are recorded."""
        wish = command.payload
        assert isinstance(wish, SendOrder | ClosePosition)
        fingerprint = _fingerprint(home.account.id, wish)
        if home.account.engine is not Engine.PAPER:
            wish = _on_grid(home, wish)
            command = evolve(command, payload=wish)
        if wish.client_order_id is not None:
            told = await self._told_before(home, wish.client_order_id, fingerprint)
            if told is not None:
                return told
        if isinstance(wish, SendOrder):
            terms = _judge_send(home, wish, command.actor.api_key_id, now)
            notional_limits = self.notional_limits
            if notional_limits is not None and notional_limits.has_limits(command.actor.api_key_id):
                terms = await _capped(notional_limits, home, command, wish, terms, now)
        else:
            position = home.positions.get(wish.position_id)
            if position is None:
                return await self._no_position(home, wish)
            instrument = home.exchange.instruments()[position.symbol]
            if wish.qty is None and position.qty.copy_abs() < instrument.step:
                return await self._sweep(home, command, position, changes, now)
            strategy_id = wish.strategy_id or position.strategy_id
            kill_switch = home.kill_switch(position.symbol, strategy_id, command.actor.api_key_id)
            terms = admit_close(wish, position, _desk(home, position.symbol, kill_switch, now))
        order = await self._new_order(home, command, terms, fingerprint, now)
        changes.orders[order.id] = order
        if isinstance(terms, Refused):
            reports = [_refusal(order, terms, now)]
        else:
            reports = list(await home.exchange.place(order, now))
        await self.record(home, reports, changes)
        return _result(changes.orders[order.id], terms)

    async def _told_before(
        self, home: AccountState, name: str, fingerprint: str
    ) -> CommandResult | None:
        """The result of the order that bears this client order id already."""
        drafted = [*home.uncommitted_orders(), *home.orders.values()]
        known = next((order for order in drafted if order.client_order_id == name), None)
        if known is None:
            key = (home.account.id, name)
            known = (await self.ledger.orders_by_client_id([key])).get(key)
        if known is None:
            return None
        if known.fingerprint != fingerprint:
            message = f"client_order_id {name!r} is taken by another order, {known.id}"
            why = Refused(code="idempotency_mismatch", reason="client_order_id", message=message)
            return CommandResult(status=CommandStatus.REFUSED, error=why)
        failed = known.state is OrderState.REJECTED
        return CommandResult(
            status=CommandStatus.REFUSED if failed else CommandStatus.DONE,
            error=_error_of(known) if failed else None,
            order_id=known.id,
            client_order_id=name,
            replayed=True,
        )

    async def _sweep(
        self,
        home: AccountState,
        command: Command,
        position: Position,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """End a position that no order can close."""
        await self.ids.ensure("deal", 1)
        entry = write_off_dust(
            position,
            home.exchange.instruments()[position.symbol],
            self.ids,
            name=f"command:{command.id}:{position.id}",
            reason="api",
            executed_at=now,
            received_at=now,
        )
        self.record.stage(home, entry, changes)
        return CommandResult(
            status=CommandStatus.DONE,
            position_ids=(position.id,),
            deal_ids=tuple(deal.id for deal in entry.deals),
        )

    async def _no_position(self, home: AccountState, wish: ClosePosition) -> CommandResult:
        stored = await self.ledger.position(home.account.id, wish.position_id)
        state = "not in this account" if stored is None else "already closed"
        message = f"position {wish.position_id} is {state}"
        why = Refused(code="position_not_found", message=message)
        return CommandResult(status=CommandStatus.REFUSED, error=why)

    async def _new_order(
        self,
        home: AccountState,
        command: Command,
        terms: ApprovedOrder | Refused,
        fingerprint: str,
        now: datetime,
    ) -> Order:
        wish = command.payload
        assert isinstance(wish, SendOrder | ClosePosition)
        if isinstance(terms, Refused):
            terms = _as_wished(home, wish)
        await self.ids.ensure("order", 1)
        order = _make_order(
            id=self.ids("order"),
            account_id=home.account.id,
            command_id=command.id,
            symbol=terms.symbol,
            side=terms.side,
            order_type=terms.order_type,
            qty=terms.qty,
            price=terms.price,
            strategy_id=terms.strategy_id,
            position_id=terms.position_id,
            reason=wish.reason,
            comment=wish.comment,
            client_order_id=wish.client_order_id or self.new_client_order_id(),
            stop_loss=wish.stop_loss if isinstance(wish, SendOrder) else None,
            stop_gain=wish.stop_gain if isinstance(wish, SendOrder) else None,
            reduce_only=terms.reduce_only,
            post_only=terms.post_only,
            new_position=isinstance(wish, SendOrder) and wish.new_position,
            time_in_force=wish.time_in_force,
            trigger_price=wish.trigger_price,
            trailing_amount=wish.trailing_amount,
            trailing_percent=wish.trailing_percent,
            expires_at=wish.expires_at if isinstance(wish, SendOrder) else None,
            ticket_id=terms.position_id,
            params=wish.params,
            fingerprint=fingerprint,
            created_at=now,
            updated_at=now,
        )
        home.put_order(order, is_new=True)
        return order


async def _capped(
    notional_limits: NotionalLimits,
    home: AccountState,
    command: Command,
    wish: SendOrder,
    terms: ApprovedOrder | Refused,
    now: datetime,
) -> ApprovedOrder | Refused:
    """The terms, or why the key may not open as much."""
    if isinstance(terms, Refused) or terms.reduce_only:
        return terms
    quote = home.exchange.quote(terms.symbol, now)
    opening = NewExposure(
        command_id=command.id,
        symbol=terms.symbol,
        qty=terms.qty,
        price=valuation_price(wish, None if quote is None else quote.ask),
    )
    return await notional_limits(home, command.actor.api_key_id, opening, now) or terms


def _on_grid(home: AccountState, wish: SendOrder | ClosePosition) -> SendOrder | ClosePosition:
    """The wish as a real exchange can take it."""
    known = home.exchange.instruments()
    if isinstance(wish, SendOrder):
        return round_send_order(wish, known[wish.symbol]) if wish.symbol in known else wish
    position = home.positions.get(wish.position_id)
    if position is None:
        return wish
    side = Side.SELL if position.qty > 0 else Side.BUY
    return round_close_position(wish, side, known[position.symbol])


def _judge_send(
    home: AccountState, wish: SendOrder, api_key_id: int, now: datetime
) -> ApprovedOrder | Refused:
    known = home.exchange.instruments()
    if wish.symbol not in known:
        return refuse_unknown_symbol(wish.symbol, known, home.account.exchange_id)
    kill_switch = home.kill_switch(wish.symbol, wish.strategy_id, api_key_id)
    return admit_send(wish, _desk(home, wish.symbol, kill_switch, now))


def _desk(
    home: AccountState, symbol: str, kill_switch: KillSwitch | None, now: datetime
) -> RiskContext:
    quote = home.exchange.quote(symbol, now)
    return _make_desk(
        account=home.account,
        instrument=home.exchange.instruments()[symbol],
        positions=home.positions_in(symbol),
        orders=home.orders_in(symbol),
        strategy_ids=home.strategy_ids,
        price=None if quote is None else quote.ask,
        kill_switch=kill_switch,
    )


def _as_wished(home: AccountState, wish: SendOrder | ClosePosition) -> ApprovedOrder:
    """The content of a refused wish, for its REJECTED row."""
    if isinstance(wish, SendOrder):
        return ApprovedOrder(
            symbol=wish.symbol,
            side=wish.side,
            order_type=wish.order_type,
            qty=wish.qty,
            price=wish.price,
            strategy_id=wish.strategy_id,
            position_id=wish.position_id,
            reduce_only=wish.reduce_only,
            post_only=wish.post_only,
        )
    position = home.positions[wish.position_id]
    return ApprovedOrder(
        symbol=position.symbol,
        side=Side.SELL if position.qty > 0 else Side.BUY,
        order_type=wish.order_type,
        qty=wish.qty or position.qty.copy_abs(),
        price=wish.price,
        strategy_id=wish.strategy_id or position.strategy_id,
        position_id=position.id,
        reduce_only=True,
        post_only=wish.post_only,
    )


def _refusal(order: Order, why: Refused, now: datetime) -> ExecutionReport:
    return ExecutionReport(
        kind=ReportKind.REFUSED,
        order_id=order.id,
        source=ReportSource.OPERATOR,
        received_at=now,
        code=why.code,
        message=why.message,
    )


def _result(order: Order, terms: ApprovedOrder | Refused) -> CommandResult:
    """What the command comes to, by the order's state after the answer."""
    name = order.client_order_id
    if isinstance(terms, Refused):
        return CommandResult(
            status=CommandStatus.REFUSED, error=terms, order_id=order.id, client_order_id=name
        )
    if order.state is OrderState.REJECTED:
        return CommandResult(
            status=CommandStatus.FAILED,
            error=_error_of(order),
            order_id=order.id,
            client_order_id=name,
        )
    status = CommandStatus.UNKNOWN if order.state is OrderState.UNKNOWN else CommandStatus.DONE
    return _make_result(status=status, order_id=order.id, client_order_id=name)


def _error_of(order: Order) -> Refused:
    """The error a REJECTED order stands for."""
    code = order.reject_code or "exchange_rejected"
    by_exchange = order.reject_source == "exchange"
    return Refused(
        code=code,
        message=order.reject_message or code,
        outcome="rejected" if by_exchange else "not_sent",
    )


def _fingerprint(account_id: int, wish: SendOrder | ClosePosition) -> str:
    """SHA-256 of what makes two orders the same wish."""
    qty = "" if wish.qty is None else decimal_text(wish.qty)
    price = "" if wish.price is None else decimal_text(wish.price)
    trigger = "" if wish.trigger_price is None else decimal_text(wish.trigger_price)
    text = f"{account_id}|{wish.order_type}|{qty}|{price}|{trigger}|{wish.strategy_id}"
    if isinstance(wish, SendOrder):
        text += f"|send|{wish.position_id}|{wish.side.value}|{wish.reduce_only}|{wish.symbol}"
    else:
        text += f"|close|{wish.position_id}"
    return hashlib.sha256(text.encode()).hexdigest()
