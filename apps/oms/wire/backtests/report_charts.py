"""Charts of a backtest's report as inline SVG: equity beside buy and hold, and drawdown."""

from collections.abc import Sequence
from datetime import datetime
from html import escape

from oms.backtest.result import CurvePoint

WIDTH, HEIGHT, MARGIN = 960, 260, 64
"""Size of a chart and the space for the values on its left, in units of its view box."""

_RIGHT = 36
POINTS_MAX = 1200
"""Points of a line; a longer curve is thinned to the extremes of equal parts."""

_TICKS = 4


def equity_chart(points: Sequence[CurvePoint]) -> str:
    """Return equity and buy and hold, both starting at the first equity."""
    first = points[0]
    scale = float(first.equity) / float(first.close)
    equity = [float(point.equity) for point in points]
    held = [float(point.close) * scale for point in points]
    times = [point.at for point in points]
    lines = (("equity", "Equity", equity), ("held", "Buy and hold", held))
    return _chart(times, lines, "Equity and buy and hold in quote")


def drawdown_chart(points: Sequence[CurvePoint]) -> str:
    """Return how far the equity is below its highest so far, in percent."""
    peak, below = 0.0, []
    for point in points:
        equity = float(point.equity)
        peak = max(peak, equity)
        below.append(100 * (equity - peak) / peak if peak else 0.0)
    times = [point.at for point in points]
    return _chart(times, (("drawdown", "Drawdown", below),), "Drawdown in percent")


def _chart(
    times: Sequence[datetime], lines: Sequence[tuple[str, str, Sequence[float]]], title: str
) -> str:
    """Return a chart of lines, each with its CSS class, its name and its values."""
    low = min(min(values) for _, _, values in lines)
    high = max(max(values) for _, _, values in lines)
    if low == high:
        low, high = low - 1, high + 1
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title>",
        *_grid(low, high),
        *_dates(times),
    ]
    for number, (css, name, values) in enumerate(lines):
        path = " ".join(
            f"{_x(index, len(values)):.1f},{_y(values[index], low, high):.1f}"
            for index in _extremes(values)
        )
        parts.append(f'<polyline class="{css}" points="{path}"/>')
        x = MARGIN + 8 + 120 * number
        parts.append(f'<text class="{css}" x="{x}" y="14">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>"])


def _grid(low: float, high: float) -> list[str]:
    parts = []
    for number in range(_TICKS + 1):
        value = low + (high - low) * number / _TICKS
        y = _y(value, low, high)
        parts.append(f'<line x1="{MARGIN}" y1="{y:.1f}" x2="{WIDTH - _RIGHT}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{MARGIN - 6}" y="{y + 4:.1f}" class="value">{value:,.2f}</text>')
    return parts


def _dates(times: Sequence[datetime]) -> list[str]:
    chosen = sorted({round(number * (len(times) - 1) / _TICKS) for number in range(_TICKS + 1)})
    return [
        f'<text x="{_x(index, len(times)):.1f}" y="{HEIGHT - 4}" class="date">'
        f"{times[index]:%Y-%m-%d}</text>"
        for index in chosen
    ]


def _x(index: int, count: int) -> float:
    return MARGIN + (WIDTH - MARGIN - _RIGHT) * (index / (count - 1) if count > 1 else 0)


def _y(value: float, low: float, high: float) -> float:
    return 20 + (HEIGHT - 44) * (high - value) / (high - low)


def _extremes(values: Sequence[float]) -> list[int]:
    """Return the indexes of the lowest and highest value of each part, in order."""
    count = len(values)
    if count <= POINTS_MAX:
        return list(range(count))
    parts = POINTS_MAX // 2
    chosen = {0, count - 1}
    for number in range(parts):
        indexes = range(number * count // parts, (number + 1) * count // parts)
        chosen.add(min(indexes, key=values.__getitem__))
        chosen.add(max(indexes, key=values.__getitem__))
    return sorted(chosen)
