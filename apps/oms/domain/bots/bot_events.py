"""Events of bots, of namespace ``bot``, with the account of the bot in their payloads."""

from datetime import datetime

from oms.domain.bots.bot import Bot, BotReport
from oms.domain.bots.decision import BotEvent
from oms.domain.event import Event, Namespace


def status_event(bot: Bot, report: BotReport, at: datetime) -> Event:
    """Return the event that reports what a bot does from now on."""
    return Event(
        name="bot_status",
        namespace=Namespace.BOT,
        strategy_id=bot.terms.strategy_id,
        facts={
            "account_id": bot.terms.account_id,
            "bot_id": bot.id,
            "status": report.status.value,
            "last_heartbeat_at": at,
            "reason": report.reason,
        },
    )


def decision_event(bot: Bot, event: BotEvent) -> Event:
    """Return the event that reports a decision, or what became of it."""
    return Event(
        name="bot_decision",
        namespace=Namespace.BOT,
        strategy_id=bot.terms.strategy_id,
        facts={
            "account_id": bot.terms.account_id,
            "bot_id": bot.id,
            "symbol": event.symbol,
            "bar": event.bar,
            "action": event.action,
            "signal_id": event.signal_id,
            "result": event.result,
            "code": event.code,
        },
    )
