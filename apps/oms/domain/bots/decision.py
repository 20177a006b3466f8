"""Decisions of a bot: which are executable, how late they are, and the signals that they are."""

from datetime import datetime, timedelta
from decimal import Decimal

from oms.domain.bots.bot import BotTerms
from oms.domain.value import value

EVENT_KINDS = ("decision", "status", "failure", "heartbeat_gap", "flatten")
"""Kinds of rows of the history of a bot."""
EXIT_EXPIRY = timedelta(days=1)
"""How long the signal of an exit waits for a worker."""
ENTRY_EXPIRY_MIN = timedelta(seconds=60)
"""How long the signal of an entry waits at least."""


@value
class BotEvent:
    """A row of the history of a bot."""

    id: int
    bot_id: int
    at: datetime
    #: One of ``EVENT_KINDS``.
    kind: str
    symbol: str | None = None
    #: Open time of the candle of a decision.
    bar: datetime | None = None
    action: str | None = None
    signal_id: int | None = None
    result: str | None = None
    code: str | None = None
    message: str | None = None
    #: Close of the candle of a decision.
    price: Decimal | None = None
    stop_loss: Decimal | None = None
    stop_gain: Decimal | None = None
    order_ids: tuple[int, ...] = ()


def decision_key(bot_id: int, symbol: str, bar: datetime, action: str) -> str:
    """Return what a decision is known by, for ever."""
    return f"bot:{bot_id}:{symbol}:{bar:%Y-%m-%dT%H:%M:%SZ}:{action}"


def is_late(terms: BotTerms, closed_at: datetime, now: datetime) -> bool:
    """Return whether an entry is decided too late after the close of its candle."""
    return now - closed_at > timedelta(seconds=terms.max_lag_seconds)


def expires_at(terms: BotTerms, closed_at: datetime, now: datetime, *, is_exit: bool) -> datetime:
    """Return until when the signal of a decision may begin to be executed."""
    if is_exit:
        return now + EXIT_EXPIRY
    return max(now + ENTRY_EXPIRY_MIN, closed_at + timedelta(seconds=terms.max_lag_seconds))
