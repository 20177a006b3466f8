"""What charts show of a strategy: comparisons of a number with a line, and states of a signal."""

from collections.abc import Mapping
from decimal import Decimal

from oms.domain.market.timeframe import Timeframe
from oms.strategies.strategy import Comparison, StrategyState


def compare(price: Decimal | None, line: Decimal | None) -> Comparison:
    """Return whether ``price`` is above the line (long) or below it (short)."""
    is_known = price is not None and line is not None
    return Comparison(
        price=price,
        indicator=line,
        is_long=is_known and price > line,  # type: ignore[operator]
        is_short=is_known and price < line,  # type: ignore[operator]
    )


def state_of_signal(
    signal: int,
    *,
    lines: Mapping[str, Decimal | None],
    compared: Mapping[Timeframe, Comparison],
) -> StrategyState:
    """Return the state of a strategy that decides by one signal: 1, -1 or 0."""
    return StrategyState(
        lines=lines,
        enters_long=signal > 0,
        enters_short=signal < 0,
        leaves_long=signal < 0,
        leaves_short=signal > 0,
        comparisons=compared,
    )
