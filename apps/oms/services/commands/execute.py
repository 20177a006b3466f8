"""Run one command against its account's home: judge it, ask the exchange, record the answer.

The result of every command is in the home's draft when this returns, together with all it
changed: they are written by one and the same transaction. A refusal is a result like any other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import assert_never

from oms.domain.account import Engine
from oms.domain.commands.account_commands import (
    AdminMutate,
    EnforceKillSwitch,
    PaperDeposit,
    PaperPrice,
    PaperReset,
    ReadConnection,
    Reconcile,
    RefreshOrder,
    ResolveUnknownOrder,
    RiskSwitch,
)
from oms.domain.commands.command import (
    CONTROL_PAYLOADS,
    CancelAllOrders,
    CancelOrder,
    CcxtCall,
    ChangeOrder,
    ChangePosition,
    CloseAllPositions,
    CloseBy,
    ClosePosition,
    Command,
    CommandResult,
    CommandStatus,
    MergePositions,
    Reassign,
    SendOrder,
)
from oms.domain.errors import Conflict, Invalid, OmsError, Refused
from oms.domain.orders.execution_report import ExecutionReport, ReportKind
from oms.domain.orders.order import Order
from oms.domain.orders.order_rounding import round_change_order
from oms.domain.reconcile.discrepancy import DecideDiscrepancy
from oms.domain.risk.admission import (
    RiskContext,
    admit_change,
    refuse_not_open,
    refuse_unknown_symbol,
)
from oms.domain.value import evolve
from oms.ports.exchange import Exchange, PublicTrade, Quote
from oms.ports.ledger_store import LedgerStore
from oms.services.access.command_permissions import CommandPermissions
from oms.services.account_state.state import AccountState
from oms.services.admin_mutate.mutate_rows import MutateRows
from oms.services.commands.bulk_close import BulkClose
from oms.services.commands.ccxt_call import RunCcxtCall
from oms.services.commands.command_strategies import strategies_of
from oms.services.commands.connectivity_gate import refuse_if_unreachable
from oms.services.commands.kill_switch import (
    KillSwitchCache,
    RunKillSwitch,
    refuse_position_command,
)
from oms.services.commands.notional_limits import NewExposure, NotionalLimits
from oms.services.commands.pending_commands import complete_pending, register_pending
from oms.services.commands.place_order import PlaceOrder
from oms.services.commands.position_ops import PositionOps
from oms.services.commands.resolve_order import ResolveOrder
from oms.services.commands.risk_flags import set_risk_flag
from oms.services.commands.strategy_links import StrategyLinkRefresh
from oms.services.ledger.record import Changes, RecordReports
from oms.services.reconcile import Deciding, Reconciling
from oms.wire.json import dumps
from oms.wire.responses.connection_status import connection_row


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecuteCommand:
    """Runs commands, one at a time per home."""

    ledger: LedgerStore
    record: RecordReports
    permissions: CommandPermissions
    place: PlaceOrder
    bulk_close: BulkClose
    position_ops: PositionOps
    reconcile: Reconciling
    max_queue_seconds: float
    #: Learns of strategies that were made or changed since the home was furnished.
    strategy_links: StrategyLinkRefresh | None = None
    #: Sets rows right; ``None`` where nobody may ask for it.
    mutate: MutateRows | None = None
    #: The kill switches that are pulled; ``None`` where nobody pulls any.
    kill_switches: KillSwitchCache | None = None

    async def __call__(self, state: AccountState, command: Command, now: datetime) -> None:
        """Run ``command``; its result and all it changed are in the home's draft."""
        changes = Changes()
        result = await self._refuse_before(state, command, now)
        if result is None:
            result = register_pending(state, command, await self._run(state, command, changes, now))
        if result.status is CommandStatus.RUNNING:
            state.work.results[command.id] = result  # its end will be told
            await self.record.append_events(state, changes)
        else:
            await self.record.append_events(state, changes, (command, result))
        for ending in complete_pending(state, (), changes) if state.pending else ():
            await self.record.append_events(state, Changes(), ending)

    async def _refuse_before(
        self, state: AccountState, command: Command, now: datetime
    ) -> CommandResult | None:
        waited = (now - command.created_at).total_seconds()
        if waited > self.max_queue_seconds and type(command.payload) not in CONTROL_PAYLOADS:
            return refused_result(
                Refused(
                    code="command_expired",
                    message=f"queued longer than {self.max_queue_seconds:g} s",
                    limit=Decimal(str(self.max_queue_seconds)),
                    set_by="commands.max_queue_s",
                )
            )
        if (unavailable_reason := refuse_if_unreachable(state, command.payload)) is not None:
            return refused_result(unavailable_reason)
        if self.strategy_links is not None:
            await self.strategy_links(state, command.payload, now)
        if self.kill_switches is not None:
            await self.kill_switches(state, now)
            if (kill_switch := refuse_position_command(state, command)) is not None:
                return refused_result(kill_switch)
        strategies = strategies_of(state, command.payload)
        denied = await self.permissions(
            command.actor, state.account.id, command.payload, strategies, now
        )
        return None if denied is None else refused_result(denied)

    async def _run(
        self, state: AccountState, command: Command, changes: Changes, now: datetime
    ) -> CommandResult:
        match command.payload:
            case SendOrder() | ClosePosition():
                return await self.place(state, command, changes, now)
            case CancelOrder() as wish:
                return await self._cancel(state, wish, changes, now)
            case ChangeOrder() as wish:
                return await self._change(state, command, wish, changes, now)
            case PaperPrice() as wish:
                return await self._set_price(state, wish, changes, now)
            case PaperDeposit() as wish:
                return await self._deposit(state, wish, changes, now)
            case CancelAllOrders() | CloseAllPositions():
                return await self.bulk_close(state, command, self._cancel_one, changes, now)
            case CloseBy() as wish:
                return await self.position_ops.close_by(state, command, wish, changes, now)
            case MergePositions() as wish:
                return self.position_ops.merge(state, command, wish, changes, now)
            case ChangePosition() as wish:
                return self.position_ops.change(state, wish, changes, now)
            case Reassign() as wish:
                return await self.position_ops.reassign(state, wish, changes, now)
            case RiskSwitch() as wish:
                return set_risk_flag(state, command, wish, changes)
            case AdminMutate() as wish:
                assert self.mutate is not None, "a worker that takes it has the part"
                return await self.mutate(state, command, wish, changes, now)
            case DecideDiscrepancy() as wish:
                deciding = Deciding(reconciling=self.reconcile, permissions=self.permissions)
                return await deciding(state, command, wish, changes, now)
            case EnforceKillSwitch() as wish:
                return await RunKillSwitch(bulk_close=self.bulk_close)(
                    state, command, wish, self._cancel_one, changes, now
                )
            case Reconcile() as wish:
                if state.exchange.sends_after_commit():
                    return await self.reconcile.begin(state, command, now)
                return await self.reconcile(state, wish, changes, now)
            case RefreshOrder() as wish:
                return await self._resolving().refresh(state, command, wish, changes, now)
            case ResolveUnknownOrder() as wish:
                return await self._resolving().resolve(state, command, wish, changes, now)
            case ReadConnection():
                row = connection_row(
                    state.exchange.connection(), state.exchange.unavailable_reason()
                )
                return CommandResult(status=CommandStatus.DONE, value=dumps(row))
            case CcxtCall() as wish:
                calls = RunCcxtCall(record=self.record, notional_limits=self.place.notional_limits)
                return await calls(state, command, wish, changes, now)
            case PaperReset():
                await self.record(state, await state.exchange.reset(None, now), changes)
                return CommandResult(status=CommandStatus.DONE)
            case _:
                assert_never(command.payload)

    def _resolving(self) -> ResolveOrder:
        return ResolveOrder(ledger=self.ledger, record=self.record, permissions=self.permissions)

    async def _cancel(
        self, state: AccountState, wish: CancelOrder, changes: Changes, now: datetime
    ) -> CommandResult:
        canceled: list[int] = []
        skipped: list[tuple[int, Refused]] = []
        for order_id in wish.order_ids:
            problem = await self._cancel_one(state, order_id, changes, now)
            if problem is None:
                canceled.append(order_id)
            else:
                skipped.append((order_id, problem))
        single = wish.order_ids[0] if len(wish.order_ids) == 1 else None
        if single is not None and skipped:
            why = skipped[0][1]
            if why.outcome == "unknown":
                return CommandResult(status=CommandStatus.UNKNOWN, error=why, order_id=single)
            return refused_result(why, order_id=single)
        return CommandResult(
            status=CommandStatus.DONE,
            order_id=single,
            order_ids=tuple(canceled),
            skipped=tuple((order_id, why.reason or why.code) for order_id, why in skipped),
        )

    async def _cancel_one(
        self, state: AccountState, order_id: int, changes: Changes, now: datetime
    ) -> Refused | None:
        order = await self._order(state, order_id)
        if order is None:
            return _order_not_found(order_id)
        if not order.is_open:
            return refuse_not_open(order)
        reports = await state.exchange.cancel(order, now)
        return await self._applied(state, order, "cancel", reports, changes)

    async def _change(
        self,
        state: AccountState,
        command: Command,
        wish: ChangeOrder,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        order = await self._order(state, wish.order_id)
        if order is None:
            return refused_result(_order_not_found(wish.order_id), order_id=wish.order_id)
        desk = RiskContext(
            account=state.account,
            instrument=state.exchange.instruments()[order.symbol],
            positions=state.positions_in(order.symbol),
            orders=state.orders_in(order.symbol),
            strategy_ids=state.strategy_ids,
            kill_switch=state.kill_switch(
                order.symbol, order.strategy_id, command.actor.api_key_id
            ),
        )
        if state.account.engine is not Engine.PAPER:
            wish = round_change_order(wish, order.side, desk.instrument)
        denied = admit_change(wish, order, desk)
        notional_limits = self.place.notional_limits
        if (
            denied is None
            and notional_limits is not None
            and notional_limits.has_limits(command.actor.api_key_id)
        ):
            denied = await _over_caps(notional_limits, state, command, wish, order, now)
        if denied is not None:
            return refused_result(denied, order_id=order.id)
        reports = await state.exchange.change(order, wish.new_price, wish.new_qty, now)
        denied = await self._applied(state, order, "change", reports, changes)
        if denied is not None:
            in_doubt = denied.outcome == "unknown"
            status = CommandStatus.UNKNOWN if in_doubt else CommandStatus.FAILED
            return CommandResult(status=status, error=denied, order_id=order.id)
        return CommandResult(status=CommandStatus.DONE, order_id=order.id)

    async def _applied(
        self,
        state: AccountState,
        order: Order,
        wish: str,
        reports: Sequence[ExecutionReport],
        changes: Changes,
    ) -> Refused | None:
        """Record an answer to a cancel or change; a ``rejected`` report means: nothing done.

        What is not answered yet, or whose answer was lost, stays noted at the order.
        """
        mine = {report.kind: report for report in reports if report.order_id == order.id}
        refusal = mine.get(ReportKind.REJECTED)
        in_doubt = mine.pop(ReportKind.UNKNOWN, None)
        aside = (ReportKind.REJECTED, ReportKind.UNKNOWN)
        facts = [r for r in reports if r.order_id != order.id or r.kind not in aside]
        await self.record(state, facts, changes)
        if refusal is not None:
            return Refused(
                code=refusal.code or "exchange_rejected",
                message=refusal.message or "the exchange said no",
                outcome="rejected",
            )
        if not mine:
            self._note(state, order.id, wish, changes)
        if in_doubt is None:
            return None
        message = f"the exchange may have carried out the {wish}; it is being looked up"
        return Refused(code="outcome_unknown", message=message, outcome="unknown")

    def _note(self, state: AccountState, order_id: int, wish: str, changes: Changes) -> None:
        """A change or cancel is under way; its end is told with the order's next reports."""
        order = state.find_order(order_id)
        if order is None or not order.is_open:
            return
        noted = evolve(order, pending_change=wish, version=order.version + 1)
        state.put_order(noted)
        changes.orders[noted.id] = noted
        changes.exec_types[noted.id] = (f"{wish}_requested", False)

    async def _set_price(
        self, state: AccountState, wish: PaperPrice, changes: Changes, now: datetime
    ) -> CommandResult:
        if wish.symbol not in state.exchange.instruments():
            known = state.exchange.instruments()
            return refused_result(
                refuse_unknown_symbol(wish.symbol, known, state.account.exchange_id)
            )
        return await _or_refused(lambda: _told(state.exchange, wish, now), state, changes, self)

    async def _deposit(
        self, state: AccountState, wish: PaperDeposit, changes: Changes, now: datetime
    ) -> CommandResult:
        def ask() -> Sequence[ExecutionReport]:
            return state.exchange.deposit(wish.currency, wish.amount, now)

        return await _or_refused(ask, state, changes, self)

    async def _order(self, state: AccountState, order_id: int) -> Order | None:
        """An order of this account, from memory or, once final, from the store."""
        return state.find_order(order_id) or await self.ledger.order(state.account.id, order_id)


def _told(exchange: Exchange, wish: PaperPrice, now: datetime) -> Sequence[ExecutionReport]:
    """Set the price, then tell the trade. Raises ``Invalid``, ``Conflict``."""
    reports: list[ExecutionReport] = []
    if wish.bid is not None and wish.ask is not None:
        quote = Quote(
            symbol=wish.symbol,
            bid=wish.bid,
            ask=wish.ask,
            bid_qty=wish.bid_qty,
            ask_qty=wish.ask_qty,
            bids=wish.bids,
            asks=wish.asks,
            at=now,
        )
        reports += exchange.set_price(quote)
    if wish.print_price is not None and wish.print_qty is not None:
        trade = PublicTrade(
            symbol=wish.symbol,
            price=wish.print_price,
            qty=wish.print_qty,
            side=wish.print_side,
            at=now,
        )
        reports += exchange.set_public_trade(trade)
    return reports


async def _over_caps(
    notional_limits: NotionalLimits,
    state: AccountState,
    command: Command,
    wish: ChangeOrder,
    order: Order,
    now: datetime,
) -> Refused | None:
    """Whether the order as it shall be is above a cap of the key that changes it."""
    if order.reduce_only:
        return None
    opening = NewExposure(
        command_id=order.command_id or command.id,
        symbol=order.symbol,
        qty=wish.new_qty or order.qty,
        price=wish.new_price or order.price or order.trigger_price,
    )
    return await notional_limits(state, command.actor.api_key_id, opening, now)


def refused_result(why: Refused, *, order_id: int | None = None) -> CommandResult:
    """The result of a command that is not granted."""
    return CommandResult(status=CommandStatus.REFUSED, error=why, order_id=order_id)


async def _or_refused(
    ask: Callable[[], Sequence[ExecutionReport]],
    state: AccountState,
    changes: Changes,
    execute: ExecuteCommand,
) -> CommandResult:
    try:
        reports = ask()
    except (Invalid, Conflict) as wrong:
        return refused_result(_as_refusal(wrong))
    await execute.record(state, reports, changes)
    return CommandResult(status=CommandStatus.DONE)


def _as_refusal(wrong: OmsError) -> Refused:
    return Refused(code=wrong.code, message=wrong.message, reason=wrong.reason)


def _order_not_found(order_id: int) -> Refused:
    return Refused(code="order_not_found", message=f"order {order_id} is not in this account")
