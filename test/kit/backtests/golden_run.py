"""Twelve hours of ``sma_cross`` with published figures: one losing trade, to nine places."""

from collections.abc import Mapping

from kit.backtests.candles import candles_of
from oms.domain.market.candle import Candle

OPENS = "100 100 101 99 98 99 103 104 106 105 100 98"
HIGHS = "101 102 101 99 100 103 105 107 107 105 102 99"
LOWS = "99 99 98 97 97 98 101 103 104 100 97 96"
CLOSES = "100 101 99 98 99 102 104 106 105 101 98 97"
PARAMETERS = {"fast": "2", "slow": "4"}
#: By number of the candle.
EQUITY = {
    5: "10000",
    6: "10077.978259710",
    7: "10262.444279130",
    8: "10170.211269420",
    9: "9801.279230580",
    10: "9695.215881064",
    11: "9695.215881064",
}
#: To nine places.
FIGURES: Mapping[str, str] = {
    "final_balance": "9695.215881064",
    "total_return": "-304.784118936",
    "total_return_pct": "-3.047841189",
    "max_drawdown": "5.527225119",
    "sharpe_ratio": "-18.869219808",
    "sortino_ratio": "-21.746714548",
}


def golden_candles() -> list[Candle]:
    """Return the candles."""
    return candles_of(zip(*(line.split() for line in (OPENS, HIGHS, LOWS, CLOSES)), strict=True))
