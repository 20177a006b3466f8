"""What is stored of a received signal: its rows, its commands, and what makes another a repeat."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from oms.domain.account_group import AccountGroup, weighted_equities
from oms.domain.commands.command import SYSTEM_ROLE, Actor
from oms.domain.errors import Forbidden, Invalid
from oms.domain.money import ZERO, total
from oms.domain.signals.message import SignalMessage
from oms.domain.signals.signal import (
    ExecuteSignal,
    LevelReference,
    SignalKind,
    SignalRules,
    SignalStatus,
)
from oms.domain.signals.source import ONE_UNIT, SignalSource, SourceSettings
from oms.domain.value import evolve, value
from oms.ports.audit_log import AuditContext
from oms.ports.command_queue import IdempotencyKeyRow, NewCommand, StoredSignal
from oms.ports.signals.stored_signals import SignalRepeat, SignalRow
from oms.services.signals.authenticate_source import SignalSender
from oms.services.submission.submit import IdempotencyKey
from oms.wire.json import canonical_json, dumps, loads

SOURCELESS_EXPIRY_SECONDS = 60


@value
class ReceivedSignal:
    """A signal of an authenticated sender."""

    message: SignalMessage
    sender: SignalSender
    #: SHA-256 in hex of the body, without its secret.
    payload_hash: str
    ip: str
    #: Id of the HTTP request.
    request_id: str
    key: IdempotencyKey | None = None


@value
class SignalReceipt:
    """The stored rows of a signal, the first first."""

    rows: Sequence[SignalRow]
    is_duplicate: bool = False
    #: Of a repeat: whether its body is another one.
    payload_differs: bool = False
    #: The commands just stored, by id.
    stored: Mapping[int, NewCommand]

    @property
    def first(self) -> SignalRow:
        """The row with the id of the signal."""
        return self.rows[0]


@value
class Target:
    """An account that a signal goes to."""

    account_id: int
    strategy_id: int
    #: Share of the quantity of a member of a group, as ``ExecuteSignal`` has it.
    ratio: Decimal | None = None
    ratio_total: Decimal | None = None
    equity_weight: Decimal | None = None


@value
class Decision:
    """What a signal is on one account; without ``reason_code`` it is queued."""

    symbol: str
    status: SignalStatus = SignalStatus.QUEUED
    reason_code: str | None = None
    reason: str | None = None


def audit_context(received: ReceivedSignal, now: datetime) -> AuditContext:
    """Return who sent a signal, for the audit log."""
    principal, source = received.sender.principal, received.sender.source
    name = principal.user_name if principal is not None else ""
    return AuditContext(
        actor=f"signal source {source.name}" if source is not None else name,
        at=now,
        user_id=None if principal is None else principal.user_id,
        api_key_id=None if principal is None else principal.api_key_id,
        role=SYSTEM_ROLE if principal is None else principal.role.value,
        ip=received.ip,
        request_id=received.request_id,
    )


def settings_of(source: SignalSource | None) -> SourceSettings:
    """Return the settings of a source, or those of a key without one."""
    if source is not None:
        return source.settings
    return SourceSettings(queue_expiry_seconds=SOURCELESS_EXPIRY_SECONDS)


def strategy_of(message: SignalMessage, source: SignalSource) -> int:
    """Return the strategy of a signal: a message may name one where the source has none."""
    if message.strategy_id is None or message.strategy_id == source.strategy_id:
        return source.strategy_id
    if source.strategy_id:
        raise Forbidden("the source has another strategy", reason="source_strategy")
    return message.strategy_id


def group_targets(
    group: AccountGroup, strategy_id: int, equities: Mapping[int, Decimal]
) -> Sequence[Target]:
    """Return the members of a group, ascending, with their shares.

    A group by equity without ``equities`` has unknown shares: the worker opens nothing.
    """
    members = sorted(group.members, key=lambda each: each.account_id)
    if not group.is_by_equity:
        return [
            Target(account_id=each.account_id, strategy_id=strategy_id, ratio=each.ratio)
            for each in members
        ]
    parts = weighted_equities(group, equities) if equities else {}
    return [
        Target(
            account_id=each.account_id,
            strategy_id=strategy_id,
            ratio=parts.get(each.account_id, ZERO),
            ratio_total=total(parts.values()),
            equity_weight=each.equity_weight,
        )
        for each in members
    ]


def actor_of(received: ReceivedSignal) -> Actor:
    """Return who submits the commands of a signal."""
    principal = received.sender.principal
    if principal is None:
        return Actor(user_id=0, api_key_id=0, role=SYSTEM_ROLE, ip=received.ip)
    return Actor(
        user_id=principal.user_id,
        api_key_id=principal.api_key_id,
        role=principal.role.value,
        ip=received.ip,
    )


def new_row(
    received: ReceivedSignal,
    target: Target,
    decision: Decision,
    group_signal_id: int,
    signal_id: int,
    now: datetime,
) -> SignalRow:
    """Return the row of a signal on one account."""
    message, sender = received.message, received.sender
    is_first = signal_id == group_signal_id
    return SignalRow(
        id=signal_id,
        source_id=0 if sender.source is None else sender.source.id,
        dedupe_key=dedupe_key(message, sender) if is_first else None,
        payload_hash=received.payload_hash,
        group_signal_id=group_signal_id,
        kind=message.kind,
        account_id=target.account_id,
        strategy_id=target.strategy_id,
        symbol=decision.symbol,
        action=message.action,
        price=message.price,
        raw=dumps(message.raw),
        received_at=now,
        status=decision.status,
        reason_code=decision.reason_code,
        reason=decision.reason or decision.reason_code,
        finished_at=None if decision.reason_code is None else now,
        user_id=None if sender.principal is None else sender.principal.user_id,
        api_key_id=None if sender.principal is None else sender.principal.api_key_id,
    )


def new_payload(
    received: ReceivedSignal, target: Target, row: SignalRow, now: datetime
) -> ExecuteSignal:
    """Return the command of a signal on one account."""
    message, source = received.message, received.sender.source
    settings = settings_of(source)
    rules = SignalRules(sizing=ONE_UNIT) if source is None else settings.rules
    if message.price is None and rules.tp_sl_base is LevelReference.SIGNAL:
        rules = evolve(rules, tp_sl_base=LevelReference.FILL)
    sl_pct = settings.sl_pct if message.sl_pct is None else message.sl_pct
    tp_pct = settings.tp_pct if message.tp_pct is None else message.tp_pct
    return ExecuteSignal(
        signal_id=row.id,
        source_id=row.source_id,
        kind=message.kind,
        symbol=row.symbol,
        action=message.action,
        strategy_id=target.strategy_id,
        rules=rules,
        expires_at=now + timedelta(seconds=settings.queue_expiry_seconds),
        order_type=message.order_type,
        price=message.limit_price,
        signal_price=message.price,
        qty=message.qty,
        notional=message.notional,
        qty_pct=message.qty_pct,
        position_size=message.position_size,
        stop_loss=message.stop_loss,
        stop_gain=message.stop_gain,
        stop_loss_pct=None if message.stop_loss is not None else sl_pct or None,
        stop_gain_pct=None if message.stop_gain is not None else tp_pct or None,
        comment=message.comment,
        ratio=target.ratio,
        ratio_total=target.ratio_total,
        equity_weight=target.equity_weight,
    )


def dedupe_key(message: SignalMessage, sender: SignalSender) -> str | None:
    """Return what makes another signal of the sender a repeat for ever; ``None``: nothing does."""
    parts: dict[str, object] = {"kind": message.kind.value}
    if sender.source is None:
        assert sender.principal is not None, "without a source there is a key"
        parts |= {"user": sender.principal.user_id, "account": message.account_id}
    if message.alert_id is not None:
        parts["alert_id"] = message.alert_id
        if message.kind is SignalKind.TRADINGVIEW:
            parts |= {"ticker": message.symbol.upper(), "action": message.action.value}
    elif message.identity is not None:
        parts["identity"] = message.identity
    else:
        return None
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()


def new_key_row(
    received: ReceivedSignal,
    commands: Sequence[NewCommand],
    signal_id: int,
    now: datetime,
    hours: int,
) -> IdempotencyKeyRow | None:
    """Return the row of an idempotency key with its signal; ``None`` without a key."""
    if received.key is None:
        return None
    return IdempotencyKeyRow(
        scope_hash=received.key.scope_hash,
        fingerprint=received.payload_hash,
        command_ids=tuple(command.id for command in commands),
        response=dumps({"signal_id": signal_id}),
        expires_at=now + timedelta(hours=hours),
    )


def signal_of_key(key: IdempotencyKeyRow, payload_hash: str) -> StoredSignal:
    """Return the signal stored under an idempotency key. Raises ``Invalid`` for another body."""
    if key.fingerprint != payload_hash:
        raise Invalid(
            "this Idempotency-Key was used for another request",
            code="idempotency_mismatch",
            reason="Idempotency-Key",
        )
    signal_id = loads(key.response or "{}").get("signal_id")
    return StoredSignal(group_signal_id=signal_id, payload_hash=key.fingerprint)


def new_repeat(row: SignalRow, *, payload_differs: bool) -> SignalRepeat:
    """Return the repeat of a signal with its event; ``row`` is the first one as it stands now."""
    payload = {
        "account_id": row.account_id,
        "signal_id": row.id,
        "source_id": row.source_id,
        "symbol": row.symbol,
        "action": row.action.value,
        "status": row.status.value,
        "reason_code": row.reason_code,
        "command_ids": list(row.command_ids),
        "payload_differs": payload_differs,
    }
    event = "signal_duplicate"
    return SignalRepeat(group_signal_id=row.id, event=event, payload=dumps(payload))
