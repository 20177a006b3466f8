"""Bots and their history in responses, audit rows and the database."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, cast

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.bots.bot import Bot, BotMode, BotStatus, BotTerms, DecisionResult
from oms.domain.bots.decision import EVENT_KINDS, BotEvent
from oms.domain.market.timeframe import Timeframe
from oms.domain.money import decimal_text
from oms.domain.signals.signal import Sizing, SizingKind
from oms.strategies.strategy import Action
from oms.wire.json import optional_decimal_text, optional_time_text, time_text
from oms.wire.market.candle_bodies import TimeframeText
from oms.wire.responses.value_types import Count, DecimalText, Id, TimeText, one_of
from oms.wire.signals.source_settings import SizingRow
from oms.wire.strategies.parameters_json import parameters_json


class BotEventRow(TypedDict):
    """A row of the history of a bot; what a kind does not have is null."""

    id: Id
    bot_id: Id
    at: TimeText
    kind: Annotated[str, one_of(*EVENT_KINDS)]
    symbol: str | None
    bar: Annotated[TimeText | None, Field(description="Open time of the candle of a decision.")]
    action: Annotated[str, one_of(*Action)] | None
    price: Annotated[DecimalText | None, Field(description="Close of the candle of a decision.")]
    stop_loss: DecimalText | None
    stop_gain: DecimalText | None
    result: Annotated[str, one_of(*DecisionResult)] | None
    code: Annotated[str | None, Field(description="Why a signal was not executed.")]
    message: str | None
    signal_id: Id | None
    order_ids: list[Id]


class BotRow(TypedDict):
    """A bot, what is wanted of it and what it does."""

    id: Id
    name: str
    strategy: str
    version: str
    params: Annotated[dict[str, Any], Field(description="All parameters of the strategy.")]
    params_hash: str
    account_id: Id
    strategy_id: Id
    exchange: Annotated[str, Field(description="Whose candles it reads.")]
    symbols: list[str]
    timeframe: TimeframeText
    sizing: SizingRow
    mode: Annotated[str, one_of(*BotMode)]
    allow_short: bool
    max_lag_seconds: Count
    stop_loss_pct: DecimalText | None
    take_profit_pct: DecimalText | None
    stop_trailing_pct: DecimalText | None
    desired: Annotated[str, one_of("running", "stopped")]
    status: Annotated[str, one_of(*BotStatus)]
    reason: Annotated[str | None, Field(description="Why it failed, or is not stopped yet.")]
    stale: Annotated[bool, Field(description="No runner is known to do what status says.")]
    last_heartbeat_at: TimeText | None
    heartbeat_age_seconds: float | None
    started_at: TimeText | None
    stopped_at: TimeText | None
    failures: Annotated[Count, Field(description="Since it was started.")]
    decided: Annotated[
        dict[str, TimeText],
        Field(description="By symbol, the open time of the last candle that it decided on."),
    ]
    last_decision: BotEventRow | None
    created_at: TimeText
    created_by: str
    updated_at: TimeText


class BotEventPage(TypedDict):
    """Rows of the history of a bot, the newest first."""

    items: list[BotEventRow]
    next_before_id: Annotated[Id | None, Field(description="``before_id`` of the next page.")]


class BotDeleted(TypedDict):
    """The deleted bot."""

    ok: bool
    bot_id: Id


def bot_row(bot: Bot, last_decision: BotEvent | None = None) -> BotRow:
    """Return a bot."""
    report, age = bot.report, bot.heartbeat_age
    body = {
        "id": bot.id,
        **terms_json(bot.terms),
        "desired": "running" if bot.desired.is_running else "stopped",
        "status": bot.status.value,
        "reason": report.reason,
        "stale": bot.is_stale,
        "last_heartbeat_at": optional_time_text(report.heartbeat_at),
        "heartbeat_age_seconds": None if age is None else round(age.total_seconds(), 3),
        "started_at": optional_time_text(report.started_at),
        "stopped_at": optional_time_text(report.stopped_at),
        "failures": report.failures,
        "decided": {symbol: time_text(at) for symbol, at in report.decided.items()},
        "last_decision": None if last_decision is None else bot_event_row(last_decision),
        "created_at": time_text(bot.created_at),
        "created_by": bot.created_by,
        "updated_at": time_text(bot.updated_at),
    }
    return cast(BotRow, body)


def bot_event_row(event: BotEvent) -> BotEventRow:
    """Return a row of the history of a bot."""
    return {
        "id": event.id,
        "bot_id": event.bot_id,
        "at": time_text(event.at),
        "kind": event.kind,
        "symbol": event.symbol,
        "bar": optional_time_text(event.bar),
        "action": event.action,
        "price": optional_decimal_text(event.price),
        "stop_loss": optional_decimal_text(event.stop_loss),
        "stop_gain": optional_decimal_text(event.stop_gain),
        "result": event.result,
        "code": event.code,
        "message": event.message,
        "signal_id": event.signal_id,
        "order_ids": list(event.order_ids),
    }


def sizing_row(sizing: Sizing) -> SizingRow:
    """Return how entries are sized."""
    return {"kind": sizing.kind.value, "value": decimal_text(sizing.value)}


def terms_json(terms: BotTerms) -> dict[str, Any]:
    """Return all terms, as they are stored and audited."""
    return {
        "name": terms.name,
        "strategy": terms.strategy,
        "version": terms.version,
        "params": parameters_json(terms.parameters),
        "params_hash": terms.params_hash,
        "account_id": terms.account_id,
        "strategy_id": terms.strategy_id,
        "exchange": terms.exchange,
        "symbols": list(terms.symbols),
        "timeframe": terms.timeframe.value,
        "sizing": sizing_row(terms.sizing),
        "mode": terms.mode.value,
        "allow_short": terms.allow_short,
        "max_lag_seconds": terms.max_lag_seconds,
        "stop_loss_pct": optional_decimal_text(terms.stop_loss_pct),
        "take_profit_pct": optional_decimal_text(terms.take_profit_pct),
        "stop_trailing_pct": optional_decimal_text(terms.stop_trailing_pct),
    }


def load_terms(stored: Mapping[str, Any]) -> BotTerms:
    """Return stored terms; inverse of ``terms_json``."""
    return BotTerms(
        name=stored["name"],
        strategy=stored["strategy"],
        version=stored["version"],
        parameters={name: _number(number) for name, number in stored["params"].items()},
        params_hash=stored["params_hash"],
        account_id=stored["account_id"],
        strategy_id=stored["strategy_id"],
        exchange=stored["exchange"],
        symbols=tuple(stored["symbols"]),
        timeframe=Timeframe(stored["timeframe"]),
        sizing=Sizing(
            kind=SizingKind(stored["sizing"]["kind"]), value=Decimal(stored["sizing"]["value"])
        ),
        mode=BotMode(stored["mode"]),
        allow_short=stored["allow_short"],
        max_lag_seconds=stored["max_lag_seconds"],
        stop_loss_pct=_decimal(stored["stop_loss_pct"]),
        take_profit_pct=_decimal(stored["take_profit_pct"]),
        stop_trailing_pct=_decimal(stored["stop_trailing_pct"]),
    )


def decided_json(decided: Mapping[str, datetime]) -> dict[str, str]:
    """Return up to which candles was decided, as it is stored."""
    return {symbol: time_text(at) for symbol, at in decided.items()}


def _number(stored: int | str) -> int | Decimal:
    return stored if isinstance(stored, int) else Decimal(stored)


def _decimal(stored: str | None) -> Decimal | None:
    return None if stored is None else Decimal(stored)
