"""Execute one command on its account's state: check it, send it to the exchange, record the answer.

When the call returns, the result and all changes of the command are in the account's unit of work,
so that one transaction writes both. A refusal is a result like any other.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import assert_never

from oms.domain.commands.account_commands import (
    AdminMutate,
    CheckOrder,
    CreateAlert,
    DeleteAlert,
    EnforceKillSwitch,
    PaperDeposit,
    PaperPrice,
    PaperReset,
    ReadAlerts,
    ReadConnection,
    ReadRiskUsage,
    Reconcile,
    RefreshOrder,
    ResetDrawdown,
    ResolveUnknownOrder,
    RiskSwitch,
    SetRiskPolicy,
)
from oms.domain.commands.command import (
    CONTROL_PAYLOADS,
    OWN_REQUEST_ID_PREFIX,
    BreakEven,
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
    ReversePosition,
    SendOrder,
)
from oms.domain.errors import Refused
from oms.domain.orders.order_types import OCO_PARAM
from oms.domain.reconcile.discrepancy import DecideDiscrepancy
from oms.domain.signals.signal import ExecuteSignal
from oms.ports.ledger_store import LedgerStore
from oms.services.access.command_permissions import CommandPermissions
from oms.services.account_state.state import AccountState
from oms.services.admin_mutate.mutate_rows import MutateRows
from oms.services.commands.amend_orders import AmendOrders
from oms.services.commands.bulk_close import BulkClose
from oms.services.commands.ccxt_call import RunCcxtCall
from oms.services.commands.command_strategies import strategies_of
from oms.services.commands.connectivity_gate import refuse_if_unreachable
from oms.services.commands.flatten import Flatten
from oms.services.commands.kill_switch import (
    KillSwitchCache,
    RunKillSwitch,
    refuse_position_command,
)
from oms.services.commands.paper_controls import PaperControls
from oms.services.commands.pending_commands import complete_pending, register_pending
from oms.services.commands.place_order import PlaceOrder
from oms.services.commands.position_ops import PositionOps
from oms.services.commands.resolve_order import ResolveOrder
from oms.services.commands.reverse_position import Reverse
from oms.services.commands.risk_flags import set_risk_flag
from oms.services.commands.risk_policy import ChangeRiskPolicy
from oms.services.commands.risk_reads import read_usage
from oms.services.commands.strategy_links import StrategyLinkRefresh
from oms.services.ledger.record import Changes, RecordReports
from oms.services.protection.break_even import set_break_even
from oms.services.protection.close_position import close_by_gateway
from oms.services.protection.place_pair import PlacePair
from oms.services.protection.price_alerts import create_alert, delete_alert, list_alerts
from oms.services.protection.watch_alerts import watch_alerts
from oms.services.protection.watch_pairs import watch_pairs
from oms.services.protection.watch_stops import WatchStops
from oms.services.reconcile import ApplyDecision, ReconcileAccount
from oms.services.risk.check_order import check_order
from oms.services.risk.observe_losses import ObserveLosses
from oms.services.risk.reset_drawdown import RunDrawdownReset
from oms.services.risk.session_overrides import SessionOverrideRefresh
from oms.services.signals.expand_signal import ExpandSignals
from oms.services.signals.signal_legs import refuse_late_leg
from oms.wire.json import dumps
from oms.wire.responses.connection_status import connection_row

_LOSS_PAYLOADS = frozenset({SendOrder, ReversePosition, ChangeOrder, CheckOrder, ReadRiskUsage})
"""Commands that may open a position, or that read losses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecuteCommand:
    """Executes commands, one at a time per account."""

    ledger: LedgerStore
    record: RecordReports
    permissions: CommandPermissions
    place: PlaceOrder
    bulk_close: BulkClose
    position_ops: PositionOps
    reconcile: ReconcileAccount
    max_queue_seconds: float
    #: Refreshes strategies that were created or changed since the account was loaded.
    strategy_links: StrategyLinkRefresh | None = None
    #: Corrects rows; ``None`` where the command is not accepted.
    mutate: MutateRows | None = None
    #: The active kill switches; ``None`` if there are none.
    kill_switches: KillSwitchCache | None = None
    #: Reads overridden trading days; ``None`` where nothing has sessions.
    session_overrides: SessionOverrideRefresh | None = None
    #: Compares losses with their limits; ``None`` where there are no limits.
    observe_losses: ObserveLosses | None = None
    #: Judges stop levels; ``None`` where prices are not set by commands.
    watch_stops: WatchStops | None = None

    async def __call__(self, state: AccountState, command: Command, now: datetime) -> None:
        """Execute ``command``; its result and all it changed are in the unit of work."""
        changes = Changes()
        result = await self._refuse_early(state, command, now)
        if result is None:
            if state.policy is not None:
                await self._observe_losses(state, command, changes, now)
            try:
                result = await self._run(state, command, changes, now)
            finally:
                state.command_equity = state.admitted_at = None
            result = register_pending(state, command, result)
        is_running = result.status is CommandStatus.RUNNING
        if is_running:
            state.work.results[command.id] = result  # The end is reported by a later report.
        endings = []
        if state.pending_signals or isinstance(command.payload, ExecuteSignal):
            self.signals().note(state, command, result, changes)
            endings += await self.signals().advance(state, changes, now)
        if state.pending_reverses:
            endings += await self.reverse().advance(state, changes, now)
        if state.has_pairs:
            await watch_pairs(state, changes, self.record.ids, now)
        await self.record.append_events(state, changes, None if is_running else (command, result))
        if state.pending:
            endings += complete_pending(state, (), changes)
        for ending in endings:
            await self.record.append_events(state, Changes(), ending)

    async def record_failure(
        self, state: AccountState, command: Command, result: CommandResult
    ) -> None:
        """Record the result of a command that is not executed."""
        changes = Changes()
        if state.pending_signals or isinstance(command.payload, ExecuteSignal):
            self.signals().note(state, command, result, changes)
        await self.record.append_events(state, changes, (command, result))

    async def _observe_losses(
        self, state: AccountState, command: Command, changes: Changes, now: datetime
    ) -> None:
        """Compare losses with their limits before a command that may open, or that reads them."""
        payload = command.payload
        reads_losses = type(payload) in _LOSS_PAYLOADS
        if not reads_losses:
            reads_losses = isinstance(payload, CcxtCall) and payload.is_trade
        if self.observe_losses is not None and reads_losses:
            state.command_equity = await self.observe_losses(state, changes, now)

    async def _refuse_early(
        self, state: AccountState, command: Command, now: datetime
    ) -> CommandResult | None:
        waited = (now - command.queued_at).total_seconds()
        if waited > self.max_queue_seconds and not _never_expires(command):
            return CommandResult.refused(
                Refused(
                    code="command_expired",
                    message=f"queued longer than {self.max_queue_seconds:g} s",
                    limit=Decimal(str(self.max_queue_seconds)),
                    set_by="commands.max_queue_s",
                )
            )
        if (refused := refuse_late_leg(state, command, now)) is not None:
            return CommandResult.refused(refused)
        if (refused := refuse_if_unreachable(state, command.payload)) is not None:
            return CommandResult.refused(refused)
        if self.strategy_links is not None:
            await self.strategy_links(state, command.payload)
        if self.session_overrides is not None:
            await self.session_overrides(state)
        if self.kill_switches is not None:
            await self.kill_switches(state, command)
            if (refused := refuse_position_command(state, command)) is not None:
                return CommandResult.refused(refused)
        strategies = await strategies_of(state, self.ledger, command.payload)
        refused = await self.permissions(
            command.actor, state.account.id, command.payload, strategies, now
        )
        return None if refused is None else CommandResult.refused(refused)

    async def _run(
        self, state: AccountState, command: Command, changes: Changes, now: datetime
    ) -> CommandResult:
        match command.payload:
            case SendOrder() | ClosePosition():
                return await self._place(state, command, changes, now)
            case CancelOrder() as payload:
                return await self._amend_orders().cancel(state, payload, changes, now)
            case ChangeOrder() as payload:
                return await self._amend_orders().change(state, command, payload, changes, now)
            case PaperPrice() as payload:
                return await self._set_price(state, payload, changes, now)
            case PaperDeposit() | PaperReset() as payload:
                return await self._run_paper(state, payload, changes, now)
            case CancelAllOrders() | CloseAllPositions():
                return await self.bulk_close(
                    state, command, self._amend_orders().cancel_one, changes, now
                )
            case CloseBy() as payload:
                return await self.position_ops.close_by(state, command, payload, changes, now)
            case MergePositions() as payload:
                return self.position_ops.merge(state, command, payload, changes, now)
            case ChangePosition() as payload:
                return self.position_ops.change(state, payload, changes, now)
            case ReversePosition():
                return await self.reverse().start(state, command, changes, now)
            case BreakEven() as payload:
                return await set_break_even(self.position_ops, state, payload, changes, now)
            case Reassign() as payload:
                return await self.position_ops.reassign(state, payload, changes, now)
            case RiskSwitch() | SetRiskPolicy() | ResetDrawdown() as payload:
                return await self._set_risk(state, command, payload, changes, now)
            case AdminMutate() as payload:
                assert self.mutate is not None, "workers that take this command have the service"
                return await self.mutate(state, command, payload, changes, now)
            case DecideDiscrepancy() as payload:
                decide = ApplyDecision(reconcile=self.reconcile, permissions=self.permissions)
                return await decide(state, command, payload, changes, now)
            case EnforceKillSwitch() as payload:
                return await RunKillSwitch(bulk_close=self.bulk_close, flatten=self.flatten())(
                    state, command, payload, self._amend_orders().cancel_one, changes, now
                )
            case Reconcile() as payload:
                if state.exchange.sends_after_commit():
                    return await self.reconcile.begin(state, command, now)
                return await self.reconcile(state, payload, changes, now)
            case RefreshOrder() | ResolveUnknownOrder() as payload:
                return await self._resolve(state, command, payload, changes, now)
            case CreateAlert() | DeleteAlert() | ReadAlerts() as payload:
                return self._run_alerts(state, command, payload, now)
            case ReadConnection() | ReadRiskUsage() | CheckOrder():
                return await self._read(state, command, now)
            case ExecuteSignal():
                return self.signals().start(state, command, changes)
            case CcxtCall() as payload:
                return await self._ccxt_calls()(state, command, payload, changes, now)
            case _:
                assert_never(command.payload)

    def _ccxt_calls(self) -> RunCcxtCall:
        return RunCcxtCall(
            record=self.record,
            notional_limits=self.place.notional_limits,
            find_repeated=self.place.find_repeated,
        )

    async def _read(self, state: AccountState, command: Command, now: datetime) -> CommandResult:
        if isinstance(command.payload, CheckOrder):
            return await check_order(
                state, command, command.payload, self.ledger, now, self.place.find_repeated
            )
        if isinstance(command.payload, ReadRiskUsage):
            return await read_usage(state, now)
        row = connection_row(state.exchange.connection(), state.exchange.unavailable_reason())
        return CommandResult(status=CommandStatus.DONE, value=dumps(row))

    async def _run_paper(
        self,
        state: AccountState,
        payload: PaperDeposit | PaperReset,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        controls = PaperControls(record=self.record)
        if isinstance(payload, PaperReset):
            return await controls.reset(state, changes, now)
        return await controls.deposit(state, payload, changes, now)

    def _run_alerts(
        self,
        state: AccountState,
        command: Command,
        payload: CreateAlert | DeleteAlert | ReadAlerts,
        now: datetime,
    ) -> CommandResult:
        if isinstance(payload, ReadAlerts):
            return list_alerts(state)
        if isinstance(payload, DeleteAlert):
            return delete_alert(state, payload)
        assert self.watch_stops is not None, "workers that take this command have the service"
        return create_alert(state, command, payload, now, self.watch_stops.price_age)

    async def _set_risk(
        self,
        state: AccountState,
        command: Command,
        payload: RiskSwitch | SetRiskPolicy | ResetDrawdown,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        if isinstance(payload, RiskSwitch):
            return set_risk_flag(state, command, payload, changes)
        if isinstance(payload, ResetDrawdown):
            reset = RunDrawdownReset(permissions=self.permissions, ids=self.place.ids)
            return await reset(state, command, payload, changes, now)
        change = ChangeRiskPolicy(permissions=self.permissions, ids=self.place.ids)
        return await change(state, command, payload, changes)

    async def _place(
        self, state: AccountState, command: Command, changes: Changes, now: datetime
    ) -> CommandResult:
        payload = command.payload
        is_of_signal = isinstance(payload, ClosePosition) and payload.signal_id is not None
        if command.actor.is_system and isinstance(payload, ClosePosition) and not is_of_signal:
            cancel = self._amend_orders().cancel_one
            return await close_by_gateway(self.place, cancel, state, command, changes, now)
        if isinstance(command.payload, SendOrder) and OCO_PARAM in command.payload.params:
            return await PlacePair(place=self.place)(state, command, changes, now)
        return await self.place(state, command, changes, now)

    async def _set_price(
        self, state: AccountState, payload: PaperPrice, changes: Changes, now: datetime
    ) -> CommandResult:
        controls = PaperControls(record=self.record)
        result = await controls.set_price(state, payload, changes, now)
        if state.armed and self.watch_stops is not None:
            await self.watch_stops(state, changes, now)
        if state.alerts and self.watch_stops is not None:
            watch_alerts(state, changes, now, self.watch_stops.price_age)
        return result

    def flatten(self) -> Flatten:
        """Return the service that continues kill switch commands."""
        return Flatten(place=self.place, amend=self._amend_orders())

    def reverse(self) -> Reverse:
        """Return the service that continues commands that reverse positions."""
        return Reverse(place=self.place, kill_switches=self.kill_switches)

    async def _resolve(
        self,
        state: AccountState,
        command: Command,
        payload: RefreshOrder | ResolveUnknownOrder,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        orders = ResolveOrder(ledger=self.ledger, record=self.record, permissions=self.permissions)
        if isinstance(payload, RefreshOrder):
            return await orders.refresh(state, command, payload, changes, now)
        return await orders.resolve(state, command, payload, changes, now)

    def signals(self) -> ExpandSignals:
        """Return the service that continues signals."""
        return ExpandSignals(ledger=self.ledger, ids=self.place.ids)

    def _amend_orders(self) -> AmendOrders:
        return AmendOrders(
            ledger=self.ledger, record=self.record, notional_limits=self.place.notional_limits
        )


def _never_expires(command: Command) -> bool:
    """Return whether a command may wait in the queue for any time.

    A signal has a time of its own, and its legs have none.
    """
    payload_type, request_id = type(command.payload), command.request_id or ""
    is_own = command.actor.is_system or request_id.startswith(OWN_REQUEST_ID_PREFIX)
    return is_own or payload_type is ExecuteSignal or payload_type in CONTROL_PAYLOADS
