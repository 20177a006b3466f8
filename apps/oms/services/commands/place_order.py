"""Place an order: a send or a close becomes an approved order, an order row, and the exchange's
answer.

A refused request still leaves an order row, REJECTED by this system, so that a strategy finds all
its orders in one place. The exceptions are requests that cannot be an order: a client order id that
is taken, or a position that does not exist.
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
from oms.domain.orders.order_risk import OrderRisk
from oms.domain.orders.order_validation import valuation_price
from oms.domain.protection.position_levels import requested_levels
from oms.domain.risk.admission import (
    ApprovedOrder,
)
from oms.domain.risk.judgement import Judgement, order_risk
from oms.domain.risk.raw_params import unjudged_param
from oms.domain.value import constructor, evolve
from oms.ports.ids import IdBlocks
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.state import AccountState
from oms.services.commands.admission_events import admission_events
from oms.services.commands.close_switch import kill_switch_of_close
from oms.services.commands.notional_limits import NewExposure, NotionalLimits
from oms.services.ledger.record import Changes, RecordReports
from oms.services.risk.admit_order import (
    admit_closing,
    admit_request,
    refuse_delisted,
    rounded_request,
)
from oms.services.risk.market_session import defer_to_open
from oms.services.risk.repeated_order import FindRepeatedOrder

_make_order = constructor(Order)
_make_result = constructor(CommandResult)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """Turns a ``SendOrder`` or ``ClosePosition`` into an order at the exchange."""

    ledger: LedgerStore
    record: RecordReports
    ids: IdBlocks
    #: Generates a client order id where the caller gave none.
    new_client_order_id: Callable[[], str]
    #: Notional limits of API keys; ``None`` if there are none.
    notional_limits: NotionalLimits | None = None
    #: Finds what an order repeats, for limits on that.
    find_repeated: FindRepeatedOrder | None = None

    async def __call__(
        self, state: AccountState, command: Command, changes: Changes, now: datetime
    ) -> CommandResult:
        """Place the order; the order, its fills and the result's order id are recorded."""
        requested = command.payload
        assert isinstance(requested, (SendOrder, ClosePosition))
        fingerprint = request_fingerprint(state.account.id, requested)
        payload = rounded_request(state, requested, now)
        if payload is not requested:
            command = evolve(command, payload=payload)
        if payload.client_order_id is not None:
            duplicate = await self.find_duplicate(state, payload.client_order_id, fingerprint)
            if duplicate is not None:
                return duplicate
        judgement = None if state.policy is None else Judgement()
        if isinstance(payload, SendOrder):
            if judgement is not None and self.find_repeated is not None:
                assert isinstance(requested, SendOrder)
                judgement.repeated = await self.find_repeated(state, command, requested, now)
            approved = await admit_request(state, payload, command.actor.api_key_id, now, judgement)
            notional_limits = self.notional_limits
            if notional_limits is not None and notional_limits.has_limits(command.actor.api_key_id):
                approved = await within_notional_limits(
                    notional_limits, state, command, payload, approved, now
                )
        else:
            position = state.positions.get(payload.position_id)
            if position is None:
                refused = await refuse_missing_position(self.ledger, state, payload.position_id)
                return CommandResult.refused(refused)
            delisted = refuse_delisted(state, position.symbol)
            if delisted is not None:
                return CommandResult.refused(delisted)
            instrument = state.exchange.instruments()[position.symbol]
            if payload.qty is None and position.qty.copy_abs() < instrument.step:
                return await self._write_off_dust(
                    state, command, position, payload.reason, changes, now
                )
            strategy_id = payload.strategy_id or position.strategy_id
            kill_switch = kill_switch_of_close(state, command, position.symbol, strategy_id)
            approved = admit_closing(state, payload, position, kill_switch, now)
        if state.account.paper.stocks:
            deferred = await defer_to_open(state, self.ids, command, requested, approved, now)
            if deferred is not None:
                return deferred
        risk = None
        if judgement is not None or isinstance(approved, Refused) or approved.cut_by is not None:
            risk = order_risk(state.policy, approved, judgement)
        order = await self.new_order(state, command, approved, requested, fingerprint, now, risk)
        changes.orders[order.id] = order
        changes.events.extend(admission_events(order, command, approved))
        if isinstance(approved, Refused):
            reports = [refusal_report(order, approved, now)]
        else:
            reports = list(await state.exchange.place(order, now))
        await self.record(state, reports, changes)
        return place_result(changes.orders[order.id], approved)

    async def find_duplicate(
        self, state: AccountState, client_order_id: str, fingerprint: str
    ) -> CommandResult | None:
        """Return the result of the order that already has this client order id."""
        candidates = [*state.uncommitted_orders(), *state.orders.values()]
        existing = next(
            (order for order in candidates if order.client_order_id == client_order_id), None
        )
        if existing is None:
            key = (state.account.id, client_order_id)
            existing = (await self.ledger.orders_by_client_id([key])).get(key)
        if existing is None:
            return None
        if existing.fingerprint != fingerprint:
            message = (
                f"client_order_id {client_order_id!r} is taken by another order, {existing.id}"
            )
            refused = Refused(
                code="idempotency_mismatch", reason="client_order_id", message=message
            )
            return CommandResult.refused(refused)
        is_rejected = existing.state is OrderState.REJECTED
        return CommandResult(
            status=CommandStatus.REFUSED if is_rejected else CommandStatus.DONE,
            error=_error_of(existing) if is_rejected else None,
            order_id=existing.id,
            client_order_id=client_order_id,
            replayed=True,
        )

    async def _write_off_dust(
        self,
        state: AccountState,
        command: Command,
        position: Position,
        reason: str,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """Write off a position that is too small to be closed by an order."""
        await self.ids.ensure("deal", 1)
        entry = write_off_dust(
            position,
            state.exchange.instruments()[position.symbol],
            self.ids,
            name=f"command:{command.id}:{position.id}",
            reason=reason,
            executed_at=now,
            received_at=now,
        )
        self.record.stage(state, entry, changes)
        return CommandResult(
            status=CommandStatus.DONE,
            position_ids=(position.id,),
            deal_ids=tuple(deal.id for deal in entry.deals),
        )

    async def new_order(
        self,
        state: AccountState,
        command: Command,
        approved: ApprovedOrder | Refused,
        requested: SendOrder | ClosePosition,
        fingerprint: str,
        now: datetime,
        risk: OrderRisk | None = None,
    ) -> Order:
        payload = command.payload
        assert isinstance(payload, (SendOrder, ClosePosition))
        sent = payload if isinstance(payload, SendOrder) else None
        quote = None
        if isinstance(approved, Refused):
            approved = as_requested(state, payload)
        else:
            quote = state.admission_quote
        await self.ids.ensure("order", 1)
        order = _make_order(
            id=self.ids("order"),
            account_id=state.account.id,
            command_id=command.id,
            symbol=approved.symbol,
            side=approved.side,
            order_type=approved.order_type,
            qty=approved.qty,
            price=approved.price,
            strategy_id=approved.strategy_id,
            position_id=approved.position_id,
            reason=payload.reason,
            comment=payload.comment,
            client_order_id=payload.client_order_id or self.new_client_order_id(),
            stop_loss=None if sent is None else sent.stop_loss,
            stop_gain=None if sent is None else sent.stop_gain,
            levels=None if sent is None else requested_levels(sent),
            reduce_only=approved.reduce_only,
            post_only=approved.post_only,
            new_position=sent is not None and sent.new_position,
            time_in_force=payload.time_in_force,
            trigger_price=payload.trigger_price,
            trailing_amount=payload.trailing_amount,
            trailing_percent=payload.trailing_percent,
            requested_qty=requested.qty,
            requested_price=requested.price,
            expires_at=None if sent is None else sent.expires_at,
            ticket_id=approved.position_id,
            group_id=_group_of(payload),
            signal_id=payload.signal_id,
            source_id=payload.source_id,
            bot_id=payload.bot_id,
            params=payload.params,
            arrival_price=None if quote is None else quote.mid,
            risk=risk,
            fingerprint=fingerprint,
            created_at=now,
            updated_at=now,
        )
        state.put_order(order, is_new=True)
        return order


async def refuse_missing_position(
    ledger: LedgerStore, state: AccountState, position_id: int
) -> Refused:
    """Return the refusal for a position that is not open. Raises ``Unavailable``."""
    stored = await ledger.position(state.account.id, position_id)
    status = "not in this account" if stored is None else "already closed"
    return Refused(code="position_not_found", message=f"position {position_id} is {status}")


def _group_of(payload: SendOrder | ClosePosition) -> int | None:
    """Return the position whose level the order stands for."""
    stands_for_level = isinstance(payload, ClosePosition) and payload.for_level
    return payload.position_id if stands_for_level else None


async def within_notional_limits(
    notional_limits: NotionalLimits,
    state: AccountState,
    command: Command,
    payload: SendOrder,
    approved: ApprovedOrder | Refused,
    now: datetime,
) -> ApprovedOrder | Refused:
    """Return the approved order, or why it exceeds a notional limit of the key."""
    if isinstance(approved, Refused) or approved.reduce_only:
        return approved
    if state.account.engine is not Engine.PAPER and unjudged_param(payload.params, is_exempt=False):
        message = "the notional value of the order is not known"
        return Refused(code="risk_blocked", reason="key_order_notional", message=message)
    quote = await state.exchange.fetch_quote(approved.symbol, now)
    opening = NewExposure(
        command_id=command.id,
        symbol=approved.symbol,
        qty=approved.qty,
        price=valuation_price(payload, None if quote is None else quote.ask),
    )
    return await notional_limits(state, command.actor.api_key_id, opening, now) or approved


def as_requested(state: AccountState, payload: SendOrder | ClosePosition) -> ApprovedOrder:
    """Return the content of a refused request, for its REJECTED row."""
    if isinstance(payload, SendOrder):
        return ApprovedOrder(
            symbol=payload.symbol,
            side=payload.side,
            order_type=payload.order_type,
            qty=payload.qty,
            price=payload.price,
            strategy_id=payload.strategy_id,
            position_id=payload.position_id,
            reduce_only=payload.reduce_only,
            post_only=payload.post_only,
        )
    position = state.positions[payload.position_id]
    return ApprovedOrder(
        symbol=position.symbol,
        side=Side.SELL if position.qty > 0 else Side.BUY,
        order_type=payload.order_type,
        qty=position.qty.copy_abs() if payload.qty is None else payload.qty,
        price=payload.price,
        strategy_id=payload.strategy_id or position.strategy_id,
        position_id=position.id,
        reduce_only=True,
        post_only=payload.post_only,
    )


def refusal_report(order: Order, refused: Refused, now: datetime) -> ExecutionReport:
    """Return the report that makes the order REJECTED by the gateway."""
    return ExecutionReport(
        kind=ReportKind.REFUSED,
        order_id=order.id,
        source=ReportSource.OPERATOR,
        received_at=now,
        code=refused.code,
        message=refused.message,
    )


def place_result(order: Order, approved: ApprovedOrder | Refused) -> CommandResult:
    """Return the command's result, by the state of the order after the answer."""
    client_order_id = order.client_order_id
    if isinstance(approved, Refused):
        return CommandResult(
            status=CommandStatus.REFUSED,
            error=approved,
            order_id=order.id,
            client_order_id=client_order_id,
        )
    if order.state is OrderState.REJECTED:
        return CommandResult(
            status=CommandStatus.FAILED,
            error=_error_of(order),
            order_id=order.id,
            client_order_id=client_order_id,
        )
    status = CommandStatus.UNKNOWN if order.state is OrderState.UNKNOWN else CommandStatus.DONE
    return _make_result(status=status, order_id=order.id, client_order_id=client_order_id)


def _error_of(order: Order) -> Refused:
    """Return the error of a REJECTED order."""
    code = order.reject_code or "exchange_rejected"
    is_by_exchange = order.reject_source == "exchange"
    return Refused(
        code=code,
        message=order.reject_message or code,
        outcome="rejected" if is_by_exchange else "not_sent",
    )


def request_fingerprint(account_id: int, payload: SendOrder | ClosePosition) -> str:
    """Return the SHA-256 of the fields that make two requests the same order."""
    qty = "" if payload.qty is None else decimal_text(payload.qty)
    price = "" if payload.price is None else decimal_text(payload.price)
    trigger = "" if payload.trigger_price is None else decimal_text(payload.trigger_price)
    text = f"{account_id}|{payload.order_type}|{qty}|{price}|{trigger}|{payload.strategy_id}"
    if isinstance(payload, SendOrder):
        text += f"|send|{payload.position_id}|{payload.side}"
        text += f"|{payload.reduce_only}|{payload.symbol}"
    else:
        text += f"|close|{payload.position_id}"
        text += "" if payload.qty_pct is None else f"|{decimal_text(payload.qty_pct)}"
    return hashlib.sha256(text.encode()).hexdigest()
