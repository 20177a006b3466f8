"""Checks of single stored values by the type of their column: is it one that the gateway writes?

SQLite stores any value in any column; MariaDB checks numbers and times, and no column's meaning.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Boolean, Column, Date, Double, Integer, String

from oms.adapters.sql.connection.column_types import (
    BigIntId,
    DecimalType,
    ExactText,
    JsonText,
    TimestampType,
    parse_time,
)
from oms.adapters.sql.rows.text_codec import decode_fraction
from oms.domain.access import Role
from oms.domain.account import Environment, PositionMode
from oms.domain.commands.command import COMMAND_TYPES, CommandStatus
from oms.domain.ledger.deal import DealEntry, DealType
from oms.domain.ledger.position import PositionState
from oms.domain.market.candle_rows import CandleSource
from oms.domain.market.market_instrument import AssetClass, TradingSession
from oms.domain.market.timeframe import Timeframe
from oms.domain.notifications.delivery import DeliveryStatus
from oms.domain.notifications.sink import SinkKind, SinkStatus
from oms.domain.orders.execution_report import EditState
from oms.domain.orders.order import OrderState
from oms.domain.reconcile.discrepancy import (
    DiscrepancyClass,
    DiscrepancyPolicy,
    DiscrepancyStatus,
)
from oms.domain.risk.deadman import DeadmanAction, DeadmanState
from oms.domain.risk.kill_switch import KillMode, KillScope
from oms.domain.session_override import ZONES
from oms.domain.share_link import ShareView
from oms.domain.side import Side
from oms.domain.signals.signal import SignalAction, SignalKind, SignalStatus
from oms.ports.research.backtest_runs import BacktestKind, BacktestStatus
from oms.ports.research.research_requests import ResearchKind, ResearchStatus
from oms.ports.runner.task_leases import TaskState

YEARS = range(1970, 10_000)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_ACTIVE = frozenset({"active", "disabled"})
_TOKEN = _ACTIVE | {"revoked"}


class ValueCheck(NamedTuple):
    """What a column contains, and whether a value is that."""

    expected: str
    is_valid: Callable[[Any], bool]


def _values(kind: type[StrEnum]) -> frozenset[str]:
    return frozenset(member.value for member in kind)


#: Words that a column may contain.
WORDS: Mapping[tuple[str, str], frozenset[str]] = {
    ("oms_commands", "status"): _values(CommandStatus),
    ("oms_commands", "command_type"): frozenset(COMMAND_TYPES.values()),
    ("oms_orders", "state"): _values(OrderState),
    ("oms_orders", "side"): _values(Side),
    ("oms_orders", "edit_replace_state"): _values(EditState),
    ("oms_deals", "side"): _values(Side),
    ("oms_deals", "entry"): _values(DealEntry),
    ("oms_deals", "type"): _values(DealType),
    ("oms_positions", "side"): _values(Side),
    ("oms_positions", "state"): _values(PositionState),
    ("accounts", "environment"): _values(Environment),
    ("accounts", "position_mode"): _values(PositionMode),
    ("kill_switches", "scope"): _values(KillScope),
    ("kill_switches", "mode"): _values(KillMode),
    ("share_links", "view"): _values(ShareView),
    ("session_overrides", "session"): frozenset(each.value for each in ZONES),
    ("deadman_switches", "action"): _values(DeadmanAction),
    ("deadman_switches", "state"): _values(DeadmanState),
    ("discrepancies", "class"): _values(DiscrepancyClass),
    ("discrepancies", "status"): _values(DiscrepancyStatus),
    ("discrepancies", "policy"): _values(DiscrepancyPolicy),
    ("signal_sources", "kind"): _values(SignalKind),
    ("signal_sources", "status"): _ACTIVE,
    ("signal_source_keys", "kind"): _values(SignalKind),
    ("signals", "kind"): _values(SignalKind),
    ("signals", "action"): _values(SignalAction),
    ("signals", "status"): _values(SignalStatus),
    ("instruments", "asset_class"): _values(AssetClass),
    ("instruments", "session"): _values(TradingSession),
    ("candles", "timeframe"): _values(Timeframe),
    ("candle_ingestions", "timeframe"): _values(Timeframe),
    ("candles", "source"): _values(CandleSource),
    ("research_requests", "kind"): _values(ResearchKind),
    ("research_requests", "status"): _values(ResearchStatus),
    ("backtest_runs", "kind"): _values(BacktestKind),
    ("backtest_runs", "status"): _values(BacktestStatus),
    ("backtest_runs", "timeframe"): _values(Timeframe),
    ("notification_sinks", "kind"): _values(SinkKind),
    ("notification_sinks", "status"): _values(SinkStatus),
    ("notification_deliveries", "status"): _values(DeliveryStatus),
    ("task_leases", "state"): _values(TaskState),
    ("users", "role"): _values(Role),
    ("users", "status"): _ACTIVE,
    ("user_api_keys", "status"): _ACTIVE,
    ("auth_tokens", "status"): _TOKEN,
}


def check_of(column: "Column[Any]") -> ValueCheck:
    """Return the check of a column's values other than NULL."""
    name = (column.table.name, column.name)
    if name in WORDS:
        words = WORDS[name]
        return ValueCheck(f"one of {', '.join(sorted(words))}", lambda value: value in words)
    if name in (("oms_positions", "cost_exact"), ("oms_positions", "exit_exact")):
        return ValueCheck("a fraction", _is_fraction)
    if name == ("oms_orders", "fill_value"):
        return ValueCheck("a decimal", _is_decimal)
    kind = column.type
    if kind is JsonText:
        return ValueCheck("JSON", _is_json)
    if kind is BigIntId or isinstance(kind, Integer):
        return ValueCheck("an integer", lambda value: type(value) is int)
    if isinstance(kind, Double):
        return ValueCheck("finite number", _is_finite)
    if isinstance(kind, Boolean):
        return ValueCheck("0 or 1", lambda value: type(value) in (int, bool) and value in (0, 1))
    if isinstance(kind, DecimalType):
        return ValueCheck("a decimal", _is_decimal)
    if isinstance(kind, TimestampType):
        return ValueCheck("a time", _is_time)
    if isinstance(kind, Date):
        return ValueCheck("a date", _is_date)
    length = kind.length if isinstance(kind, String | ExactText) else None
    return _text_check(length)


def _text_check(length: int | None) -> ValueCheck:
    if length is None:
        return ValueCheck("text", lambda value: isinstance(value, str))
    expected = f"text of at most {length} characters"
    return ValueCheck(expected, lambda value: isinstance(value, str) and len(value) <= length)


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _is_decimal(value: Any) -> bool:
    if isinstance(value, Decimal):
        return value.is_finite()
    if not isinstance(value, str):
        return False
    try:
        return Decimal(value).is_finite()
    except InvalidOperation:
        return False


def _is_fraction(value: Any) -> bool:
    try:
        decode_fraction(value)
    except (ValueError, ArithmeticError, AttributeError):
        return False
    return True


def _is_json(value: Any) -> bool:
    try:
        json.loads(value)
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def _is_time(value: Any) -> bool:
    if isinstance(value, datetime):
        return value.year in YEARS
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return False
    try:
        return parse_time(value).year in YEARS
    except ValueError:
        return False


def _is_date(value: Any) -> bool:
    if isinstance(value, date):
        return True
    try:
        return date.fromisoformat(value).year in YEARS
    except (ValueError, TypeError):
        return False
