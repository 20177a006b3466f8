"""Execution of signals: one after another per account, each expanded into its legs.

A leg is a system command, stored by the transaction that decides it together with the progress of
its signal; what a leg has done is noted by the transaction that executes it. So a crash between two
legs loses none and repeats none. A leg is checked like any other order. The stages are::

    queued -> canceling -> closing -> opening -> ended

A stage begins once everything of the one before has ended, with what the scope holds by then. A leg
that fails ends the signal.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from oms.domain.commands.command import (
    CancelOrder,
    ClosePosition,
    Command,
    CommandPayload,
    CommandResult,
    CommandStatus,
)
from oms.domain.errors import Refused, Unavailable
from oms.domain.orders.order import Order, OrderState, Side
from oms.domain.signals.plan import (
    EXPIRED_IN_QUEUE,
    MIN_ORDER_QTY,
    SIZE_REACHED,
    Reduction,
    SignalPlan,
    cancels_entries,
    plan_signal,
)
from oms.domain.signals.signal import ExecuteSignal, SignalAction, SignalOutcome
from oms.domain.signals.sizing import message_quantity, needs_equity
from oms.ports.ids import IdBlocks
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.follow_ups import add_follow_up
from oms.services.account_state.pending import PendingSignal, SignalStage
from oms.services.account_state.state import AccountState
from oms.services.ledger.record import Changes
from oms.services.risk.admit_order import refuse_delisted
from oms.services.signals.opening_order import (
    BuildOpening,
    can_short,
    is_limit,
    market_price,
    order_reason,
)
from oms.services.signals.signal_legs import failure_of, is_settled, note_leg
from oms.services.signals.signal_outcomes import (
    done_outcome,
    failed_outcome,
    ignored_outcome,
    put_outcome,
    signal_event,
)
from oms.services.signals.signal_progress import put_progress, running_result
from oms.services.signals.signal_scope import holdings_of, orders_to_cancel

logger = logging.getLogger(__name__)

_BELOW_MINIMUM = (MIN_ORDER_QTY, "min_order_notional")
_INTERNAL_ERROR = Refused(
    code="internal_error", message="the signal met an internal error; see the log of the worker"
)

Ending = tuple[Command, CommandResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpandSignals:
    """Runs ``ExecuteSignal``."""

    ledger: LedgerStore
    ids: IdBlocks

    def start(self, state: AccountState, command: Command, changes: Changes) -> CommandResult:
        """Put the signal behind those of the account that were received before it."""
        pending = PendingSignal(command=command)
        state.pending_signals.append(pending)
        changes.events.append(signal_event(pending, None))
        return running_result(pending)

    def note(
        self, state: AccountState, command: Command, result: CommandResult, changes: Changes
    ) -> None:
        """Note what a leg has done, or that a signal ended before it began."""
        if not isinstance(command.payload, ExecuteSignal):
            note_leg(state, command, result)
        elif result.error is not None:
            pending = PendingSignal(command=command)
            failure = failure_of(pending, result.status, result.error)
            put_outcome(state, pending, failed_outcome(failure), result.error, changes)

    async def advance(self, state: AccountState, changes: Changes, now: datetime) -> list[Ending]:
        """Send the legs that are due. Returns the signals that end, with their results."""
        endings: list[Ending] = []
        while state.pending_signals:
            pending = state.pending_signals[0]
            outcome = await self._proceed(state, pending, changes, now)
            if outcome is None:
                break
            del state.pending_signals[0]
            refused = None if pending.failure is None else pending.failure.refused
            result = put_outcome(state, pending, outcome, refused, changes)
            endings.append((pending.command, result))
        return endings

    async def _proceed(
        self, state: AccountState, pending: PendingSignal, changes: Changes, now: datetime
    ) -> SignalOutcome | None:
        """Begin the next stage, if the present one has ended. Returns the outcome at the end."""
        if not is_settled(state, pending, now):
            return None
        try:
            return await self._next_stage(state, pending, changes, now)
        except Unavailable:
            raise
        except Exception:  # Of one signal; the ones behind it are executed.
            logger.exception(
                "signal_execution_failed account_id=%d signal_id=%d",
                state.account.id,
                pending.signal.signal_id,
            )
            return _fail(pending, _INTERNAL_ERROR, CommandStatus.FAILED)

    async def _next_stage(
        self, state: AccountState, pending: PendingSignal, changes: Changes, now: datetime
    ) -> SignalOutcome | None:
        orders = await self._orders(state, pending, changes)
        if pending.failure is None:
            _note_unfilled(pending, orders)
        if pending.failure is not None:
            return failed_outcome(pending.failure)
        match pending.stage:
            case SignalStage.QUEUED:
                return await self._begin(state, pending, now)
            case SignalStage.CANCELING:
                return await self._close(state, pending, now)
            case SignalStage.CLOSING:
                if any(order.is_open for order in orders):
                    return done_outcome(state, orders[-1])  # A limit order rests.
                return await self._open(state, pending, orders, now)
            case SignalStage.OPENING:
                return done_outcome(state, orders[-1])

    async def _begin(
        self, state: AccountState, pending: PendingSignal, now: datetime
    ) -> SignalOutcome | None:
        signal = pending.signal
        if now > signal.expires_at:
            return ignored_outcome(EXPIRED_IN_QUEUE)
        refused = refuse_delisted(state, signal.symbol)
        if refused is not None:
            return _fail(pending, refused)
        if cancels_entries(signal):
            order_ids = await orders_to_cancel(self.ledger, state, signal)
            if order_ids:
                pending.stage = SignalStage.CANCELING
                leg = CancelOrder(order_ids=order_ids, comment=signal.comment)
                await self._send(state, pending, [leg], now)
                pending.stage_order_ids = list(order_ids)
                put_progress(state, pending)
                return None
        return await self._close(state, pending, now)

    async def _close(
        self, state: AccountState, pending: PendingSignal, now: datetime
    ) -> SignalOutcome | None:
        signal = pending.signal
        plan = await _plan(state, signal, now)
        if isinstance(plan, Refused):
            return _fail(pending, plan)
        if plan.ignored is not None:
            if pending.has_executed:  # Orders were canceled.
                return done_outcome(state, None)
            return ignored_outcome(plan.ignored)
        pending.opening, pending.blocked = plan.opening, plan.blocked
        if not plan.reductions:
            return await self._open(state, pending, [], now)
        pending.stage = SignalStage.CLOSING
        await self._send(state, pending, _closes(signal, plan.reductions), now)
        return None

    async def _open(
        self, state: AccountState, pending: PendingSignal, closed: list[Order], now: datetime
    ) -> SignalOutcome | None:
        signal, opening = pending.signal, pending.opening
        if pending.blocked is not None:
            message = f"{signal.symbol}: {pending.blocked}"
            refused = Refused(code="risk_blocked", reason=pending.blocked, message=message)
            return _fail(pending, refused)
        if opening is None:
            return done_outcome(state, closed[-1] if closed else None)
        if opening.qty is None and needs_equity(signal) and state.uncommitted_deals():
            return None  # The equity is that of stored deals: these are stored first.
        order = await BuildOpening(ledger=self.ledger)(state, signal, opening, now)
        if not isinstance(order, Refused):
            pending.stage = SignalStage.OPENING
            await self._send(state, pending, [order], now)
            return None
        is_size = signal.action is SignalAction.POSITION_SIZE
        if is_size and order.reason in _BELOW_MINIMUM:  # As close to the size as can be.
            return done_outcome(state, closed[-1]) if closed else ignored_outcome(SIZE_REACHED)
        return _fail(pending, order)

    async def _send(
        self,
        state: AccountState,
        pending: PendingSignal,
        legs: Iterable[CommandPayload],
        now: datetime,
    ) -> None:
        """Store the legs of a stage as system commands of the sender of the signal."""
        pending.stage_began_at, pending.stage_order_ids = now, []
        for leg in legs:
            name = f"signal:{pending.signal.signal_id}:{len(pending.command_ids) + 1}"
            actor = pending.command.actor
            command_id = await add_follow_up(state, self.ids, name, leg, now, actor=actor)
            pending.command_ids.append(command_id)
            pending.waiting_ids.add(command_id)
        put_progress(state, pending)

    async def _orders(
        self, state: AccountState, pending: PendingSignal, changes: Changes
    ) -> list[Order]:
        """Return the orders that the stage has sent."""
        if pending.stage not in (SignalStage.CLOSING, SignalStage.OPENING):
            return []
        orders: list[Order] = []
        for order_id in pending.stage_order_ids:
            order = changes.orders.get(order_id) or state.find_order(order_id)
            order = order or await self.ledger.order(state.account.id, order_id)
            assert order is not None, "orders of a running command are stored"
            orders.append(order)
        return orders


def _fail(
    pending: PendingSignal, refused: Refused, status: CommandStatus = CommandStatus.REFUSED
) -> SignalOutcome:
    pending.failure = failure_of(pending, status, refused)
    return failed_outcome(pending.failure)


def _note_unfilled(pending: PendingSignal, orders: Iterable[Order]) -> None:
    """Note an order that the exchange rejected or did not fill."""
    is_closing = pending.stage is SignalStage.CLOSING
    for order in orders:
        is_final_short = not order.is_open and order.filled_qty < order.qty
        is_late = order.is_open and not is_limit(pending.signal)
        if order.state is OrderState.REJECTED:
            code = order.reject_code or "exchange_rejected"
            refused = Refused(code=code, message=order.reject_message or code, outcome="rejected")
        elif (is_closing and (is_final_short or is_late)) or (
            is_final_short and not order.filled_qty
        ):
            message = f"order {order.id} ended {order.state.value}, filled {order.filled_qty}"
            refused = Refused(code="conflict", reason="order_not_filled", message=message)
        else:
            continue
        pending.failure = failure_of(pending, CommandStatus.FAILED, refused)
        return


def _closes(signal: ExecuteSignal, reductions: Iterable[Reduction]) -> list[CommandPayload]:
    has_limit = is_limit(signal)
    return [
        ClosePosition(
            position_id=each.position_id,
            order_type="limit" if has_limit else "market",
            price=signal.price if has_limit else None,
            qty=each.qty,
            reason=order_reason(signal),
            comment=signal.comment,
            signal_id=signal.signal_id,
            source_id=signal.source_id or None,
            bot_id=signal.bot_id,
        )
        for each in reductions
        if each.position_id
    ]


async def _plan(state: AccountState, signal: ExecuteSignal, now: datetime) -> SignalPlan | Refused:
    instrument = state.exchange.instruments()[signal.symbol]
    price: Decimal | None = signal.price if is_limit(signal) else None
    if price is None and signal.notional is not None:
        side = Side.SELL if signal.action is SignalAction.SELL else Side.BUY
        price = market_price(await state.exchange.fetch_quote(signal.symbol, now), side)
    qty = message_quantity(signal, instrument, price)
    if isinstance(qty, Refused):
        return qty
    return plan_signal(
        signal,
        holdings_of(state, signal),
        instrument,
        can_short=can_short(state, instrument),
        qty=qty,
    )
