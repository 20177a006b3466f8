"""Settings of a backtest of their JSON: the inverse of ``result_json.settings_json``."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from oms.backtest.settings import BacktestSettings, contract_of
from oms.domain.market.market_instrument import TradingSession
from oms.domain.market.timeframe import Timeframe
from oms.wire.field_types import read_time

_NUMBERS = ("initial_balance", "commission", "slippage", "position_pct")
_LEVELS = ("stop_loss_pct", "take_profit_pct", "stop_trailing_pct")


def read_settings(row: Mapping[str, Any]) -> BacktestSettings:
    """Return the settings that ``settings_json`` wrote."""
    instrument = contract_of(
        row["symbol"],
        step=Decimal(row["qty_step"]),
        tick=Decimal(row["price_tick"]),
        min_notional=Decimal(row["min_notional"]),
    )
    numbers: dict[str, Any] = {name: Decimal(row[name]) for name in _NUMBERS}
    levels: dict[str, Any] = {name: Decimal(row[name]) for name in _LEVELS if row[name] is not None}
    return BacktestSettings(
        instrument=instrument,
        timeframe=Timeframe(row["timeframe"]),
        session=TradingSession(row.get("session", TradingSession.CONTINUOUS)),
        volume_cap_pct=Decimal(row.get("volume_cap_pct", "0")),
        risk_preset=row["risk_preset"],
        start=None if row["start"] is None else read_time(row["start"]),
        end=None if row["end"] is None else read_time(row["end"]),
        allow_short=row["allow_short"],
        **numbers,
        **levels,
    )
