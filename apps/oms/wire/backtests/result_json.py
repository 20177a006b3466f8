"""The result of a backtest as JSON: money is decimal text, ratios and percentages are numbers."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from oms.backtest.result import BacktestResult, CurvePoint, Execution, RoundTrip
from oms.backtest.settings import BacktestSettings
from oms.domain.money import decimal_text
from oms.domain.side import Side

SIDES = {Side.BUY: "long", Side.SELL: "short"}


def settings_json(settings: BacktestSettings) -> dict[str, Any]:
    """Return the settings; percentages and fractions are decimal text."""
    instrument = settings.instrument
    names = ("initial_balance", "commission", "slippage", "position_pct")
    levels = ("stop_loss_pct", "take_profit_pct", "stop_trailing_pct")
    return {
        "symbol": instrument.symbol,
        "timeframe": settings.timeframe.value,
        "session": settings.session.value,
        "start": time_text(settings.start),
        "end": time_text(settings.end),
        **{name: _text(getattr(settings, name)) for name in names},
        "allow_short": settings.allow_short,
        **{name: _text(getattr(settings, name)) for name in levels},
        "volume_cap_pct": _text(settings.volume_cap_pct),
        "risk_preset": settings.risk_preset,
        "qty_step": _text(instrument.step),
        "price_tick": _text(instrument.tick),
        "min_notional": _text(instrument.min_notional),
    }


def figures_json(result: BacktestResult, settings: BacktestSettings) -> dict[str, Any]:
    """Return the figures of a result without its trades and its curve."""
    equity, trades = result.equity, result.trades
    buys = sum(each.side is Side.BUY for each in result.executions)
    return {
        "initial_balance": _text(settings.initial_balance),
        "final_balance": _text(equity.final_balance),
        "total_return": _text(equity.total_return),
        "total_return_pct": _ratio(equity.total_return_pct),
        "total_trades": trades.total,
        "winning_trades": trades.wins,
        "losing_trades": trades.losses,
        "breakeven_trades": trades.breakeven,
        "win_rate": _ratio(trades.win_rate),
        "max_drawdown": _ratio(equity.max_drawdown_pct),
        "max_drawdown_seconds": equity.max_drawdown_seconds,
        "sharpe_ratio": _ratio(equity.sharpe_ratio),
        "sortino_ratio": _ratio(equity.sortino_ratio),
        "profit_factor": _ratio(trades.profit_factor),
        "expectancy": _text(trades.expectancy),
        "avg_win": _text(trades.avg_win),
        "avg_loss": _text(trades.avg_loss),
        "fees_paid": _text(trades.fees_paid),
        "funding_paid": _text(result.funding_paid),
        "cagr_pct": _ratio(equity.cagr_pct),
        "exposure_pct": _ratio(result.exposure_pct),
        "buy_and_hold_return_pct": _ratio(result.buy_and_hold_return_pct),
        "periods_per_year": _ratio(equity.periods_per_year),
        "bars": result.bars,
        "first_at": time_text(result.first_at),
        "last_at": time_text(result.last_at),
        "warmup_bars": result.warmup_bars,
        "warmup_ok": result.warmup_ok,
        "skipped_min": result.skipped_min,
        "metrics": {
            "total_buy_trades": buys,
            "total_sell_trades": len(result.executions) - buys,
            "commission_rate": _text(settings.commission),
            "slippage_rate": _text(settings.slippage),
        },
        "monthly_returns": [
            {"year": each.year, "month": each.month, "return_pct": _ratio(each.return_pct)}
            for each in result.monthly_returns
        ],
        "data_gaps": [
            {"start": time_text(gap.start), "end": time_text(gap.end)} for gap in result.data_gaps
        ],
        "refused": [
            {"timestamp": time_text(each.at), "reason": each.reason, "message": each.message}
            for each in result.refused
        ],
    }


def trades_json(executions: Iterable[Execution], symbol: str) -> list[dict[str, Any]]:
    """Return the executions."""
    return [
        {
            "timestamp": time_text(each.at),
            "symbol": symbol,
            "side": each.side.value,
            "quantity": _text(each.qty),
            "price": _text(each.price),
            "value": _text(each.value),
            "fee": _text(each.fee),
            "reason": each.reason.value,
            "round_trip": each.round_trip,
        }
        for each in executions
    ]


def round_trips_json(round_trips: Iterable[RoundTrip]) -> list[dict[str, Any]]:
    """Return the round trips."""
    return [
        {
            "number": each.number,
            "side": SIDES[each.side],
            "entry_time": time_text(each.entry_time),
            "entry_price": _text(each.entry_price),
            "exit_time": time_text(each.exit_time),
            "exit_price": _text(each.exit_price),
            "qty": _text(each.qty),
            "fees": _text(each.fees),
            "pnl": _text(each.pnl),
            "pnl_pct": _ratio(each.pnl_pct),
            "bars_held": each.bars_held,
            "exit_reason": each.exit_reason.value,
        }
        for each in round_trips
    ]


def curve_json(points: Iterable[CurvePoint]) -> list[dict[str, Any]]:
    """Return the equity curve."""
    return [
        {
            "timestamp": time_text(point.at),
            "balance": _text(point.cash),
            "position_value": _text(point.position_value),
            "total_equity": _text(point.equity),
        }
        for point in points
    ]


def time_text(time: datetime | None) -> str | None:
    """Return an RFC 3339 time in UTC, to the second."""
    return None if time is None else time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(number: Decimal | None) -> str | None:
    return None if number is None else decimal_text(number)


def _ratio(number: Decimal | None) -> float | None:
    return None if number is None else float(number)
