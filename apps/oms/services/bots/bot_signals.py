"""The signal of a decision: the same rows and command as a signal that was received."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from oms.domain.bots.bot import Bot, DecisionResult
from oms.domain.bots.decision import BotEvent, decision_key, expires_at
from oms.domain.commands.command import OWN_REQUEST_ID_PREFIX, SYSTEM_ACTOR, SYSTEM_ROLE
from oms.domain.signals.signal import ExecuteSignal, SignalAction, SignalKind, SignalRules
from oms.domain.value import evolve
from oms.ports.audit_log import AuditContext
from oms.ports.command_queue import NewCommand
from oms.ports.ids import IdBlocks
from oms.ports.registry import AuditEntry
from oms.ports.runner.bots import NewDecision
from oms.ports.signals.stored_signals import NewSignal, SignalRow
from oms.strategies.strategy import Action, Decision
from oms.wire.bots.bot_rows import bot_event_row
from oms.wire.commands.command_codec import command_type_of, encode_payload, payload_fingerprint
from oms.wire.json import canonical_json, dumps

SIGNAL_ACTIONS = {
    Action.LONG: SignalAction.BUY,
    Action.SHORT: SignalAction.SELL,
    Action.LONG_EXIT: SignalAction.CLOSE,
    Action.SHORT_EXIT: SignalAction.CLOSE,
}
"""What a decision asks of its account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSignal:
    """Makes the signals of decisions, with new ids."""

    ids: IdBlocks

    async def __call__(
        self, bot: Bot, event: BotEvent, decision: Decision, closed_at: datetime, now: datetime
    ) -> NewDecision:
        """Return a decision that is sent: its event names the signal. Raises ``Unavailable``."""
        signal_id = await self.ids.allocate("signal")
        command_id = await self.ids.allocate("command")
        audit_id = await self.ids.allocate("audit")
        event = evolve(event, signal_id=signal_id, result=DecisionResult.SENT.value)
        payload = _payload(bot, event, decision, closed_at, now)
        command = _command(bot, command_id, payload, now)
        row = _row(bot, event, payload, command_id, now)
        signal = NewSignal(rows=(row,), audit_id=audit_id, audit=_audit(bot, row, now))
        return NewDecision(event=event, signal=signal, command=command)


def _payload(
    bot: Bot, event: BotEvent, decision: Decision, closed_at: datetime, now: datetime
) -> ExecuteSignal:
    terms, is_exit = bot.terms, decision.action.is_exit
    assert event.symbol is not None and event.signal_id is not None
    rules = SignalRules(
        sizing=terms.sizing,
        stop_trailing_pct=terms.stop_trailing_pct,
        # A strategy enters from flat: an entry beside an open one was decided before that one.
        pyramiding_max=1,
    )
    has_loss, has_gain = decision.stop_loss is not None, decision.stop_gain is not None
    return ExecuteSignal(
        signal_id=event.signal_id,
        source_id=0,
        kind=SignalKind.STRATEGY,
        symbol=event.symbol,
        action=SIGNAL_ACTIONS[decision.action],
        strategy_id=terms.strategy_id,
        rules=rules,
        expires_at=expires_at(terms, closed_at, now, is_exit=is_exit),
        signal_price=event.price,
        stop_loss=decision.stop_loss,
        stop_gain=decision.stop_gain,
        stop_loss_pct=None if has_loss or is_exit else terms.stop_loss_pct,
        stop_gain_pct=None if has_gain or is_exit else terms.take_profit_pct,
        risk_pct=None if is_exit else decision.risk_pct,
        comment=f"bot {terms.name}",
        bot_id=bot.id,
    )


def _command(bot: Bot, command_id: int, payload: ExecuteSignal, now: datetime) -> NewCommand:
    text = encode_payload(payload)
    return NewCommand(
        id=command_id,
        account_id=bot.terms.account_id,
        command_type=command_type_of(payload),
        payload=text,
        fingerprint=payload_fingerprint(command_type_of(payload), text),
        actor=SYSTEM_ACTOR,
        created_at=now,
        request_id=f"{OWN_REQUEST_ID_PREFIX}signal:{payload.signal_id}",
        comment=payload.comment,
    )


def _row(
    bot: Bot, event: BotEvent, payload: ExecuteSignal, command_id: int, now: datetime
) -> SignalRow:
    assert event.symbol is not None and event.bar is not None and event.action is not None
    named = {"id", "at", "signal_id", "result", "code", "message", "order_ids"}
    raw = {name: each for name, each in bot_event_row(event).items() if name not in named}
    key = decision_key(bot.id, event.symbol, event.bar, event.action)
    return SignalRow(
        id=payload.signal_id,
        source_id=0,
        dedupe_key=hashlib.sha256(key.encode()).hexdigest(),
        payload_hash=hashlib.sha256(canonical_json(raw).encode()).hexdigest(),
        group_signal_id=payload.signal_id,
        kind=payload.kind,
        account_id=bot.terms.account_id,
        strategy_id=bot.terms.strategy_id,
        symbol=event.symbol,
        action=payload.action,
        price=event.price,
        raw=dumps(raw),
        received_at=now,
        command_ids=(command_id,),
        bot_id=bot.id,
    )


def _audit(bot: Bot, row: SignalRow, now: datetime) -> AuditEntry:
    context = AuditContext(actor=f"bot {bot.terms.name}", at=now, role=SYSTEM_ROLE)
    after = {"bot_id": bot.id, "symbol": row.symbol, "action": row.action.value}
    return context.entry(
        "strategy_signal", "signal", row.id, after=dumps(after), account_id=row.account_id
    )
