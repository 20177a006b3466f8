"""A vectorised strategy: the relative strength index on a data frame; needs pandas.

    oms backtest run --csv prices.csv --timeframe 1h \
        --strategies examples/signals --strategy rsi_signals --param period=10
"""

import pandas as pd


class RsiSignals:
    """Long while the index is below its lower bound, out or short above the upper one."""

    version = "1"
    warmup = 15

    def __init__(self, period: int = 14, lower: float = 30.0, upper: float = 70.0) -> None:
        self.period, self.lower, self.upper = period, lower, upper

    def generate_signals(self, data: pd.DataFrame) -> pd.Series:
        """Return 1, -1 or 0 for each row of open, high, low, close and volume."""
        change = data["close"].diff()
        gain = change.clip(lower=0).ewm(alpha=1 / self.period, min_periods=self.period).mean()
        loss = -change.clip(upper=0).ewm(alpha=1 / self.period, min_periods=self.period).mean()
        index = 100 - 100 / (1 + gain / loss)
        signals = pd.Series(0, index=data.index)
        signals[index < self.lower] = 1
        signals[index > self.upper] = -1
        return signals
