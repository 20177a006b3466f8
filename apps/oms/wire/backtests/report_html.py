"""The report of a backtest: one HTML file that loads nothing, so it opens without a network."""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any

from oms.backtest.result import CurvePoint
from oms.wire.backtests.report_charts import drawdown_chart, equity_chart

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --up: #15803d; --down: #b91c1c; --held: #888; }
@media (prefers-color-scheme: dark) { :root { --up: #4ade80; --down: #f87171; } }
body { font: 14px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .2rem .7rem .2rem 0; text-align: left; }
td.number, th.number { text-align: right; }
.gain { color: var(--up); } .loss { color: var(--down); }
.wide { overflow-x: auto; } .note { border-left: 3px solid #d97706; padding-left: .7rem; }
.columns { display: flex; flex-wrap: wrap; gap: 0 3rem; } .columns > section { flex: 1 1 24rem; }
svg { width: 100%; height: auto; } svg line { stroke: var(--line); stroke-width: .5; }
svg text { font-size: 11px; fill: currentColor; } svg .value { text-anchor: end; }
svg .date { text-anchor: middle; } svg polyline { fill: none; stroke-width: 1.5; }
svg polyline.equity { stroke: #2563eb; } svg text.equity { fill: #2563eb; }
svg polyline.held { stroke: var(--held); } svg polyline.drawdown { stroke: var(--down); }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

REPORT_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'"
"""The content security policy under which a report is served."""

_FIGURES = (
    ("Final balance", "final_balance", ""),
    ("Total return", "total_return", ""),
    ("Total return", "total_return_pct", " %"),
    ("Buy and hold, without costs", "buy_and_hold_return_pct", " %"),
    ("Growth per year", "cagr_pct", " %"),
    ("Largest drawdown", "max_drawdown", " %"),
    ("Longest drawdown", "max_drawdown_seconds", ""),
    ("Sharpe ratio per year", "sharpe_ratio", ""),
    ("Sortino ratio per year", "sortino_ratio", ""),
    ("Candles with a position", "exposure_pct", " %"),
    ("Round trips", "total_trades", ""),
    ("Wins after fees", "win_rate", " %"),
    ("Profit factor", "profit_factor", ""),
    ("Mean result", "expectancy", ""),
    ("Mean win", "avg_win", ""),
    ("Mean loss", "avg_loss", ""),
    ("Fees paid", "fees_paid", ""),
)
_RULES = (
    "A decision at the close of a candle is executed at the open of the next one, exits first.",
    "Levels are judged against the range of a candle; if it reaches both, the stop loss is taken. "
    "A gap through a level is executed at the open.",
    "The slippage moves the price of market orders and levels; fees are paid in quote.",
    "What is open at the end is closed at the last close, with slippage and fee.",
)
_TRIPS = (
    ("#", "number"),
    ("Side", "side"),
    ("Entry", "entry_time"),
    ("Price", "entry_price"),
    ("Exit", "exit_time"),
    ("Price", "exit_price"),
    ("Quantity", "qty"),
    ("Fees", "fees"),
    ("Result", "pnl"),
    ("%", "pnl_pct"),
    ("Candles", "bars_held"),
    ("Reason", "exit_reason"),
)
_TEXTS = frozenset({"side", "entry_time", "exit_time", "exit_reason"})
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def report_html(run: Mapping[str, Any], points: Sequence[CurvePoint]) -> str:
    """Return the page of a run as JSON (``figures_json`` and what identifies the run)."""
    settings = run["settings"]
    title = f"{run['strategy']} on {settings['symbol']} {settings['timeframe']}"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>Backtest: {escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>Backtest: {escape(title)}</h1>",
        f"<p>{run['first_at']} to {run['last_at']}, {run['bars']} candles</p>",
        *_notes(run),
        _section("Equity", equity_chart(points)),
        _section("Drawdown", drawdown_chart(points)),
        '<div class="columns">',
        _section("Figures", _pairs(_figures(run))),
        _section("Assumptions", _assumptions(run)),
        "</div>",
        _section("Rules", _rules()),
        _section("Monthly returns, percent", _monthly_table(run["monthly_returns"])),
        _section("Round trips", _trip_table(run["round_trips"])),
        "</body></html>",
    ]
    return "\n".join(parts)


def _figures(run: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, key, unit in _FIGURES:
        if key == "max_drawdown_seconds":
            yield name, f"{run[key] / 86_400:,.1f} days"
        else:
            yield name, _figure(run[key], unit)


def _notes(run: Mapping[str, Any]) -> Iterable[str]:
    if not run["warmup_ok"]:
        text = (
            "The data has too few candles before the start: indicators were not complete at first."
        )
        yield f'<p class="note">{text}</p>'
    if run["data_gaps"]:
        gaps = "; ".join(f"{gap['start']} to {gap['end']}" for gap in run["data_gaps"][:20])
        yield f'<p class="note">{len(run["data_gaps"])} gaps in the data: {escape(gaps)}</p>'
    if run["skipped_min"] or run["refused"]:
        refused = ", ".join(sorted({each["reason"] for each in run["refused"]}))
        text = f"{run['skipped_min']} entries below the minimum, {len(run['refused'])} refused"
        yield f'<p class="note">{text}{": " if refused else ""}{escape(refused)}</p>'


def _section(title: str, content: str) -> str:
    return f'<section><h2>{escape(title)}</h2><div class="wide">{content}</div></section>'


def _assumptions(run: Mapping[str, Any]) -> str:
    parameters = ", ".join(f"{name} {number}" for name, number in run["params"].items())
    pairs = [
        ("Strategy", f"{run['strategy']}, version {run['version']}"),
        ("Parameters", parameters),
    ]
    pairs += [
        (name.replace("_", " ").capitalize(), _setting(item))
        for name, item in run["settings"].items()
        if item is not None
    ]
    pairs.append(("Candles before the start", str(run["warmup_bars"])))
    pairs += [(f"Hash of {name}", digest[:16]) for name, digest in run["hashes"].items()]
    return _pairs(pairs)


def _rules() -> str:
    return f"<ul>{''.join(f'<li>{escape(rule)}</li>' for rule in _RULES)}</ul>"


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    rows = "".join(
        f'<tr><th>{escape(name)}</th><td class="number">{escape(text)}</td></tr>'
        for name, text in pairs
    )
    return f"<table>{rows}</table>"


def _trip_table(trips: Sequence[Mapping[str, Any]]) -> str:
    if not trips:
        return "<p>None.</p>"
    head = "".join(
        f"<th{'' if key in _TEXTS else ' class=number'}>{escape(name)}</th>" for name, key in _TRIPS
    )
    rows = []
    for trip in trips:
        css = "gain" if Decimal(trip["pnl"]) > 0 else "loss"
        cells = "".join(_trip_cell(key, trip[key], css) for _, key in _TRIPS)
        rows.append(f"<tr>{cells}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _trip_cell(key: str, item: Any, css: str) -> str:
    if key in _TEXTS:
        return f"<td>{escape(str(item))}</td>"
    colour = f" {css}" if key in ("pnl", "pnl_pct") else ""
    return f'<td class="number{colour}">{escape(_figure(item, ""))}</td>'


def _monthly_table(months: Iterable[Mapping[str, Any]]) -> str:
    """Return the returns by year and month."""
    rows: dict[int, dict[int, float | None]] = {}
    for each in months:
        rows.setdefault(each["year"], {})[each["month"]] = each["return_pct"]
    head = "".join(f'<th class="number">{name}</th>' for name in _MONTHS)
    lines = []
    for year, changes in rows.items():
        cells = "".join(_month_cell(changes.get(month)) for month in range(1, 13))
        lines.append(f"<tr><th>{year}</th>{cells}</tr>")
    return f"<table><tr><th></th>{head}</tr>{''.join(lines)}</table>"


def _month_cell(change: float | None) -> str:
    if change is None:
        return "<td></td>"
    return f'<td class="number {"loss" if change < 0 else "gain"}">{change:.2f}</td>'


def _figure(number: Any, unit: str) -> str:
    if number is None:
        return "-"
    if isinstance(number, float):
        return f"{number:,.4f}{unit}"
    if isinstance(number, str):
        number = _rounded(Decimal(number))
    return f"{number}{unit}"


def _rounded(number: Decimal) -> str:
    """Return money, a price or a quantity with the digits that a reader needs."""
    size = abs(number)
    places = 2 if size >= 1000 else 4 if size >= 1 else 8
    return f"{number:,.{places}f}"


def _setting(item: Any) -> str:
    return {True: "yes", False: "no"}[item] if isinstance(item, bool) else str(item)
