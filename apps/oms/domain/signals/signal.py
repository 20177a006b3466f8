"""Signals: what an alert asks for, the rules of its source, and what became of it."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from oms.domain.value import value


class SignalKind(StrEnum):
    """Form of the messages of a source."""

    BOUNCE = "bounce"
    TRADE = "trade"
    TRADINGVIEW = "tradingview"
    STRATEGY = "strategy"


class SignalAction(StrEnum):
    """What a signal asks for."""

    BUY = "buy"
    SELL = "sell"
    #: Cancel working entries of the symbol, then close its positions.
    CLOSE = "close"
    #: Bring the exposure of the symbol to ``position_size``.
    POSITION_SIZE = "position_size"


class SignalStatus(StrEnum):
    """Status of a signal; ``queued`` leads to exactly one of the others."""

    QUEUED = "queued"
    DONE = "done"
    #: Refused by risk, a switch, the session of the market or its size.
    BLOCKED = "blocked"
    #: There was nothing to do, or it was too late.
    IGNORED = "ignored"
    #: The exchange refused, or an error of the gateway.
    FAILED = "failed"


class SizingKind(StrEnum):
    """How the quantity of an opening order is found."""

    QTY = "qty"
    NOTIONAL = "notional"
    PCT_EQUITY = "pct_equity"
    POSITION_PCT = "position_pct"
    RISK_PCT = "risk_pct"


class LevelReference(StrEnum):
    """Price that percentages of stop levels refer to."""

    #: Average price of the entry.
    FILL = "fill"
    #: The signal's price.
    SIGNAL = "signal"


@value
class Sizing:
    """How the quantity of opening orders is found; ``value`` above zero."""

    kind: SizingKind
    value: Decimal


@value
class SignalRules:
    """Settings of a source that the worker applies; they are those of the time of receipt."""

    sizing: Sizing
    tp_sl_base: LevelReference = LevelReference.FILL
    stop_trailing_pct: Decimal | None = None
    max_hold_seconds: int | None = None
    #: On hedge accounts each entry opens a position of its own.
    is_new_entry: bool = True
    #: Entries open at the same time in the scope; 0: any number.
    pyramiding_max: int = 0
    reverse: bool = False
    #: Largest distance of the worker's price from the signal's, in percent; 0: any.
    max_signal_slippage_pct: Decimal = Decimal(0)


@value
class ExecuteSignal:
    """Execute one signal on one account: a command of the queue, complete in itself.

    ``symbol`` is a symbol of the account. At most one of ``qty``, ``notional`` and ``qty_pct`` is
    set; without any, an opening order uses ``rules.sizing``. The scope is the strategy, or the
    whole account where ``strategy_id`` is 0.
    """

    signal_id: int
    #: 0: sent by an API key without a source.
    source_id: int
    kind: SignalKind
    symbol: str
    action: SignalAction
    strategy_id: int
    rules: SignalRules
    #: Not executed by then: ignored as ``expired_in_queue``.
    expires_at: datetime
    order_type: str = "market"
    #: Limit price.
    price: Decimal | None = None
    #: Price of the alert; never a price of an execution.
    signal_price: Decimal | None = None
    qty: Decimal | None = None
    notional: Decimal | None = None
    #: Closing: percent of the exposure of the scope; opening: percent of equity.
    qty_pct: Decimal | None = None
    #: Signed exposure that ``POSITION_SIZE`` asks for.
    position_size: Decimal | None = None
    stop_loss: Decimal | None = None
    stop_gain: Decimal | None = None
    #: Percentages of the message, else of the source; ``None``: no level.
    stop_loss_pct: Decimal | None = None
    stop_gain_pct: Decimal | None = None
    #: Percent of the equity that is lost at the stop loss: the size of the entry, which is no
    #: larger than that of ``rules.sizing``.
    risk_pct: Decimal | None = None
    comment: str | None = None
    #: Of a member of a group of accounts: its quantity is that of the signal times this, or with
    #: ``ratio_total`` times this part of it. They are those of the time of receipt.
    ratio: Decimal | None = None
    #: In a group by equity the sum over all members; 0: an equity was not known, or all were 0.
    ratio_total: Decimal | None = None
    #: The bot that decided it; ``None``: it came from outside.
    bot_id: int | None = None
    #: In a group by equity the weight, for sizes in percent of the own equity.
    equity_weight: Decimal | None = None


@value
class SignalOutcome:
    """What became of a signal; written with the result of its command."""

    status: SignalStatus
    #: Code of the refusal or of what was ignored; ``None`` if done.
    reason_code: str | None = None
    #: The reason with values and limits: ``code (name=value,...)``.
    reason: str | None = None
    #: The command of the signal and those of its legs.
    command_ids: tuple[int, ...] = ()
    order_ids: tuple[int, ...] = ()
    position_id: int | None = None
    #: Prices of the levels of the position that the signal opened.
    stop_gain: Decimal | None = None
    stop_loss: Decimal | None = None
