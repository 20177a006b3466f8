"""Receipt of a signal: its rows and commands in one transaction, or the answer to a repeat.

A signal is decided here only where no worker is needed: its symbol is unknown, it is stale, there
is nothing to close, the gateway is disabled, the queue is full. Such a signal has a row and no
command. A repeat is found by the database, so that a sender which got no answer may send again.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from oms.domain.access import Permission, refuse
from oms.domain.account_group import AccountGroup
from oms.domain.commands.command import OWN_REQUEST_ID_PREFIX
from oms.domain.errors import Conflict, Forbidden, Invalid, NotFound
from oms.domain.risk.kill_switch import KillScope
from oms.domain.signals.message import SignalMessage
from oms.domain.signals.signal import (
    SignalAction,
    SignalKind,
    SignalStatus,
)
from oms.domain.signals.source import SignalSource
from oms.domain.signals.symbols import resolve_symbol
from oms.domain.value import evolve
from oms.ports.admin.account_groups import AccountGroups
from oms.ports.command_queue import NewCommand, StoredSignal, Submission
from oms.ports.history_reads import HistoryQuery, HistoryReads
from oms.ports.kill_switches import KillSwitchStore
from oms.ports.market.account_symbols import AccountSymbols
from oms.ports.registry import Registry
from oms.ports.signals.stored_signals import NewSignal, SignalRow, Signals
from oms.services.performance.value_accounts import ValueAccounts
from oms.services.signals.authenticate_source import SignalSender
from oms.services.signals.new_signals import (
    Decision,
    ReceivedSignal,
    SignalReceipt,
    Target,
    actor_of,
    audit_context,
    group_targets,
    new_key_row,
    new_payload,
    new_repeat,
    new_row,
    settings_of,
    signal_of_key,
    strategy_of,
)
from oms.services.submission.group_equities import member_equities
from oms.services.submission.submit import Submit
from oms.wire.commands.command_codec import command_type_of, encode_payload, payload_fingerprint
from oms.wire.json import dumps
from oms.wire.signals.signal_rows import signal_event

logger = logging.getLogger(__name__)

SAME_BODY_WINDOW = timedelta(seconds=120)
"""How long an alert without ``alert_id`` is a repeat of one with the same body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveSignal:
    """Stores signals with their commands; every method raises ``Unavailable``."""

    submit: Submit
    signals: Signals
    symbols: AccountSymbols
    registry: Registry
    groups: AccountGroups
    kill_switches: KillSwitchStore
    history: HistoryReads
    value_accounts: ValueAccounts

    async def __call__(self, received: ReceivedSignal) -> SignalReceipt:
        """Return the stored signal, or the one that this is a repeat of.

        Raises ``Invalid`` (unknown symbol, or a key used for another body), ``Forbidden``,
        ``NotFound``, ``Conflict``.
        """
        now = self.submit.next_time()
        targets = await self.targets(received.message, received.sender)
        decisions = [await self._decide(received, target, now) for target in targets]
        reserved = await self._reserve(len(targets))
        first_id = reserved["signal"]
        rows: list[SignalRow] = []
        commands: list[NewCommand] = []
        for offset, (target, decision) in enumerate(zip(targets, decisions, strict=True)):
            row = new_row(received, target, decision, first_id, first_id + offset, now)
            if decision.reason_code is None:
                command_id = reserved["command"] + offset
                command = self._command(received, target, row, command_id, now)
                commands.append(command)
                row = evolve(row, command_ids=(command.id,))
            rows.append(row)
        signal = self._new_signal(received, rows, reserved, now)
        key = new_key_row(received, commands, first_id, now, self.submit.idempotency_hours)
        stored = await self.submit.enqueue(Submission(commands=commands, key=key, signal=signal))
        if stored.key is not None:
            repeated = signal_of_key(stored.key, received.payload_hash)
            return await self._repeat(received, repeated, now)
        if stored.signal is not None:
            return await self._repeat(received, stored.signal, now)
        by_id = {command.id: command for command in commands}
        return SignalReceipt(rows=rows, stored=by_id)

    async def _reserve(self, count: int) -> Mapping[str, int]:
        """Return the first of new ids by kind: one of the audit log, ``count`` of the others.

        Raises ``Unavailable``.
        """
        ids = self.submit.ids
        return {
            "signal": await ids.allocate("signal", count),
            "command": await ids.allocate("command", count),
            "audit": await ids.allocate("audit"),
            "event": await ids.allocate("event", count),
        }

    async def targets(self, message: SignalMessage, sender: SignalSender) -> Sequence[Target]:
        """Return the accounts that a signal goes to, ascending.

        Raises ``Forbidden``, ``NotFound``, ``Conflict``.
        """
        source = sender.source
        if source is None:
            account_id = message.account_id
            if account_id is None:
                raise Invalid("a key without a source names an account_id")
            if not await self.registry.accounts([account_id]):
                raise NotFound(f"account_id={account_id}", code="account_not_found")
            targets = [Target(account_id=account_id, strategy_id=message.strategy_id or 0)]
        else:
            targets = list(await self._targets_of(source, message))
            if message.account_id not in (None, source.account_id):
                raise Forbidden("the source has another account", reason="source_account")
        if sender.principal is not None:
            for target in targets:
                strategies = (target.strategy_id,)
                refused = refuse(
                    sender.principal, Permission.AUTOMATE, target.account_id, strategies
                )
                if refused is not None:
                    raise Forbidden(refused.message, code=refused.code)
        return targets

    async def resolve(
        self, message: SignalMessage, source: SignalSource | None, account_id: int
    ) -> str:
        """Return the symbol of the account that a signal names. Raises ``Invalid``."""
        names = {} if source is None else source.settings.symbol_map
        if message.symbol in names:
            return names[message.symbol]
        return resolve_symbol(message.symbol, await self.symbols(account_id), names)

    async def _targets_of(self, source: SignalSource, message: SignalMessage) -> Sequence[Target]:
        strategy_id = strategy_of(message, source)
        if source.account_group_id is None:
            assert source.account_id is not None, "a source has an account or a group"
            return [Target(account_id=source.account_id, strategy_id=strategy_id)]
        for group in await self.groups.all():
            if group.id == source.account_group_id:
                needs_shares = group.is_by_equity and not message.only_closes
                equities = await self._equities(group) if needs_shares else {}
                return group_targets(group, strategy_id, equities)
        raise NotFound(f"there is no group {source.account_group_id}")

    async def _equities(self, group: AccountGroup) -> Mapping[int, Decimal]:
        """Return the equities of a group at this instant; none if one is not known.

        What the signal closes does not follow from them: it is stored in any case.
        """
        ids = [each.account_id for each in group.members]
        try:
            return member_equities(ids, (await self.value_accounts(ids)).values())
        except Conflict as error:
            logger.warning("group_equity_unknown group_id=%d message=%s", group.id, error.message)
            return {}

    async def _decide(self, received: ReceivedSignal, target: Target, now: datetime) -> Decision:
        """Return what a signal is on one account. Raises ``Invalid`` without a group."""
        message, source = received.message, received.sender.source
        try:
            symbol = await self.resolve(message, source, target.account_id)
        except Invalid as error:
            if target.ratio is None:
                raise
            return Decision(
                symbol=message.symbol,
                status=SignalStatus.BLOCKED,
                reason_code=error.reason,
                reason=error.message,
            )
        if message.is_stale(now, settings_of(source).max_age_seconds):
            return Decision(symbol=symbol, status=SignalStatus.IGNORED, reason_code="stale_signal")
        if message.kind is SignalKind.BOUNCE and await self._is_disabled():
            return Decision(symbol=symbol, status=SignalStatus.BLOCKED, reason_code="oms_disabled")
        if message.action is SignalAction.CLOSE and await self._is_flat(target, symbol):
            return Decision(symbol=symbol, status=SignalStatus.IGNORED, reason_code="no_position")
        await self.submit.depths.refresh({target.account_id: 1})
        refused = self.submit.depths.reserve(target.account_id)
        if refused is None:
            return Decision(symbol=symbol)
        return Decision(
            symbol=symbol,
            status=SignalStatus.BLOCKED,
            reason_code=refused.reason,
            reason=f"{refused.reason} ({refused.message})",
        )

    async def _is_disabled(self) -> bool:
        switches = await self.kill_switches.all(is_on=True, limit=None)
        return any(switch.scope is KillScope.GLOBAL for switch in switches)

    async def _is_flat(self, target: Target, symbol: str) -> bool:
        """Return whether the scope has no position, no open order, and no command is unfinished.

        Commands are read first: one of several legs is running until its last leg is in the ledger.
        """
        if await self.submit.queue.has_unfinished(target.account_id):
            return False
        scope = HistoryQuery(
            account_ids=[target.account_id],
            symbol=symbol,
            strategy_id=target.strategy_id or None,
            with_total=False,
        )
        if await self.history.open_orders(scope, 1):
            return False
        return not await self.history.open_positions(scope, 1)

    def _command(
        self,
        received: ReceivedSignal,
        target: Target,
        row: SignalRow,
        command_id: int,
        now: datetime,
    ) -> NewCommand:
        payload = new_payload(received, target, row, now)
        text = encode_payload(payload)
        return NewCommand(
            id=command_id,
            account_id=target.account_id,
            command_type=command_type_of(payload),
            payload=text,
            fingerprint=payload_fingerprint(command_type_of(payload), text),
            actor=actor_of(received),
            created_at=now,
            request_id=f"{OWN_REQUEST_ID_PREFIX}signal:{row.id}",
            comment=received.message.comment,
        )

    def _new_signal(
        self,
        received: ReceivedSignal,
        rows: Sequence[SignalRow],
        reserved: Mapping[str, int],
        now: datetime,
    ) -> NewSignal:
        decided = [row for row in rows if row.status is not SignalStatus.QUEUED]
        first = rows[0]
        is_by_body = first.dedupe_key is None and first.kind is SignalKind.TRADINGVIEW
        after = {
            "source_id": first.source_id,
            "symbol": first.symbol,
            "action": first.action.value,
            "status": first.status.value,
            "reason_code": first.reason_code,
        }
        return NewSignal(
            rows=tuple(rows),
            audit_id=reserved["audit"],
            audit=audit_context(received, now).entry(
                f"{first.kind.value}_signal",
                "signal",
                first.id,
                after=dumps(after),
                account_id=first.account_id,
            ),
            same_body_since=now - SAME_BODY_WINDOW if is_by_body else None,
            events=tuple(
                (reserved["event"] + offset, f"signal_{row.status.value}", dumps(signal_event(row)))
                for offset, row in enumerate(decided)
            ),
        )

    async def _repeat(
        self, received: ReceivedSignal, stored: StoredSignal, now: datetime
    ) -> SignalReceipt:
        differs = stored.payload_hash != received.payload_hash
        rows = await self.signals.of_group(stored.group_signal_id)
        entry = audit_context(received, now).entry(
            f"{rows[0].kind.value}_signal",
            "signal",
            rows[0].id,
            after=dumps({"source_id": rows[0].source_id, "duplicate": True}),
            account_id=rows[0].account_id,
        )
        repeat = new_repeat(rows[0], payload_differs=differs)
        await self.signals.record_duplicate(repeat, entry, now)
        return SignalReceipt(rows=rows, is_duplicate=True, payload_differs=differs, stored={})
